"""The toxicity use case: what a transition is, where regimes begin, and what is counted."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from grinder_resources.contracts.gold_toxicity import TOXICITY_DATASET, VOLATILITY, VOLATILITY_LABEL
from grinder_resources.contracts.signals import REGIMES
from grinder_resources.errors import NoData, OutOfRange, ProofFailed, UnknownName
from grinder_resources.usecases.toxicity.answers import answered_minutes, fold_cuts
from grinder_resources.usecases.toxicity.hidden import hidden_minutes, hidden_sha256
from grinder_resources.usecases.toxicity.hits import hit_rates, transitions
from grinder_resources.usecases.toxicity.ranking import auc, ranking
from grinder_resources.usecases.toxicity.transition import Transition, predict_transition, regime_of
from grinder_resources.usecases.toxicity.words import beats_staying, sentence
from tests.usecases.toxicity_minutes import FIRST_NS, SECOND, answers, dataset


@pytest.mark.parametrize(
    ("current", "probs", "expected", "is_change"),
    [
        ("LOW", (7_000, 2_000, 1_000), ("LOW", 7_000), False),
        ("LOW", (2_000, 3_000, 5_000), ("HIGH", 5_000), True),
        ("HIGH", (5_000, 0, 5_000), ("LOW", 5_000), True),
        ("MID", (3_333, 3_334, 3_333), ("MID", 3_334), False),
    ],
)
def test_transition_is_the_most_likely_next_regime(
    current: str, probs: tuple[int, ...], expected: tuple[str, int], is_change: bool
) -> None:
    """With its probability; of equals the lowest."""
    found = predict_transition(current, dict(zip(REGIMES, probs, strict=True)))
    assert found == Transition(current, *expected)
    assert found.is_change is is_change


def test_what_is_no_probability_is_refused() -> None:
    """So that a confidence is always a share of certainty."""
    with pytest.raises(UnknownName, match=r"got TOXIC; expected LOW, MID, HIGH"):
        predict_transition("TOXIC", {"LOW": 10_000})
    with pytest.raises(UnknownName, match="got EXTREME"):
        predict_transition("LOW", {"EXTREME": 10_000})
    with pytest.raises(OutOfRange, match="they sum to 10000"):
        predict_transition("LOW", {"LOW": 5_000, "MID": 4_999})
    with pytest.raises(OutOfRange, match="they sum to 10000"):
        predict_transition("LOW", {"LOW": 10_001, "MID": -1})


def test_a_volatility_at_a_cut_is_below_it() -> None:
    """As the labels are cut in training."""
    assert [regime_of(value, (20.0, 40.0)) for value in (0, 20, 21, 40, 41)] == ["LOW", "LOW", "MID", "MID", "HIGH"]


def test_regimes_are_terciles_of_the_training_days_alone() -> None:
    """A wild last day moves no cut; a wild first day moves all of them."""
    rows = dataset()
    cuts, days = fold_cuts(rows), rows["date"].unique().sort()
    first = rows.filter(pl.col("date") == days[0])[VOLATILITY_LABEL].sort()
    # The first fold is fitted on the first day, stopped by the second; the last label of it is not purged.
    assert cuts.row(0)[2:] == (first[len(first) // 3 - 1], first[2 * len(first) // 3 - 1])

    def wild(day: int) -> pl.DataFrame:
        moved = pl.when(pl.col("date") == days[day]).then(pl.col(VOLATILITY_LABEL) * 100)
        return fold_cuts(rows.with_columns(moved.otherwise(VOLATILITY_LABEL).alias(VOLATILITY_LABEL)))

    assert wild(-1).equals(cuts)
    assert (wild(0)["mid_x1000"] > cuts["mid_x1000"]).all()


def test_answers_carry_the_regimes_of_both_minutes() -> None:
    """By the cuts of their fold, and one row a minute; an unknown volatility has no current regime and no row."""
    rows = dataset()
    cuts = fold_cuts(rows)
    minutes = answered_minutes(answers(rows, cuts), rows, cuts)
    assert minutes.height == 2 * 2 * 600
    for row in minutes.sample(20, seed=1).iter_rows(named=True):
        fold = cuts.row(row["fold"] - 1)[2:]
        assert (row["current"], row["next"]) == (
            regime_of(row[VOLATILITY], fold),
            regime_of(row[VOLATILITY_LABEL], fold),
        )
        assert row["said"] == predict_transition(row["current"], {name: row[name] for name in REGIMES}).next_regime
    unknown = rows.with_columns(pl.lit(None, pl.Int64).alias(VOLATILITY))
    assert answered_minutes(answers(rows, cuts), unknown, cuts).is_empty()


def test_answers_to_other_rows_are_refused() -> None:
    """Where the dataset has changed since, its labels are not those the answers were compared with."""
    rows = dataset()
    cuts = fold_cuts(rows)
    changed = rows.with_columns(pl.col(VOLATILITY_LABEL) * 10)
    with pytest.raises(ProofFailed, match="cuts do not give the labels"):
        answered_minutes(answers(rows, cuts), changed, cuts)
    with pytest.raises(NoData, match="no out-of-fold answer"):
        answered_minutes(answers(rows, cuts).clear(), rows, cuts)


def minutes_of(*facts: tuple[str, str, str, int]) -> pl.DataFrame:
    """Return minutes from (current, next, said, times), in the shape hits are counted in, over twelve hours."""
    rows = [row for *row, times in facts for _ in range(times)]
    frame = pl.DataFrame(rows, schema=["current", "next", "said"], orient="row")
    return frame.with_columns(
        ts_ns=FIRST_NS + (pl.int_range(pl.len()) * 7 % 12) * 3_600 * SECOND,
        reference_said=pl.lit("MID"),
        LOW=pl.lit(1_000),
        MID=pl.lit(2_000),
        HIGH=pl.lit(7_000),
    )


COUNTED = minutes_of(
    ("LOW", "LOW", "LOW", 40), ("LOW", "HIGH", "HIGH", 20), ("LOW", "MID", "HIGH", 10), ("HIGH", "HIGH", "LOW", 30)
)


def test_transitions_are_counted_by_pair() -> None:
    """How often the next one came, was said, and was said rightly; a current regime without minutes has zeros."""
    found = {row[:2]: row[2:] for row in transitions(COUNTED).rows()}
    assert found["LOW", "LOW"] == (40, 40, 40, 1_000)
    assert found["LOW", "MID"] == (10, 0, 0, 2_000)
    assert found["LOW", "HIGH"] == (20, 30, 20, 7_000)
    assert found["HIGH", "LOW"] == (0, 30, 0, 1_000)
    assert found["MID", "MID"] == (0, 0, 0, 0)


def test_hit_rates_are_against_staying_and_the_reference() -> None:
    """60 of 100 right, 70 by staying, 10 by a reference that always says MID; 20 of 30 changes caught, of 60 said."""
    found = {row[:2]: row[2:4] for row in hit_rates(COUNTED).rows()}
    assert found["all", "right"] == (100, 0.6)
    assert found["all", "stay_right"] == (100, 0.7)
    assert found["all", "reference_right"] == (100, 0.1)
    assert found["all", "over_staying"] == (100, pytest.approx(-0.1))
    assert found["all", "over_reference"] == (100, pytest.approx(0.5))
    assert found["all", "changed"] == (100, 0.3)
    assert found["all", "change_caught"] == (30, pytest.approx(2 / 3))
    assert found["all", "change_true"] == (60, pytest.approx(1 / 3))
    assert ("MID", "right") not in found
    assert ("HIGH", "change_caught") not in found  # nothing changed from HIGH


def test_the_sentence_is_plain_about_staying() -> None:
    """Better only where the whole interval lies above 0."""
    assert sentence(hit_rates(COUNTED)).startswith(
        "No better than saying that nothing changes: the most likely next regime came in 60.0 % of 100 minutes"
    )
    better = hit_rates(minutes_of(("LOW", "LOW", "LOW", 240), ("LOW", "HIGH", "HIGH", 120)))
    assert beats_staying(better)
    assert sentence(better).startswith("The most likely next regime came in 100.0 % of 360 minutes out of fold, ")


def test_the_area_counts_order_alone() -> None:
    """Three of four pairs in order, whatever the unit."""
    label, ts_ns = np.array([1.0, 1.0, 0.0, 0.0]), np.zeros(4, dtype=np.int64)
    assert auc(label, np.array([-4.0, 7.0, 0.5, -9.0]), ts_ns).value == 0.75
    assert auc(label, np.array([4.0, 7e9, 5.0, -9.0]), ts_ns).value == 0.75


def truth(folder: Path, regimes: list[str]) -> None:
    """Write a truth file of symbol A_B with these regimes, one a second."""
    (folder / ".truth").mkdir(parents=True, exist_ok=True)
    seconds = pl.DataFrame({"regime": regimes}).with_columns(
        ts_ns=FIRST_NS + pl.int_range(pl.len()) * SECOND, informed=(pl.int_range(pl.len()) < 91).cast(pl.Int8)
    )
    seconds.write_parquet(folder / ".truth" / "demo_regime_2025-03-03_A_B.parquet")


def test_hidden_regimes_of_a_minute_and_of_the_one_after(tmp_path: Path) -> None:
    """(t, t + 60 s]: more than 30 of its seconds decide; HIGH begins if it was not HIGH at t; half a minute is none."""
    truth(tmp_path, ["LOW"] * 60 + ["MID"] + ["HIGH"] * 31 + ["MID"] * 29 + ["HIGH"] * 90)
    found = hidden_minutes(tmp_path).drop("venue", "symbol").with_columns((pl.col("ts_ns") - FIRST_NS) // SECOND)
    assert found.rows() == [
        (0, "LOW", "LOW", False, True),
        (60, "MID", "HIGH", True, False),
        (120, "MID", "HIGH", True, False),
    ]


def test_a_market_without_truth_is_only_ranked_by_what_came(tmp_path: Path) -> None:
    """No file, no hidden question; the model's own order is that of its probabilities."""
    rows = dataset()
    cuts = fold_cuts(rows)
    minutes = answered_minutes(answers(rows, cuts), rows, cuts)
    assert hidden_sha256(tmp_path) == hidden_sha256(tmp_path / "nowhere")
    found = ranking(minutes, hidden_minutes(tmp_path))
    assert set(found["against"]) == {"observed"}
    areas = dict(found.filter(pl.col("question") == "HIGH in the next minute").select("score", "auc").iter_rows())
    assert areas["reference"] == areas["vpin_x1000"] == 0.5  # the same for every minute
    assert areas["model"] > 0.8
    assert areas[VOLATILITY] > 0.8


def test_the_dataset_of_these_tests_keeps_the_contract() -> None:
    """Otherwise they would prove nothing."""
    assert dataset().schema == TOXICITY_DATASET.schema
