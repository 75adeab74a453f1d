"""The real gate week: the source's own rules hold row by row, cut labels are found, and honest answers are coin tosses.

Nothing on these days foretells the sign of the next change, so this is a test of the judge: a head that seems to can
only have read the answer.
"""

import json
from bisect import bisect_right, insort
from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from grinder_resources.contracts.bronze import GATES
from grinder_resources.contracts.gates import GATE_EVENTS, GATE_HORIZONS_MIN, GATE_LOOK_BACK_DAYS, MILLION
from grinder_resources.contracts.validation import keeps_contract
from grinder_resources.evaluation.walk_forward import run_walk_forward
from grinder_resources.gates.events import gate_events
from grinder_resources.ingest.bronze import bronze_day, stage_landing
from grinder_resources.learning.fold_store import FoldStore
from grinder_resources.learning.gate_roc import gate_roc_rows
from grinder_resources.learning.leaks.case import case_of
from grinder_resources.learning.leaks.checks import find_leaks
from grinder_resources.learning.ledger import Ledger
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.specs import GATE_ROC

DAYS = [date(2025, 11, day) for day in range(3, 10)]
FRIDAY, SUNDAY = DAYS[4], DAYS[6]
REPETITION_NS = 720 * 60 * 10**9
"""Look-back of `repetitions`; a gate exactly that old still counts."""

AT_THE_CLOSE = {5: 1, 15: 5, 30: 11, 60: 24, 240: 104}
AT_THE_END = {5: 2, 15: 6, 30: 13, 60: 27, 240: 50}


@pytest.fixture(scope="module")
def bronze(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[date, pl.DataFrame]:
    root = tmp_path_factory.mktemp("gates")
    staged = stage_landing(real_data / "gates", root / "stage", root / "pins.yaml", None)
    return {day: bronze_day(staged, GATES, day) for day in DAYS}


@pytest.fixture(scope="module")
def events(bronze: dict[date, pl.DataFrame]) -> pl.DataFrame:
    def of_day(day: date) -> pl.DataFrame:
        reach = [bronze[one] for one in DAYS if day - timedelta(days=GATE_LOOK_BACK_DAYS) <= one < day]
        return gate_events(bronze[day], pl.concat([GATES.empty(), *reach]), day, goes_on=day not in (FRIDAY, SUNDAY))

    return pl.concat(map(of_day, DAYS))


@pytest.fixture(scope="module")
def rows(events: pl.DataFrame) -> pl.DataFrame:
    return gate_roc_rows(events)


def test_every_gate_is_there_and_keeps_the_contract(events: pl.DataFrame) -> None:
    """3,106 gates of seven pairs."""
    assert events.height == 3106
    assert dict(events["symbol"].value_counts().sort("symbol").iter_rows()) == {
        "AUD_USD": 443, "EUR_USD": 444, "GBP_USD": 445, "NZD_USD": 441, "USD_CAD": 444, "USD_CHF": 444, "USD_JPY": 445
    }  # fmt: skip
    assert keeps_contract(GATE_EVENTS, events)


def test_twins_say_nothing_of_their_own(events: pl.DataFrame) -> None:
    """The hazard is printed again as lambda; stability and coherence are what hazard and entropy leave: exactly."""
    twins = (
        pl.col("lambda_x1e6") != pl.col("hazard_x1e6"),
        pl.col("stability_x1e6") + pl.col("hazard_x1e6") != MILLION,
        pl.col("coherence_x1e6") + pl.col("entropy_x1e6") != MILLION,
    )
    assert events.select(rule.sum().alias(str(number)) for number, rule in enumerate(twins)).row(0) == (0, 0, 0)


def test_the_threshold_is_a_quantile_of_the_hazards_so_far(events: pl.DataFrame) -> None:
    """Sorted hazards of the instrument, this one included: element int(0.95 (n - 1)); admitted up to it."""
    seen: dict[str, list[int]] = defaultdict(list)
    wrong = 0
    for symbol, hazard, threshold, admit in events.sort("ts_ns").select(
        "symbol", "hazard_x1e6", "hazard_threshold_x1e6", "admit"
    ).iter_rows():  # fmt: skip
        insort(seen[symbol], hazard)
        wrong += threshold != seen[symbol][int(0.95 * (len(seen[symbol]) - 1))] or admit != (hazard <= threshold)
    assert wrong == 0
    assert events["admit"].sum() == 2953


def test_repetitions_count_equal_signatures_of_twelve_hours(events: pl.DataFrame) -> None:
    """A signature is coherence, stability and entropy to three digits."""
    seen: dict[tuple[str, ...], list[int]] = defaultdict(list)
    wrong = 0
    for row in events.sort("ts_ns").iter_rows(named=True):
        shares = (row[name] / MILLION for name in ("coherence_x1e6", "stability_x1e6", "entropy_x1e6"))
        times = seen[row["symbol"], *(f"{share:.3f}" for share in shares)]
        times.append(row["ts_ns"])
        wrong += row["repetitions"] != len(times) - bisect_right(times, row["ts_ns"] - REPETITION_NS - 1)
    assert wrong == 0


def test_integers_are_what_the_file_says(bronze: dict[date, pl.DataFrame], events: pl.DataFrame) -> None:
    """Divided by a million they are the source's own doubles, to the last bit."""
    source = pl.concat(bronze.values()).sort("venue", "symbol", "ts_ns")
    ordered = events.sort("venue", "symbol", "ts_ns")
    for name in ("hazard", "hazard_threshold", "entropy", "coherence", "stability", "price_close"):
        assert [units / MILLION for units in ordered[f"{name}_x1e6"]] == source[name].to_list(), name


def test_changes_are_those_of_the_printed_prices(events: pl.DataFrame) -> None:
    """The return since the previous gate is the exact ratio of the two prices, rounded once."""
    assert events["return_prev_pct_x1e6"].null_count() < 50
    for _, rows in events.sort("ts_ns").group_by("symbol"):
        prices, returns = rows["price_close_x1e6"].to_list(), rows["return_prev_pct_x1e6"].to_list()
        for before, price, change in zip(prices, prices[1:], returns[1:], strict=False):
            assert change is None or change == round(Fraction(100 * MILLION * (price - before), before))


def test_labels_are_cut_at_the_close_and_at_the_end(events: pl.DataFrame) -> None:
    """As many at every horizon as were counted by hand, on Friday and on the last day; none on another day."""
    for minutes in GATE_HORIZONS_MIN:
        cut = events.filter(pl.col(f"label_cut_{minutes}m") == 1)
        counts = dict(cut.group_by("date").len().iter_rows())
        assert counts == {FRIDAY: AT_THE_CLOSE[minutes], SUNDAY: AT_THE_END[minutes]}
        assert events[f"roc_forward_{minutes}m_pct_x1e6"].null_count() == cut.height


def test_the_summary_of_the_week_is_recomputed(real_data: Path, bronze: dict[date, pl.DataFrame]) -> None:
    """Count, mean and share of rises by regime and horizon, cut labels included as the exporter has it."""
    summary = json.loads((real_data / "gates" / "roc_regime_summary.json").read_text())["regimes"]
    gates = pl.concat(bronze.values())
    assert set(gates["regime"]) == set(summary)
    for regime, horizons in summary.items():
        of_regime = gates.filter(pl.col("regime") == regime)
        for minutes, told in horizons.items():
            change = of_regime[f"roc_forward_{minutes}m_pct"]
            assert change.len() == told["count"]
            assert change.mean() == pytest.approx(told["avg_roc_pct"], abs=1e-12)
            assert (change > 0).mean() == pytest.approx(told["positive_pct"], abs=1e-12)


def test_the_dataset_has_no_leak_that_is_looked_for(rows: pl.DataFrame) -> None:
    """Every leak check passes on every fold."""
    assert find_leaks(case_of(GATE_ROC, rows)) == ()


def judged(spec: ModelSpec, rows: pl.DataFrame, folder: Path) -> list[dict[str, Any]]:
    """Return the verdicts of an expanding walk-forward."""
    result = run_walk_forward(
        spec,
        rows,
        store=FoldStore(folder / "folds"),
        ledger=Ledger(folder / "ledger.jsonl"),
        code_version="1",
        modes=("expanding",),
    )
    return result.verdicts.to_dicts()


def test_honest_answers_are_coin_tosses(rows: pl.DataFrame, tmp_path: Path) -> None:
    """No sign is ranked better than by chance, no head has an edge, and nothing is too good to be true."""
    verdicts = judged(GATE_ROC, rows, tmp_path)
    assert len(verdicts) == 5 + 5 * 3
    assert not any(verdict["edge"] or verdict["leak_alarm"] for verdict in verdicts)
    for sign in (verdict for verdict in verdicts if verdict["head"].startswith("sign_")):
        assert sign["auc_low"] < 0.5 < sign["auc_high"], sign["head"]
        assert 0.45 < sign["auc"] < 0.55
        assert sign["verdict"].startswith("no edge")


def test_a_planted_answer_is_an_alarm_and_no_edge(rows: pl.DataFrame, tmp_path: Path) -> None:
    """Every second row tells its sign by its hazard: good enough to celebrate, and so refused."""
    told = pl.when(pl.int_range(pl.len()) % 2 == 0).then("sign_forward_15m").fill_null(0).cast(pl.Int64)
    poisoned = rows.with_columns(hazard_x1e6=told)
    heads = tuple(head for head in GATE_ROC.heads if head.name == "sign_15m")
    (verdict,) = judged(replace(GATE_ROC, heads=heads), poisoned, tmp_path)
    assert verdict["leak_alarm"]
    assert not verdict["edge"]
    assert verdict["verdict"].startswith("too good to be true: look for a leak")
