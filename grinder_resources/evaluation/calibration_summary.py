"""What calibration made of the answers, in sentences and short facts."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from grinder_resources.evaluation.summary import (
    CALIBRATED,
    NO_INTERVAL,
    RAW,
    Report,
    by_group,
    modes_of,
    pooled,
    target_label,
)


def calibration_headline(scores: pl.DataFrame, part: str = CALIBRATED) -> str:
    """Return how far probabilities are from frequencies, pooled over the folds of the leading mode.

    `part` is CALIBRATED, or 'test' for the answers before calibration.
    """
    modes = modes_of(scores)
    errors = pooled(scores, modes[0], part).filter(pl.col("metric") == "ece") if modes else scores.clear()
    if errors.is_empty():
        return "Not judged: there is no out-of-fold probability to compare with what happened."
    ordered = list(errors.sort("value", "head", "class").iter_rows(named=True))
    middle, worst = ordered[(len(ordered) - 1) // 2], ordered[-1]
    return (
        f"{'After' if part == CALIBRATED else 'Before'} calibration, predicted and observed frequencies are "
        f"{_apart(middle)} percentage points apart in the middle answer, {_name(middle)}, "
        f"and {_apart(worst)} in the worst, {_name(worst)}."
    )


def _name(score: Mapping[str, Any]) -> str:
    return target_label(score["head"], score["class"])


def _apart(score: Mapping[str, Any]) -> str:
    """Return an error in percentage points with its interval, or that there is none."""
    value, low, high = (None if score[name] is None else 100 * score[name] for name in ("value", "low", "high"))
    return f"{value:.1f} ({low:.1f} to {high:.1f})" if low is not None else f"{value:.1f} ({NO_INTERVAL})"


def estimate_text(row: Mapping[str, Any], name: str = "value") -> str:
    """Return `value (low to high)` of the columns `name`, and `low` and `high` or `<name>_low` and `<name>_high`."""
    low, high = (row[end if name == "value" else f"{name}_{end}"] for end in ("low", "high"))
    bounds = f"{low:.3f} to {high:.3f}" if low is not None else NO_INTERVAL
    return f"{row[name]:.3f} ({bounds})"


def before_and_after(report: Report) -> list[dict[str, str]]:
    """Return one row of short facts an answer: errors before and after calibration, pooled, in the leading mode."""
    modes = modes_of(report.scores)[:1]
    found = {
        (row["head"], row["class"], row["metric"], part): estimate_text(row)
        for mode in modes
        for part in (RAW, CALIBRATED)
        for row in pooled(report.scores, mode, part).iter_rows(named=True)
    }
    return [
        {"answer": target_label(head, output)}
        | {
            f"{metric} {when}": found.get((head, output, metric, part), "")
            for metric in ("ece", "mce", "brier")
            for when, part in (("before", RAW), ("after", CALIBRATED))
        }
        for head, output, metric, part in found
        if (metric, part) == ("ece", CALIBRATED)
    ]


def calibration_of_groups(report: Report, by: str) -> list[dict[str, str]]:
    """Return one row of short facts an answer and day, or symbol: what calibration left, in the leading mode."""
    groups = (by_group(report.reliability, mode, by) for mode in modes_of(report.reliability)[:1])
    rows = (row for group in groups for row in group.iter_rows(named=True))
    return [
        {
            "answer": _name(row),
            by: row["group"],
            "open": f"{row['rows']:,}",
            "observed - predicted": estimate_text(row, "gap"),
            "ece": estimate_text(row, "ece"),
        }
        for row in rows
        if row["answer"] == CALIBRATED
    ]
