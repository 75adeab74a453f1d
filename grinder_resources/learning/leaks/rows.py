"""Leaks of single rows: times that do not follow each other, and rows that stand twice."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from grinder_resources.contracts.events import THRESHOLDS
from grinder_resources.learning.leaks.case import FINE_VALUES, INSTRUMENT, LeakCase, Sighting
from grinder_resources.learning.purging import Integers

WATERMARK = "watermark_ns"
NS_PER_MS = 1_000_000
FINE_COLUMNS = 4
"""Fine columns that have to be known in a row before an equal row can be called a copy of it."""

_SIDES = (("break", 1), ("bounce", -1))
_PLACE = ("direction_sign", "spot_half_ticks", "level_price_half_ticks")


def watermark(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows whose newest source row is younger than their decision, or is not known."""
    if WATERMARK not in case.frame.columns:
        yield Sighting(np.arange(case.frame.height), f"{WATERMARK} is missing")
        return
    newest = case.frame[WATERMARK]
    late = (newest > pl.Series(case.decision_ns)).fill_null(value=True)
    yield Sighting(_numbers(late), WATERMARK)


def label_window(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows decided before their own time, and rows whose label window does not end after their decision."""
    decision = pl.Series(case.decision_ns)
    yield Sighting(_numbers(decision < case.frame["ts_ns"]), "decided before the event")
    yield Sighting(_numbers((case.frame["label_end_ns"] <= decision).fill_null(value=False)), "label_end_ns")


def label_end(case: LeakCase) -> Iterator[Sighting]:
    """Yield labelled rows without an end of their label, and rows answered after it: no purge can see them."""
    end, decision = case.frame["label_end_ns"], pl.Series(case.decision_ns)
    for answer in case.answers:
        labelled = pl.Series(~np.isnan(answer.values))
        yield Sighting(_numbers(labelled & end.is_null()), f"{answer.name} without label_end_ns")
    for name in dict.fromkeys(head.settled_when_zero for head in case.spec.heads if head.settled_when_zero):
        # Times are whole milliseconds, rounded up: one may stand up to a millisecond after the answer.
        answered = decision + (case.frame[name].cast(pl.Int64) - 1) * NS_PER_MS
        yield Sighting(_numbers((answered >= end).fill_null(value=False)), f"{name} after label_end_ns")


def row_day(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows whose date is not the UTC day of their time."""
    wrong = case.frame.select(pl.from_epoch("ts_ns", time_unit="ns").dt.date() != pl.col("date")).to_series()
    yield Sighting(_numbers(wrong), "date")


def time_order(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows that stand after a younger row of their instrument: what looks at earlier rows sees later ones."""
    youngest = pl.col("ts_ns").cum_max().over(INSTRUMENT)
    yield Sighting(_numbers(case.frame.select(pl.col("ts_ns") < youngest).to_series()), "ts_ns")


def row_id(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows that share their id with another row."""
    key = list(dict.fromkeys(("venue", *case.spec.row_id)))
    yield Sighting(_numbers(case.frame.select(key).is_duplicated()), ", ".join(case.spec.row_id))


def copied_rows(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows that equal another row in every input and every label: one event under two names."""
    inputs = case.frame.select(name for name in case.inputs if name in case.frame.columns)
    fine = [name for name in case.numeric_inputs if inputs[name].n_unique() > FINE_VALUES]
    if len(fine) < FINE_COLUMNS:
        return
    labels = {f"answer {number}": answer.values for number, answer in enumerate(case.answers)}
    known = inputs.select(pl.sum_horizontal(pl.col(fine).is_not_null())).to_series() >= FINE_COLUMNS
    yield Sighting(_numbers(inputs.hstack(pl.DataFrame(labels)).is_duplicated() & known), "all inputs and labels")


def repeated_label(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows that carry the label window and every answer of the row before them, though decided later."""
    if not case.answers:
        return
    known = np.stack([answer.values for answer in case.answers], axis=1)
    end = case.frame["label_end_ns"].fill_null(-1).to_numpy()
    for rows in case.by_instrument:
        this, before = rows[1:], rows[:-1]
        same = (end[this] == end[before]) & (end[this] >= 0) & (case.decision_ns[this] > case.decision_ns[before])
        same &= ((known[this] == known[before]) | (np.isnan(known[this]) & np.isnan(known[before]))).all(axis=1)
        yield Sighting(this[same], "label_end_ns and all labels")


def settled_as_open(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows whose price stood beyond a threshold at t1 and that still count as open."""
    for k in THRESHOLDS:
        for side, sign in _SIDES:
            time, width = f"time_to_{side}_{k}_ms", f"threshold_{k}_half_ticks"
            if not {time, width, *_PLACE} <= set(case.frame.columns):
                continue
            beyond = pl.col("direction_sign").cast(pl.Int64) * (pl.col(_PLACE[1]) - pl.col(_PLACE[2]))
            counted = (sign * beyond >= pl.col(width)) & pl.col(time).ne_missing(0)
            yield Sighting(_numbers(case.frame.select(counted).to_series()), time)


def _numbers(flags: pl.Series) -> Integers:
    return np.flatnonzero(flags.to_numpy())
