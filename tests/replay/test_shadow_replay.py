"""The shadow replay: literal decisions, exact totals, two equal runs, and nothing that is used."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.contracts.replay import DECISIONS, TOTALS
from grinder_resources.errors import NoData, NotDeterministic, ProofFailed
from grinder_resources.inference.config import MlConfig
from grinder_resources.inference.engine import SignalEngine
from grinder_resources.replay.decisions import Decide, decision_hash, digest, replay
from grinder_resources.replay.totals import GROUPINGS, balanced, residuals, totals
from grinder_resources.replay.twice import replay_twice
from tests.inference.toy_model import Script, toy_source
from tests.replay.replay_rows import ACTIVE, INSTRUMENTS, SIGNALS, by_hand, gold, row, runtime

DIGEST = "126715984857aab0b99df111613225cc7c29f6a46ec76883b9d7c66f29a6e8f5"
"""Of the replay of `by_hand`: it changes only where a decision does."""


@pytest.fixture
def decisions(tmp_path: Path) -> pl.DataFrame:
    with runtime(tmp_path / "signal.json") as decide:
        return replay(by_hand(), INSTRUMENTS, decide)


def test_four_decisions_by_hand(decisions: pl.DataFrame) -> None:
    """Rows come in time order; a step of 30 made 45 hits a range of 45, 5 is the least, no signal changes nothing."""
    shown = decisions.select(
        *("symbol", "rule_regime", "predicted_regime", "refusal", "step_rules_bps", "step_signal_bps", "step_done_bps"),
        *("miss_rules_x1000", "miss_signal_x1000", "difference_x1000", "done_x1000"),
    )
    assert shown.rows() == [
        ("A", "RANGE", "HIGH", "", 30, 45, 30, 15_000, 0, 15_000, 0),
        ("B", "RANGE", "", "NO_SIGNAL", 30, 30, 30, 1_000, 1_000, 0, 0),
        ("A", "RANGE", "LOW", "", 5, 5, 5, 3_000, 3_000, 0, 0),
        ("B", "THIN_BOOK", "HIGH", "", 60, 120, 60, 10_000, 70_000, -60_000, 0),
    ]
    assert decisions["mode"].unique().to_list() == ["shadow"]


def test_the_digest_is_locked(decisions: pl.DataFrame) -> None:
    """The same rows and signals give the same digest today and next year."""
    assert digest(decisions) == DIGEST


def test_a_decision_is_hashed_whole(decisions: pl.DataFrame) -> None:
    """Each hash can be made again from the row in the table, and no column can change without it."""
    facts = decisions.row(0, named=True)
    assert [decision_hash(one) for one in decisions.iter_rows(named=True)] == decisions["decision_hash"].to_list()
    for name, value in facts.items():
        if name != "decision_hash":
            changed = f"{value}!" if isinstance(value, str) else value + 1
            assert decision_hash(facts | {name: changed}) != facts["decision_hash"]


def test_totals_by_hand(decisions: pl.DataFrame) -> None:
    """All together, by predicted regime and by refusal."""
    found = totals(decisions).drop("signals", "done_x1000")
    assert found.filter(pl.col("by").is_in(["all", "predicted_regime", "refusal"])).rows() == [
        ("all", "", 4, 29_000, 74_000, -45_000, 1, 1),
        ("predicted_regime", "", 1, 1_000, 1_000, 0, 0, 0),
        ("predicted_regime", "HIGH", 2, 25_000, 70_000, -45_000, 1, 1),
        ("predicted_regime", "LOW", 1, 3_000, 3_000, 0, 0, 0),
        ("refusal", "", 3, 28_000, 73_000, -45_000, 1, 1),
        ("refusal", "NO_SIGNAL", 1, 1_000, 1_000, 0, 0, 0),
    ]


def test_an_applied_signal_shows_in_what_was_done(tmp_path: Path) -> None:
    """In ACTIVE the step as done is the signal's, and both differences are one."""
    with runtime(tmp_path / "signal.json", **ACTIVE) as decide:
        decisions = replay(by_hand(), INSTRUMENTS, decide)
    assert decisions["step_done_bps"].to_list() == [45, 30, 5, 120]
    assert decisions["done_x1000"].to_list() == decisions["difference_x1000"].to_list() == [15_000, 0, 0, -60_000]


def test_a_kill_switch_leaves_the_rules_alone(tmp_path: Path) -> None:
    """Nothing is scored, every decision names the reason, and every difference is 0."""
    with runtime(tmp_path / "signal.json", environment={"ML_KILL_SWITCH": "1"}) as decide:
        decisions = replay(by_hand(), INSTRUMENTS, decide)
    assert decisions["refusal"].unique().to_list() == ["KILL_SWITCH_ENV"]
    assert decisions["difference_x1000"].to_list() == [0, 0, 0, 0]
    assert decisions["prob_low_bps"].null_count() == 4


@pytest.mark.parametrize(
    ("features", "regime", "step"),
    [({"spread_bps": 51}, "TOXIC", 60), ({"natr_bps": 501}, "VOL_SHOCK", 225), ({"ret_5s_x1000": None}, "RANGE", 30)],
)
def test_rules_read_the_row(features: dict[str, int | None], regime: str, step: int, tmp_path: Path) -> None:
    """Spread, NATR and the move of five seconds, null where a gap lies, decide what the rules ask for."""
    with runtime(tmp_path / "signal.json") as decide:
        found = replay(gold(row("A", 0, 1_000, **features)), INSTRUMENTS, decide)
    assert found.select("rule_regime", "step_rules_bps").row(0) == (regime, step)


def test_an_instrument_has_to_be_known(tmp_path: Path) -> None:
    """Without the size of a lot nobody can say whether a book is thin."""
    with runtime(tmp_path / "signal.json") as decide, pytest.raises(NoData, match="demo:C"):
        replay(gold(row("C", 0, 1_000)), INSTRUMENTS, decide)


MINUTES = st.tuples(
    st.integers(0, 700), st.integers(0, 120), st.integers(0, 3), st.integers(0, 60_000), st.integers(500, 2_000)
)


@settings(max_examples=50)
@given(minutes=st.lists(MINUTES, min_size=1, max_size=12), active=st.booleans())
def test_differences_add_up_to_the_last_unit(minutes: list[tuple[int, ...]], active: bool) -> None:
    """Whatever market and signals, the residual is 0, each grouping sums to the whole, and shadow changes nothing."""
    script = Script()
    mode: dict[str, Any] = ACTIVE if active else {"shadow_only": True}
    engine = SignalEngine(MlConfig(enabled=True, max_inference_latency_ms=60_000, **mode), toy_source(script), {})
    spacings = iter([spacing for *_, spacing in minutes])

    def decide(snapshot: Any) -> Any:
        script.spacing = next(spacings)
        return engine.decide(snapshot)

    rows = gold(
        *(
            row("A", minute, label, natr_bps=natr, spread_bps=spread, thin_l1_lots=thin)
            for minute, (natr, spread, thin, label, _) in enumerate(minutes)
        )
    )
    decisions = replay(rows.reverse(), INSTRUMENTS, decide)
    sums = totals(decisions)
    assert residuals(decisions, rows) == (0, 0)
    (whole,) = sums.filter(pl.col("by") == "all")["difference_x1000"]
    assert whole == sums["miss_rules_x1000"][0] - sums["miss_signal_x1000"][0]
    for name in GROUPINGS:
        assert sums.filter(pl.col("by") == name)["difference_x1000"].sum() == whole
    assert decisions["done_x1000"].to_list() == (
        decisions["difference_x1000"].to_list() if active else [0] * len(minutes)
    )


@pytest.mark.parametrize(
    "column", ["difference_x1000", "done_x1000", "step_rules_bps", "step_signal_bps", "step_done_bps"]
)
def test_a_wrong_number_leaves_a_residual(decisions: pl.DataFrame, column: str) -> None:
    """One unit off in one decision of the log is found, because labels come from the dataset."""
    first = pl.col("step_signal_bps") == 45
    wrong = decisions.with_columns(pl.when(first).then(pl.col(column) + 1).otherwise(pl.col(column)))
    with pytest.raises(ProofFailed, match="do not add up"):
        balanced(wrong, by_hand())


def test_a_lost_decision_is_found(decisions: pl.DataFrame) -> None:
    """A log with fewer decisions than rows is refused, though its sums may agree."""
    with pytest.raises(ProofFailed, match="3 decisions, 3 of them about 4 rows"):
        balanced(decisions.filter(pl.col("refusal") == ""), by_hand())


def test_two_replays_are_equal(tmp_path: Path) -> None:
    """Two runtimes opened afresh decide alike, and the log is that of either."""
    found = replay_twice(by_hand(), INSTRUMENTS, lambda: runtime(tmp_path / "signal.json"))
    assert digest(found) == DIGEST
    assert (found.schema, totals(found).schema) == (DECISIONS.schema, TOTALS.schema)


def test_two_replays_that_differ_are_refused(tmp_path: Path) -> None:
    """A runtime that says another thing the second time is named with the decision and the numbers."""
    second = [signal | {"spacing": 1_400} if signal["minute"] == 0 else signal for signal in SIGNALS]
    opened = iter((SIGNALS, tuple(second)))

    def open_runtime() -> AbstractContextManager[Decide]:
        return runtime(tmp_path / "signal.json", next(opened))

    with pytest.raises(NotDeterministic, match=r"demo:A at 1736121600000; got step_signal_bps 42.*expected step_sig"):
        replay_twice(by_hand(), INSTRUMENTS, open_runtime)


def test_each_replay_has_a_runtime_of_its_own(tmp_path: Path) -> None:
    """Nothing that one replay left behind can help the other: the first is closed before the second is opened."""
    events = []

    @contextmanager
    def open_runtime() -> Iterator[Decide]:
        with runtime(tmp_path / "signal.json") as decide:
            events.append("opened")
            yield decide
        events.append("closed")

    replay_twice(by_hand(), INSTRUMENTS, open_runtime)
    assert events == ["opened", "closed"] * 2
