"""A head that orders what looks alike to a trader too well to be true is not celebrated but reported."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.evaluation.ranking import STRATA, alarmed, beyond_luck, ranking_beyond, strata_of
from grinder_resources.evaluation.scores import Estimate
from grinder_resources.learning.metrics import auc
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.selection import FeatureSet
from tests.evaluation.test_verdicts import EVIDENCE
from tests.evaluation.toy_rows import ROWS, SPEC, verdict, walk

HOUR_NS = 3_600_000_000_000


def answers(label: Any, prediction: Any, baseline: Any, fold: Any = 1, ts_ns: Any = 0) -> pl.DataFrame:
    """Return what the ranking reads of the predictions of one answer, with a base rate of 0.123."""
    return pl.DataFrame({"label": label, "prediction": prediction, "baseline": baseline}).select(
        pl.all().cast(pl.Float64),
        fold=fold if isinstance(fold, pl.Series) else pl.lit(fold, pl.Int32),
        ts_ns=ts_ns if isinstance(ts_ns, pl.Series) else pl.lit(ts_ns, pl.Int64),
        base_rate=pl.lit(0.123),
        settled=pl.lit(value=False),
        **{"class": pl.lit("yes")},
    )


def test_only_rows_that_the_reference_answers_alike_are_compared() -> None:
    """0.2 and 0.8 are two strata: of their pairs 1 of 1 is won and half of 2; the four pairs across do not count."""
    found = ranking_beyond(answers([0, 1, 0, 1, 1], [0.1, 0.2, 0.6, 0.6, 0.5], [0.2, 0.2, 0.8, 0.8, 0.8]))
    assert found == {"auc_beyond": Estimate(1.5 / 3)}


def test_folds_are_not_compared_with_each_other() -> None:
    """The same baseline of another fold is another stratum."""
    fold = pl.Series([1, 1, 2, 2], dtype=pl.Int32)
    found = ranking_beyond(answers([1, 0, 1, 0], [0.9, 0.8, 0.2, 0.3], [0.5, 0.5, 0.5, 0.5], fold))
    assert found["auc_beyond"].value == 0.5


@given(st.integers(0, 2**32 - 1))
def test_the_share_of_wins_is_what_counting_pairs_gives(seed: int) -> None:
    """Every pair of a positive and a negative of one stratum, ties counting half."""
    rng = np.random.default_rng(seed)
    frame = answers(
        rng.integers(0, 2, 60),
        rng.integers(0, 6, 60) / 5,
        rng.integers(0, 3, 60) / 5,
        pl.Series(rng.integers(1, 3, 60), dtype=pl.Int32),
        pl.Series(rng.integers(0, 5 * HOUR_NS, 60)),
    )
    label, answer, strata = frame["label"].to_numpy(), frame["prediction"].to_numpy(), strata_of(frame)
    pairs = [(a, b) for a in np.flatnonzero(label) for b in np.flatnonzero(label == 0) if strata[a] == strata[b]]
    wins = sum(1.0 if answer[a] > answer[b] else 0.5 if answer[a] == answer[b] else 0.0 for a, b in pairs)
    assert ranking_beyond(frame) == ({"auc_beyond": Estimate(pytest.approx(wins / len(pairs)))} if pairs else {})


def test_without_a_reference_it_is_the_plain_auc() -> None:
    """All folds together: a baseline that is the base rate, however rounded, is nothing to look beyond."""
    rng = np.random.default_rng(3)
    label, prediction = rng.integers(0, 2, 400), rng.random(400)
    fold = pl.Series(rng.integers(1, 4, 400), dtype=pl.Int32)
    frame = answers(label, prediction, np.full(400, 0.123 + 4e-10), fold)
    assert ranking_beyond(frame)["auc_beyond"].value == pytest.approx(auc(label.astype(float), prediction))


def test_copying_the_reference_ranks_nothing_beyond_it() -> None:
    """Its AUC is 0.8; among rows alike it is a coin toss, up to what is left within a stratum."""
    rng = np.random.default_rng(5)
    chance = rng.random(4000)
    label = (rng.random(4000) < chance).astype(float)
    frame = answers(label, chance, chance)
    assert auc(label, chance) > 0.8
    assert ranking_beyond(frame)["auc_beyond"].value == pytest.approx(0.5, abs=0.03)
    assert len(np.unique(strata_of(frame))) == STRATA


def test_settled_rows_and_regressions_have_no_ranking() -> None:
    """Nor have rows of a single class, or no rows."""
    frame = answers([1, 0], [0.9, 0.1], [0.5, 0.5])
    assert ranking_beyond(frame)
    assert ranking_beyond(frame.with_columns(settled=pl.lit(value=True))) == {}
    assert ranking_beyond(frame.with_columns(pl.lit("").alias("class"))) == {}
    assert ranking_beyond(frame.filter(pl.col("label") == 1)) == {}


def test_the_interval_is_drawn_over_hours() -> None:
    """Around the value, the same every time; none without resamples or with too few hours."""
    rng = np.random.default_rng(7)
    label, noise = rng.integers(0, 2, 600), rng.normal(size=600)
    ts = pl.Series(np.sort(rng.integers(0, 24 * HOUR_NS, 600)))
    frame = answers(label, label + 2 * noise, rng.integers(0, 4, 600) / 4, ts_ns=ts)
    found = ranking_beyond(frame)["auc_beyond"]
    assert found == ranking_beyond(frame)["auc_beyond"]
    assert found.low is not None
    assert found.high is not None
    assert 0.5 < found.low < found.value < found.high < 0.75
    assert ranking_beyond(frame, resamples=0)["auc_beyond"] == Estimate(found.value)
    few = frame.filter(pl.col("ts_ns") < 7 * HOUR_NS)
    assert ranking_beyond(few)["auc_beyond"].low is None


@pytest.mark.parametrize(
    ("beyond", "alarm", "certain"),
    [
        (None, False, False),
        (Estimate(0.65, 0.64, 0.66), False, False),
        (Estimate(0.66, 0.60, 0.72), True, False),
        (Estimate(0.90, None, None), True, False),
        (Estimate(0.66, 0.651, 0.67), True, True),
    ],
)
def test_the_alarm_rings_above_the_ceiling(beyond: Estimate | None, alarm: bool, certain: bool) -> None:
    """A value above it may be luck; a whole interval above it is not."""
    assert (alarmed(beyond, 0.65), beyond_luck(beyond, 0.65)) == (alarm, certain)


@pytest.mark.parametrize(
    ("beyond", "ceiling", "edge", "alarm", "sentence"),
    [
        (Estimate(0.6, 0.55, 0.64), 0.65, True, False, "better than a look at the clock alone: skill"),
        (Estimate(0.7, 0.62, 0.78), 0.65, False, True, "leak alarm: AUC beyond a look at the clock 0.700"),
        (Estimate(0.9, 0.85, 0.94), 0.65, False, True, "too good to be true: look for a leak; AUC beyond a look at"),
        (Estimate(0.9, 0.85, 0.94), 0.95, True, False, "better than a look at the clock alone: skill"),
    ],
)
def test_a_verdict_too_good_to_be_true_says_so(
    beyond: Estimate, ceiling: float, edge: bool, alarm: bool, sentence: str
) -> None:
    """Above the spec's ceiling there is no edge, whatever the skill."""
    evidence = replace(EVIDENCE, auc_beyond=beyond, alarm_auc=ceiling)
    assert (evidence.edge, evidence.leak_alarm) == (edge, alarm)
    assert evidence.verdict.startswith(sentence)


def spying(spec: ModelSpec) -> ModelSpec:
    """Return a spec that reads its own label, one time in five wrongly."""
    return replace(spec, select=lambda _: FeatureSet(numeric=("signal", "noise", "leak"), categorical=()))


def test_a_planted_label_copy_rings_and_the_honest_head_does_not() -> None:
    """The signal is what everybody sees: beyond it the honest head knows nothing, and the spy knows the future."""
    wrong = np.random.default_rng(0).random(ROWS.height) < 0.2
    rows = ROWS.with_columns(leak=pl.when(pl.Series(wrong)).then(1 - pl.col("hit")).otherwise("hit"))
    honest = replace(SPEC, heads=SPEC.heads[:1], reference=("signal",), alarm_auc=0.65)
    found = [verdict(walk(spec, rows, modes=("expanding",)), "planted", "yes") for spec in (honest, spying(honest))]
    assert [row["leak_alarm"] for row in found] == [False, True]
    assert [float(str(row["auc_beyond"])) for row in found] == pytest.approx([0.5, 0.8], abs=0.06)
    assert str(found[1]["verdict"]).startswith("too good to be true: look for a leak")
    assert not found[1]["edge"]
