"""Drift of what answers are worth: calibration and losses of the window against those of the walk-forward.

The walk-forward says how good answers are on rows that were not fitted on; the question is whether the window is just
another stretch of that. So stretches of the walk-forward, of consecutive rows and an hour long at most, are drawn with
replacement until there are as many rows as in the window, over and over: a block bootstrap (Kuensch 1989). The chance
is the share of the draws that are at least as bad. An expected calibration error grows as rows get fewer; that of the
draws does as well.

Only worse is drift. A window that is better than the walk-forward never alarms.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from grinder_resources.contracts.calibration import CERTAIN_BPS
from grinder_resources.evaluation import reliability
from grinder_resources.evaluation.scores import BLOCK_NS
from grinder_resources.learning.metrics import losses
from grinder_resources.monitoring.sketch import Floats, Ints
from grinder_resources.monitoring.states import Kind, Measured

DRAWS = 1000
SEED = 42

EDGES = reliability.bin_edges(np.zeros(0), "uniform")


@dataclass(frozen=True)
class Worth:
    """Answers to one class, or of one regression, and what came of them, in time order.

    label, answer
        float64 [rows]: 1 or 0 and a probability, or two numbers.
    ts_ns
        int64 [rows].
    """

    label: Floats
    answer: Floats
    ts_ns: Ints


def of_window(predictions: pl.DataFrame) -> dict[tuple[str, str], Worth]:
    """Return the answers of `monitoring/predictions/<model>` whose outcome is known, by head and class."""
    is_class = pl.col("class") != ""
    answer = pl.when(is_class).then(pl.col("answer") / CERTAIN_BPS).otherwise(pl.col("answer"))
    return _by_target(predictions.filter(pl.col("outcome").is_not_null()), pl.col("outcome"), answer)


def of_walk_forward(predictions: pl.DataFrame, mode: str, before_ns: int) -> dict[tuple[str, str], Worth]:
    """Return the open out-of-fold answers of one mode given before a time, by head and class.

    predictions
        Rows of `reports/predictions/<model>`. Calibrated answers count where there are any.
    """
    rows = predictions.filter(pl.col("mode") == mode, ~pl.col("settled"), pl.col("ts_ns") < before_ns)
    return _by_target(rows, pl.col("label"), pl.coalesce(pl.col("calibrated_bps") / CERTAIN_BPS, "prediction"))


def outcome_drift(
    now: dict[tuple[str, str], Worth], then: dict[tuple[str, str], Worth], accuracy_floor: float | None
) -> list[Measured]:
    """Return calibration and loss of every head and class that either side answers.

    accuracy_floor
        Share of right answers below which there is at least a warning; None = no floor.
    """
    found: list[Measured] = []
    for head, output in sorted(now.keys() | then.keys()):
        known, name = now.get((head, output)), f"{head}/{output}".rstrip("/")
        found += _compared(name, known, then.get((head, output)), is_class=output != "")
        if known and output and accuracy_floor is not None:
            found.append(_against_floor(f"{name} accuracy", known, accuracy_floor))
    return found


def _by_target(rows: pl.DataFrame, label: pl.Expr, answer: pl.Expr) -> dict[tuple[str, str], Worth]:
    table = rows.sort("ts_ns", maintain_order=True).select(
        "head", "class", "ts_ns", label=label.cast(pl.Float64), answer=answer.cast(pl.Float64)
    )
    return {
        (str(head), str(output)): Worth(*(part[name].to_numpy() for name in ("label", "answer", "ts_ns")))
        for (head, output), part in table.partition_by("head", "class", as_dict=True).items()
    }


def _compared(name: str, now: Worth | None, then: Worth | None, *, is_class: bool) -> Iterator[Measured]:
    """Yield calibration, of a class, and loss."""
    kinds: tuple[Kind, ...] = ("calibration", "performance") if is_class else ("performance",)
    if now is None or then is None:
        why = "no answer has come true or not yet" if now is None else "no walk-forward to hold it against"
        rows = len(now.label) if now else 0
        yield from (Measured(kind, name, rows, None, None, None, f"{name}: {why}") for kind in kinds)
        return
    blocks, weights = _drawn(then, len(now.label))
    if is_class:
        yield _calibration(name, now, then, blocks, weights)
    yield _performance(name, now, then, blocks, weights, is_class=is_class)


def _drawn(then: Worth, rows: int) -> tuple[Ints, Floats]:
    """Return the stretch of each row of the walk-forward, and how often each draw holds each: [draws, stretches]."""
    hours = len(np.unique(then.ts_ns // BLOCK_NS))
    length = max(1, min(len(then.ts_ns) // hours, rows))
    blocks = np.arange(len(then.ts_ns)) // length
    count = int(blocks[-1]) + 1
    chosen = np.random.default_rng(SEED).integers(count, size=(DRAWS, max(1, round(rows / length))))
    cells = (np.arange(DRAWS)[:, None] * count + chosen).ravel()
    return blocks, np.bincount(cells, minlength=DRAWS * count).reshape(DRAWS, count).astype(np.float64)


def _calibration(name: str, now: Worth, then: Worth, blocks: Ints, weights: Floats) -> Measured:
    rows = len(now.label)
    sums = reliability.binned(now.label, now.answer, np.zeros(rows, dtype=np.int64), EDGES)
    error = float(reliability.expected_calibration_error(sums.total))
    drawn = reliability.expected_calibration_error(
        reliability.binned(then.label, then.answer, blocks, EDGES).weighted(weights)
    )
    usual = float(drawn.mean())
    words = f"{name}: calibration error {error:.3f} over {rows:,} rows, {usual:.3f} in the walk-forward"
    return Measured("calibration", name, rows, error - usual, error - usual, _chance(error, drawn), words)


def _performance(name: str, now: Worth, then: Worth, blocks: Ints, weights: Floats, *, is_class: bool) -> Measured:
    metric, rows = "log_loss" if is_class else "mae", len(now.label)
    lost, usually_lost = (losses(side.label, side.answer, regression=not is_class)[metric] for side in (now, then))
    loss, usual = float(lost.mean()), float(usually_lost.mean())
    drawn = (weights @ np.bincount(blocks, usually_lost)) / (weights @ np.bincount(blocks))
    words = f"{name}: {metric.replace('_', ' ')} {loss:.4g} over {rows:,} rows, {usual:.4g} in the walk-forward"
    growth = loss / usual - 1.0 if usual > 0.0 else None
    return Measured("performance", name, rows, loss - usual, growth, _chance(loss, drawn), words)


def _chance(value: float, drawn: Floats) -> float:
    """Return the share of the draws that are at least as bad, the window itself among them."""
    return (1.0 + float((drawn >= value).sum())) / (1.0 + len(drawn))


def _against_floor(name: str, now: Worth, floor: float) -> Measured:
    right = float(losses(now.label, now.answer, regression=False)["accuracy"].mean())
    words = f"{name}: {right:.1%} of {len(now.label):,} answers were right, the floor is {floor:.1%}"
    return Measured("performance", name, len(now.label), right - floor, floor - right, None, words, right < floor)
