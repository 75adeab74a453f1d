"""The report of grid parameters in one sentence, and the conditions that a promotion would have to meet."""

from typing import Any

import polars as pl

from grinder_resources.evaluation.cells import number
from grinder_resources.evaluation.scores import Estimate, clears

CONDITIONS = ("pnl", "over_static", "over_rules")
"""What has to be above 0: money itself, and what it is more than the static grid's and than the rules'."""

NOTHING = "No window was answered out of fold: the walk-forward needs a day to fit on and another to answer."


def score_of(scores: pl.DataFrame, policy: str) -> dict[str, Any]:
    """Return one row of `reports/grid_spacing/scores`."""
    return scores.row(by_predicate=pl.col("policy") == policy, named=True)


def estimate_of(row: dict[str, Any], name: str) -> Estimate:
    """Return a number of a policy with its bounds."""
    return Estimate(row[name], row[f"{name}_low"], row[f"{name}_high"])


def promoted(scores: pl.DataFrame) -> bool:
    """Return whether the model earned more than nothing, than static and than the rules, by more than luck each."""
    if scores.is_empty():
        return False
    model = score_of(scores, "model")
    return all(clears(estimate_of(model, name), 0.0) for name in CONDITIONS)


def sentence(scores: pl.DataFrame) -> str:
    """Return the verdict in one sentence."""
    if scores.is_empty():
        return NOTHING
    model = score_of(scores, "model")
    earned, over_static, over_rules = (bounded(estimate_of(model, name)) for name in CONDITIONS)
    start = "Promotion" if promoted(scores) else "No promotion"
    return (
        f"{start}: the model quoted in {model['quoted']:.0%} of windows and earned {earned} bps of capital a window, "
        f"{over_static} against the static grid and {over_rules} against the rules."
    )


def bounded(found: Estimate) -> str:
    """Return a number with its interval, in text."""
    ends = (
        "no interval"
        if found.low is None or found.high is None
        else f"{number(found.low, 2)} to {number(found.high, 2)}"
    )
    return f"{number(found.value, 2)} ({ends})"
