"""What answers are worth now against the walk-forward: worse is found, better and luck are not."""

import numpy as np
import polars as pl
import pytest

from grinder_resources.monitoring.outcomes import Worth, of_walk_forward, of_window, outcome_drift
from grinder_resources.monitoring.sketch import Floats
from grinder_resources.monitoring.skew import skew
from grinder_resources.monitoring.states import Measured

HEAD = ("reach", "yes")
MINUTE_NS = 60_000_000_000


def answered(rows: int, seed: int, *, off: float = 0.0) -> Worth:
    """Return answers a minute apart that are right by nature, but for being `off` too high in what comes true."""
    rng = np.random.default_rng(seed)
    answer = rng.uniform(0.1, 0.9, rows)
    label = (rng.random(rows) < np.clip(answer - off, 0, 1)).astype(np.float64)
    return Worth(label, answer, np.arange(rows) * MINUTE_NS)


def compared(now: Worth, floor: float | None = None) -> dict[str, Measured]:
    """Return what is found of a window against five days of a calibrated walk-forward, by kind and name."""
    found = outcome_drift({HEAD: now}, {HEAD: answered(7200, seed=1)}, floor)
    return {f"{one.kind} {one.name}": one for one in found}


def test_another_stretch_of_the_same_is_no_drift() -> None:
    """Of forty windows few are among the worst twentieth, by calibration and by loss."""
    chances = [
        (found["calibration reach/yes"].p_value, found["performance reach/yes"].p_value)
        for found in (compared(answered(300, seed=seed)) for seed in range(100, 140))
    ]
    assert ((np.array(chances) <= 0.05).mean(axis=0) <= 0.15).all()


def test_answers_that_are_too_high_are_found() -> None:
    """A third of certainty too much: a hundred rows show the error in calibration, a day of rows the loss as well."""
    few, many = (compared(answered(rows, seed=2, off=0.3)) for rows in (100, 1440))
    for found in (few, many):
        calibration = found["calibration reach/yes"]
        assert (calibration.effect, calibration.p_value) == (pytest.approx(0.2, abs=0.06), pytest.approx(1 / 1001))
    loss = many["performance reach/yes"]
    assert (loss.effect, loss.p_value) == (pytest.approx(0.0826, abs=1e-4), pytest.approx(1 / 1001))


def test_better_never_alarms() -> None:
    """Answers that all come true have an effect below nothing, and all draws are as bad."""
    sure = answered(500, seed=3)
    label = (sure.answer > 0.5).astype(np.float64)
    found = compared(Worth(label, label, sure.ts_ns))
    for kind in ("calibration", "performance"):
        measured = found[f"{kind} reach/yes"]
        assert measured.effect is not None
        assert (measured.effect < 0, measured.p_value) == (True, 1.0)


def test_errors_of_few_rows_are_held_against_those_of_few() -> None:
    """A hundred calibrated rows have a larger error than a thousand; what is usual for them grows as well."""
    words = [compared(answered(rows, seed=4))["calibration reach/yes"] for rows in (100, 3000)]
    few, many = (one.statistic for one in words)
    assert few is not None
    assert many is not None
    assert abs(few) < 0.05
    assert abs(many) < 0.02


def test_a_regression_has_a_loss_alone() -> None:
    """Twice the usual absolute error is an effect of one."""
    label: Floats = np.zeros(600)
    target, ts = ("size", ""), np.arange(600) * MINUTE_NS
    (found,) = outcome_drift({target: Worth(label, label + 2, ts)}, {target: Worth(label, label + 1, ts)}, None)
    assert (found.kind, found.name, found.effect, found.statistic) == ("performance", "size", 1.0, 1.0)


def test_one_side_alone_is_not_known() -> None:
    """Neither a head that the walk-forward lacks nor one that nobody answered has an effect."""
    found = outcome_drift({HEAD: answered(300, seed=5)}, {("other", "yes"): answered(300, seed=6)}, None)
    assert [(one.kind, one.name, one.rows, one.effect) for one in found] == [
        ("calibration", "other/yes", 0, None),
        ("performance", "other/yes", 0, None),
        ("calibration", "reach/yes", 300, None),
        ("performance", "reach/yes", 300, None),
    ]


def test_a_floor_under_right_answers() -> None:
    """Below it there is an alarm of that size; at it there is none; without it the finding is not there."""
    right = Worth(np.r_[np.ones(60), np.zeros(40)], np.full(100, 0.9), np.arange(100) * MINUTE_NS)
    name = "performance reach/yes accuracy"
    below, at = compared(right, 0.65)[name], compared(right, 0.60)[name]
    assert (below.alarming, below.effect) == (True, pytest.approx(0.05))
    assert at.alarming is False
    assert name not in compared(right)


def test_rows_of_the_window_are_those_that_came_true_or_not() -> None:
    """Shares of a class are told as such, numbers as they are; what is not known yet is left out."""
    rows = pl.DataFrame(
        {
            "head": ["reach", "reach", "size"],
            "class": ["yes", "yes", ""],
            "ts_ns": [2, 1, 3],
            "answer": [2500, 7500, 1200],
            "outcome": [None, 1, 900],
        }
    )
    found = of_window(rows)
    assert {target: (one.answer.tolist(), one.label.tolist()) for target, one in found.items()} == {
        HEAD: ([0.75], [1.0]),
        ("size", ""): ([1200.0], [900.0]),
    }


def test_rows_of_the_walk_forward_are_open_and_earlier() -> None:
    """Of the one mode, before the window, not settled; calibrated where it is, in time order."""
    rows = pl.DataFrame(
        {
            "mode": ["expanding"] * 4 + ["rolling"],
            "head": ["reach"] * 5,
            "class": ["yes"] * 5,
            "ts_ns": [2, 1, 5, 0, 0],
            "settled": [False, False, False, True, False],
            "label": [1.0] * 5,
            "prediction": [0.5, 0.3, 0.2, 0.1, 0.0],
            "calibrated_bps": [None, 2500, 1, 1, 1],
        }
    )
    assert of_walk_forward(rows, "expanding", before_ns=5)[HEAD].answer.tolist() == [0.25, 0.5]


def test_skew_counts_decisions_not_answers() -> None:
    """One of three read something else; a fourth is about no row of the lake; replayed rows are not asked."""
    decisions = [("a", "1", "1"), ("b", "1", "1"), ("c", "1", "2"), ("d", "1", None)]
    rows = pl.DataFrame(
        [
            {"venue": "demo", "symbol": "A", "ts_ns": 1, "row_id": row, "source": source, "class": output}
            | {"features_hash": logged, "recomputed_hash": there}
            for row, logged, there in decisions
            for source, output in (("logged", "LOW"), ("logged", "HIGH"), ("replayed", "LOW"))
        ]
    )
    (found,) = skew(rows)
    assert (found.rows, found.effect, found.alarming) == (3, pytest.approx(1 / 3), True)
    assert found.words.startswith("1 of 3 logged decisions")
    assert found.words.endswith("of 1 more it has no row")
    assert skew(rows.filter(pl.col("source") == "replayed")) == []
    assert skew(rows.filter(pl.col("row_id") == "d"))[0].effect is None
