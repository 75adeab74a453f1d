"""A day in shadow: the engine's log lands and meets the lake, and whatever the process read otherwise shows."""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from grinder_resources.contracts.bronze import PREDICTIONS
from grinder_resources.contracts.gold import REGIME_DATASET, REGIME_LABEL, SNAPSHOT_FEATURES
from grinder_resources.contracts.monitoring import predictions_log_table, references_table, sketches_table
from grinder_resources.contracts.operations import MonitoringSettings
from grinder_resources.inference import MlConfig, Snapshot, open_engine
from grinder_resources.ingest.bronze import bronze_day, stage_landing
from grinder_resources.lake import Lake
from grinder_resources.learning.specs import REGIME
from grinder_resources.monitoring.answers import answered_rows
from grinder_resources.monitoring.predictions import predictions_day, predictions_upstream
from grinder_resources.monitoring.readings import logged_values
from grinder_resources.monitoring.references import publish_references, references
from grinder_resources.monitoring.report import drift_report
from grinder_resources.monitoring.sketches import sketches_day
from grinder_resources.monitoring.skewed import skewed_inputs
from grinder_resources.monitoring.watch import Watch, watch
from tests.learning import regime_gold

LAST = regime_gold.FIRST + timedelta(days=regime_gold.DAYS - 1)
INPUTS = [column.name for column in SNAPSHOT_FEATURES]
Change = Callable[[int, Snapshot], Snapshot | None]


@pytest.fixture
def log_day(trained: Path, tmp_path: Path) -> Callable[[Change], Watch]:
    """Return what lets an engine log the last day, lands the log, and returns the model as it is watched then."""
    watched = watch(REGIME, Lake(str(trained / "lake")), trained / "models")

    def run(change: Change) -> Watch:
        assert watched.model is not None
        rows = watched.lake.read(REGIME_DATASET, LAST, LAST).iter_rows(named=True)
        seen = [change(number, snapshot_of(row)) for number, row in enumerate(rows)]
        write_log(watched.model.folder, tmp_path / "landing", (snapshot for snapshot in seen if snapshot))
        staged = stage_landing(tmp_path / "landing", tmp_path / "staging", tmp_path / "pins.yaml")
        watched.lake.commit(PREDICTIONS, bronze_day(staged, PREDICTIONS, LAST), day=LAST, code_version="1")
        return watched

    return run


def snapshot_of(row: dict[str, Any]) -> Snapshot:
    """Return what a process would have known at a Gold row."""
    return Snapshot(row["ts_ns"] // 1_000_000, row["symbol"], {name: row[name] for name in INPUTS})


def write_log(model: Path, folder: Path, snapshots: Iterable[Snapshot]) -> None:
    """Let an engine in shadow decide about the snapshots and log it."""
    config = MlConfig(
        enabled=True,
        shadow_only=True,
        model_dir=str(model),
        max_inference_latency_ms=60_000,
        prediction_log=str(folder),
        prediction_venue="demo",
    )
    with open_engine(config, {}) as engine:
        for snapshot in snapshots:
            engine.decide(snapshot)


def unchanged(_number: int, snapshot: Snapshot) -> Snapshot:
    """Let the process see what the lake has."""
    return snapshot


def tampered(number: int, snapshot: Snapshot) -> Snapshot:
    """Let the process read another spread in every tenth row."""
    features = dict(snapshot.features)
    return snapshot if number % 10 else replace(snapshot, features=features | {"spread_bps": 8_999})


def test_a_logged_day_reads_what_the_lake_has_and_answers_as_the_lake_would(log_day: Callable[[Change], Watch]) -> None:
    """No skew, every outcome known, and but for its source each row is the one that a day without a log gets."""
    watched = log_day(unchanged)
    logged = predictions_day(watched, LAST)
    assert logged["source"].unique().to_list() == ["logged"]
    assert logged.height == 3 * regime_gold.MINUTES
    assert logged["features_hash"].equals(logged["recomputed_hash"])
    assert logged.group_by("row_id").agg(pl.col("outcome").sum()).select(pl.col("outcome").unique()).rows() == [(1,)]
    watched.lake.commit(PREDICTIONS, PREDICTIONS.empty(), day=LAST, code_version="1")
    replayed = predictions_day(watched, LAST)
    assert replayed["source"].unique().to_list() == ["replayed"]
    assert logged.drop("source").equals(replayed.drop("source"))
    assert skewed_inputs(watched, [LAST]) == []


def test_an_input_that_was_read_otherwise_is_skew(log_day: Callable[[Change], Watch], trained: Path) -> None:
    """Those decisions and no others; the input is named, the sketch holds what was read, and the report says so."""
    watched = log_day(tampered)
    rows = predictions_day(watched, LAST)
    differing = rows.filter(pl.col("features_hash") != pl.col("recomputed_hash"))["row_id"].n_unique()
    assert differing == regime_gold.MINUTES // 10
    (found,) = skewed_inputs(watched, [LAST])
    first = watched.lake.read(REGIME_DATASET, LAST, LAST)["spread_bps"][0]
    assert found == {
        "date": LAST, "input": "spread_bps", "decisions": 24, "logged": "8999", "in the lake": str(first)
    }  # fmt: skip
    publish_references(watched, "1")
    watched.lake.commit(predictions_log_table(REGIME.name), rows, day=LAST, code_version="1")
    sketches = sketches_day(watched, LAST)
    highest = sketches.filter(pl.col("feature") == "spread_bps")["counts"].list.last().sum()
    true = watched.lake.read(references_table(REGIME.name)).filter(pl.col("feature") == "spread_bps")["cuts"][0][-1]
    untouched = watched.lake.read(REGIME_DATASET, LAST, LAST).with_row_index().filter(pl.col("index") % 10 != 0)
    assert highest == 24 + (untouched["spread_bps"] >= true).sum()
    watched.lake.commit(sketches_table(REGIME.name), sketches, day=LAST, code_version="1")
    report = drift_report(REGIME, watched.lake, trained / "models", MonitoringSettings(), code_version="1")
    (skew,) = report.of_kind("skew")
    assert (skew.measured.rows, skew.measured.effect) == (240, 0.1)


def test_moments_that_only_one_side_knows(log_day: Callable[[Change], Watch]) -> None:
    """A decision that the lake has no row for has no outcome yet; a Gold row that nobody logged is answered again."""

    def change(number: int, snapshot: Snapshot) -> Snapshot | None:
        if number == 0:
            return replace(snapshot, ts=snapshot.ts + 1)
        return snapshot if number > 2 else None

    rows = predictions_day(log_day(change), LAST)
    alone = rows.filter(pl.col("recomputed_hash").is_null())
    assert (alone["source"].unique().to_list(), alone["outcome"].to_list()) == (["logged"], [None] * 3)
    again = rows.filter(pl.col("source") == "replayed")
    midnight = rows["ts_ns"].min()
    assert sorted({(ts - midnight) // 60_000_000_000 for ts in again["ts_ns"]}) == [0, 1, 2]
    assert again["outcome"].null_count() == 0


def test_only_the_served_models_own_log_counts(log_day: Callable[[Change], Watch]) -> None:
    """After a promotion the day is answered again by the new version; the old one's words stay in Bronze."""
    watched = log_day(unchanged)
    before = predictions_upstream(watched, LAST)
    rows = watched.lake.read(PREDICTIONS, LAST, LAST).with_columns(model_hash=pl.lit("0" * 16))
    watched.lake.commit(PREDICTIONS, rows, day=LAST, code_version="1")
    assert predictions_day(watched, LAST)["source"].unique().to_list() == ["replayed"]
    assert predictions_upstream(watched, LAST) != before


def test_references_are_the_rows_it_was_fitted_on_and_answers_to_those_it_was_not(trained: Path) -> None:
    """The input counts are those of the artifact's own reference; val and test days are a day each."""
    watched = watch(REGIME, Lake(str(trained / "lake")), trained / "models")
    made = references(watched)
    assert watched.model is not None
    assert watched.model.artifact.serving is not None
    own = watched.model.artifact.serving.reference
    rows = {row["feature"]: sum(row["counts"]) + row["missing"] for row in made.iter_rows(named=True)}
    assert {name: rows[name] for name in own} == {name: sum(one.counts) + one.missing for name, one in own.items()}
    by_day = {row["feature"]: [sum(day) for day in row["days"]] for row in made.iter_rows(named=True)}
    assert {name: sum(of_days) for name, of_days in by_day.items()} == rows
    assert by_day["answer:regime/LOW"] == [regime_gold.MINUTES] * 2
    assert len(by_day["spread_bps"]) == len(watched.model.days("train"))
    answers = {name: count for name, count in rows.items() if name not in own}
    assert answers == {f"answer:regime/{regime}": 2 * regime_gold.MINUTES for regime in ("LOW", "MID", "HIGH")}


def test_sketches_of_the_hours_hold_every_row_once(log_day: Callable[[Change], Watch]) -> None:
    """Four hours of sixty rows, of every input and answer."""
    watched = log_day(unchanged)
    publish_references(watched, "1")
    rows = predictions_day(watched, LAST)
    watched.lake.commit(predictions_log_table(REGIME.name), rows, day=LAST, code_version="1")
    made = sketches_day(watched, LAST)
    assert made.select(pl.col("counts").list.sum() + pl.col("missing")).to_series().unique().to_list() == [60]
    assert made["hour"].unique().sort().to_list() == [0, 1, 2, 3]
    assert made.height == 4 * (len(INPUTS) + 3)


def test_what_was_settled_at_decision_time_has_no_outcome(trained: Path) -> None:
    """It would count as right or wrong what no model was needed for."""
    watched = watch(REGIME, Lake(str(trained / "lake")), trained / "models")
    assert watched.model is not None
    head = replace(REGIME.heads[0], settled_when_zero="trades_10s")
    model = replace(watched.model, spec=replace(REGIME, heads=(head,)))
    prepared = watched.gold(model, [LAST])
    assert prepared is not None
    settled = prepared.frame.filter(pl.col("trades_10s") == 0).height
    assert answered_rows(model, prepared)["outcome"].null_count() == 3 * settled


@pytest.mark.parametrize("day", [LAST, date(2030, 1, 1)])
def test_without_a_model_or_rows_there_is_nothing_to_say(trained: Path, tmp_path: Path, day: date) -> None:
    """No artifact yet: every table is empty, and no run fails for it."""
    lake = Lake(str(trained / "lake"))
    nothing = watch(REGIME, lake, tmp_path)
    assert (nothing.model, nothing.served) == (None, "no version yet")
    assert predictions_day(nothing, day).is_empty()
    assert references(nothing).is_empty()
    assert sketches_day(nothing, day).is_empty()
    unborn = watch(REGIME, lake, trained / "models")
    assert predictions_day(unborn, date(2030, 1, 1)).is_empty()


def test_outcomes_are_by_the_cuts_of_the_models_own_training(trained: Path) -> None:
    """LOW, MID and HIGH mean what they meant when it was fitted, whatever later days look like."""
    watched = watch(REGIME, Lake(str(trained / "lake")), trained / "models")
    assert watched.model is not None
    low, high = watched.model.config["cuts"]["regime"]
    rows = predictions_day(watched, LAST).filter(pl.col("outcome") == 1).sort("ts_ns")
    label = pl.col(REGIME_LABEL)
    named = pl.when(label <= low).then(pl.lit("LOW")).when(label <= high).then(pl.lit("MID")).otherwise(pl.lit("HIGH"))
    gold = watched.lake.read(REGIME_DATASET, LAST, LAST).sort("ts_ns").select(named.alias("class"))
    assert rows["class"].to_list() == gold["class"].to_list()


def test_logged_inputs_are_the_numbers_that_the_model_got() -> None:
    """Rounded to float32 as on their way into the graph; a Decimal is a text, and what is not there is missing."""
    features = pl.Series(['{"a":0.1,"b":"1.50"}', '{"a":16777217,"b":null}', '{"b":-2}'])
    values = logged_values(features, ("a", "b")).tolist()
    assert values[0] == [0.10000000149011612, 1.5]
    assert values[1][0] == 16_777_216
    assert [math.isnan(value) for value in (values[1][1], *values[2])] == [True, True, False]
