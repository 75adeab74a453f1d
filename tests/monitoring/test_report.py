"""The drift report over a lake: which hours it sees, what it says of them, and what it leaves behind."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from grinder_resources.contracts.monitoring import drift_table
from grinder_resources.contracts.operations import MonitoringSettings
from grinder_resources.contracts.reports import predictions_table
from grinder_resources.errors import NoData, SchemaMismatch
from grinder_resources.lake import Lake
from grinder_resources.learning.specs import REGIME
from grinder_resources.monitoring.gauges import drift_gauges, write_gauges
from grinder_resources.monitoring.page import drift_page
from grinder_resources.monitoring.plots import drift_png
from grinder_resources.monitoring.report import drift_report
from tests.monitoring.watched import (
    ANSWER,
    CALM,
    MONDAY,
    MONDAY_NS,
    MOVED,
    OTHER,
    SUNDAY,
    answered,
    at_hour,
    report,
    states,
    watched,
)

USUAL = MonitoringSettings()


def test_what_moved_is_named_first(tmp_path: Path) -> None:
    """One of two inputs, not the answer; the sentence, the reason and the order say so."""
    found = report(watched(tmp_path, {(MONDAY, 9): {"depth": CALM, "spread": MOVED, ANSWER: CALM}}))
    assert states(found) == {"feature spread": "critical", "feature depth": "ok", "prediction regime/HIGH": "ok"}
    assert (found.has_drift, found.state, found.rows) == (True, "critical", 100)
    assert found.reason == "critical: spread 2.62"
    assert found.sentence == "regime drifts: spread 2.62."
    assert found.findings[0].sentence == "spread: PSI 2.623, KS 0.500 to 1.000 over 100 rows: critical."


@pytest.mark.parametrize(("rows", "expected"), [(99, (False, "unknown")), (100, (True, "critical"))])
def test_drift_is_said_at_exactly_a_hundred_rows(tmp_path: Path, rows: int, expected: tuple[bool, str]) -> None:
    """Spread over two hours of two days: the rows count, not how they came."""
    hours = {(SUNDAY, 23): {"spread": (60, 0)}, (MONDAY, 0): {"spread": (rows - 60, 0)}}
    found = report(watched(tmp_path, hours))
    assert (found.has_drift, found.state) == expected


def test_a_day_like_a_training_day_is_no_drift(tmp_path: Path) -> None:
    """A slow input lies elsewhere on each day: said in sentence, table and page, and only up to the furthest day."""
    hours = {(MONDAY, 9): {"spread": (80, 20)}}
    found = report(watched(tmp_path, hours, days=[(100, 400), (400, 100)]))
    words = "spread: PSI 0.416, KS 0.300 to 0.800 over 100 rows, a training day lay 1.664 from the others: ok."
    assert (found.has_drift, found.findings[0].sentence) == (False, words)
    row = found.table().filter(pl.col("name") == "spread").row(0, named=True)
    assert (row["state"], round(row["usual"], 3), row["sentence"]) == ("ok", 1.664, words)
    assert "a training day lay 1.664 from the others" in drift_page(found, {})
    calmer = report(watched(tmp_path / "calmer", hours, days=[(240, 260), (260, 240)]))
    assert (calmer.has_drift, calmer.state) == (True, "critical")
    assert report(watched(tmp_path / "one", hours, days=[(500, 500)])).has_drift


def test_the_window_ends_with_the_newest_hour(tmp_path: Path) -> None:
    """A day of hours up to it, the hour of a day ago not among them; a shorter window sees less."""
    hours = {(SUNDAY, 9): {"spread": MOVED}, (SUNDAY, 10): {"spread": CALM}, (MONDAY, 9): {"spread": CALM}}
    lake = watched(tmp_path, hours)
    found = report(lake)
    assert found.window is not None
    assert (found.window.label, found.rows) == ("2025-06-01 10:00 to 2025-06-02 10:00 UTC", 200)
    assert report(lake, replace(USUAL, window_hours=23)).rows == 100
    assert report(lake, replace(USUAL, window_hours=25)).rows == 300


def test_sketches_of_another_model_are_not_looked_at(tmp_path: Path) -> None:
    """A model that has no hour of its own is not judged by its predecessor's."""
    found = report(watched(tmp_path, {(MONDAY, 9): {"spread": MOVED}}, model=OTHER))
    assert (found.window, found.findings, found.state, found.has_drift) == (None, (), "unknown", False)
    assert found.sentence == "regime cannot be judged yet: nothing has been sketched yet."


def test_hours_of_other_bins_are_refused(tmp_path: Path) -> None:
    """Three bins do not add up with two."""
    with pytest.raises(SchemaMismatch, match="spread"):
        report(watched(tmp_path, {(MONDAY, 9): {"spread": (50, 25, 25)}}))


def test_skew_is_critical_and_no_drift(tmp_path: Path) -> None:
    """A newer model would read the wrong inputs as well, so none is asked for."""
    lake = watched(tmp_path, {(MONDAY, 9): {"spread": CALM}})
    rows = [{"ts_ns": at_hour(9), "recomputed_hash": str(1 + number % 2)} for number in range(100)]
    answered(lake, MONDAY, rows)
    found = report(lake)
    assert (states(found)["skew logged"], found.state, found.has_drift) == ("critical", "critical", False)
    assert found.sentence == "regime does not read what the lake has: skew logged 0.50."


def test_answers_outside_of_the_window_are_not_looked_at(tmp_path: Path) -> None:
    """Neither those of later hours, nor those of another model."""
    lake = watched(tmp_path, {(MONDAY, 9): {"spread": CALM}})
    answered(lake, MONDAY, [{"ts_ns": at_hour(10)}, {"ts_ns": at_hour(9), "model_hash": OTHER}])
    assert report(lake).of_kind("skew") == ()


def test_losses_are_held_against_the_walk_forward(tmp_path: Path) -> None:
    """Answers that were right half of the time and never are now: calibration and loss, named so, ask for a model."""
    lake = watched(tmp_path, {(MONDAY, 9): {"spread": CALM}})
    answered(lake, MONDAY, [{"ts_ns": at_hour(9), "answer": 9000, "outcome": 0} for _ in range(100)])
    without = report(lake)
    assert states(without)["performance regime/HIGH"] == "unknown"
    _walk_forward(lake)
    found = report(lake)
    assert states(found)["calibration regime/HIGH"] == states(found)["performance regime/HIGH"] == "critical"
    assert found.has_drift
    assert found.reason.startswith("critical: calibration of regime/HIGH 0.9")
    floor = report(lake, replace(USUAL, accuracy_threshold=0.15))
    assert states(floor)["performance regime/HIGH accuracy"] == "warning"


def test_a_model_without_an_artifact_has_a_report(tmp_path: Path) -> None:
    """It says that nothing can be judged, and commits a table without rows."""
    lake = Lake(str(tmp_path / "lake"))
    found = drift_report(REGIME, lake, tmp_path / "models", USUAL, code_version="1")
    assert (found.state, found.version) == ("unknown", "")
    assert lake.read(drift_table(REGIME.name)).height == 0


def test_a_report_that_says_the_same_is_no_new_commit(tmp_path: Path) -> None:
    """An hour in which nothing changed leaves the table's log as it was; other settings add to it."""
    lake = Lake(str(tmp_path / "lake"))
    log = tmp_path / "lake" / drift_table(REGIME.name).name / "_delta_log"

    def commits(settings: MonitoringSettings) -> int:
        drift_report(REGIME, lake, tmp_path / "models", settings, code_version="1")
        return len(list(log.glob("*.json")))

    first = commits(USUAL)
    assert commits(USUAL) == first
    assert commits(replace(USUAL, min_rows=50)) == first + 1


def test_what_comes_while_a_report_is_made_makes_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that is older than a commit must not pass for one that has seen it."""
    lake, name = watched(tmp_path, {(MONDAY, 9): {"spread": CALM}}), drift_table(REGIME.name).name

    def served(*_: object) -> Path:
        answered(lake, MONDAY, [{"ts_ns": at_hour(9)}])
        raise NoData("no artifact")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("grinder_resources.monitoring.report.served_artifact", served)
        drift_report(REGIME, lake, tmp_path / "models", USUAL, code_version="1")
    drift_report(REGIME, lake, tmp_path / "models", USUAL, code_version="1")
    assert len(list((tmp_path / name / "_delta_log").glob("*.json"))) == 2


def test_the_table_holds_every_finding(tmp_path: Path) -> None:
    """In the contract's columns; what is not known is null."""
    rows = report(watched(tmp_path, {(MONDAY, 9): {"spread": MOVED}})).table()
    assert rows.select("kind", "name", "rows", "state").rows() == [
        ("feature", "depth", 0, "unknown"),
        ("feature", "spread", 100, "critical"),
        ("prediction", "regime/HIGH", 0, "unknown"),
    ]
    assert rows.filter(pl.col("name") == "depth").select("statistic", "effect", "p_value", "q_value").row(0) == (
        (None,) * 4
    )


def test_gauges_and_page_say_the_same(tmp_path: Path) -> None:
    """What is known has a score; every state is counted; the page is one file that leads with the sentence."""
    found = report(watched(tmp_path, {(MONDAY, 9): {"spread": MOVED, "depth": CALM}}))
    lines = drift_gauges(found).splitlines()
    assert 'grinder_ml_has_drift{model="regime"} 1.0' in lines
    scores = [line.rsplit(" ", 1) for line in lines if line.startswith("grinder_ml_drift_score{")]
    assert {series: round(float(value), 3) for series, value in scores} == {
        'grinder_ml_drift_score{kind="feature",model="regime",name="spread"}': 2.623,
        'grinder_ml_drift_score{kind="feature",model="regime",name="depth"}': 0.0,
    }
    assert 'grinder_ml_drift_state{model="regime",state="unknown"} 1.0' in lines
    write_gauges(tmp_path / "pages" / "drift_regime.prom", found)
    assert (tmp_path / "pages" / "drift_regime.prom").read_text().splitlines() == lines
    page = drift_page(found, {"code version": "<1>"})
    assert "regime drifts: spread 2.62." in page
    assert page.count("<svg") == 2
    assert "&lt;1&gt;" in page
    assert (drift_png(found) or b"").startswith(b"\x89PNG")
    assert drift_png(replace(found, findings=())) is None


def _walk_forward(lake: Lake) -> None:
    """Commit two days of answers of one half, every second of which came true, a minute apart, before Monday."""
    rows = 2880
    ts = MONDAY_NS - (1 + np.arange(rows)) * 60_000_000_000
    table = predictions_table(REGIME.name)
    facts = {"venue": "demo", "symbol": "A", "fold": 1, "mode": "expanding", "head": "regime", "class": "HIGH"}
    numbers = {"settled": False, "base_rate": 0.5, "baseline": 0.5, "prediction": 0.5, "margin_q16": 0}
    frame = pl.DataFrame({"ts_ns": ts, "label": np.arange(rows) % 2 * 1.0}).with_columns(
        pl.from_epoch("ts_ns", "ns").dt.date().alias("date"),
        pl.col("ts_ns").alias("label_end_ns"),
        pl.col("ts_ns").cast(pl.String).alias("row_id"),
        pl.lit(5000, pl.Int32).alias("calibrated_bps"),
        *(pl.lit(value).alias(name) for name, value in (facts | numbers).items()),
    )
    lake.commit(table, frame.cast(dict(table.schema)).select(table.schema.names()), day=None, code_version="1")
