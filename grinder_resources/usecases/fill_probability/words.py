"""The fill report in sentences: what the model knows beyond distance and spread, and what a trader gains by it."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from grinder_resources.evaluation.calibration_summary import calibration_headline
from grinder_resources.evaluation.cells import number
from grinder_resources.evaluation.summary import NO_INTERVAL, headline
from grinder_resources.usecases.fill_probability.report import FillReport

Row = Mapping[str, Any]


def sentence(report: FillReport) -> str:
    """Return the verdict of the walk-forward in one sentence."""
    return headline(report.verdicts)


def reliability(report: FillReport) -> str:
    """Return how far what was said lies from what happened."""
    return calibration_headline(report.scores)


def worth(report: FillReport) -> str:
    """Return what choosing the distance by the model saves over the best fixed one, in one sentence."""
    chosen = policy(report, "model")
    if chosen is None:
        return "What it is worth to a trader could not be said: there is no second day of answered orders."
    saved, low, high = (chosen[f"saved_{name}"] for name in ("bps", "low", "high"))
    if low is None or high is None:
        return (
            f"Choosing the distance by it saved {number(saved, 2)} bps an order over the best fixed one; {NO_INTERVAL}."
        )
    bounds = f"[{number(low, 2)}, {number(high, 2)}]"
    if low <= 0.0 <= high:
        return f"Choosing the distance by it saves nothing that shows: {number(saved, 2)} {bounds} bps an order."
    verb = "saves" if low > 0.0 else "costs"
    size, bounds = (saved, bounds) if low > 0.0 else (-saved, f"[{number(-high, 2)}, {number(-low, 2)}]")
    return f"Choosing the distance by it {verb} {number(size, 2)} {bounds} bps an order over the best fixed one."


def policy(report: FillReport, name: str) -> Row | None:
    """Return the row of one policy; None where nothing could be traded."""
    return next(report.costs.filter(pl.col("policy") == name).iter_rows(named=True), None)
