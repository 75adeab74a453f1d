"""Inputs that learned from rows beyond the fold: scalers, encodings, fillings, and totals of a day not yet over.

`fit_scope` asks the code: the same function on the train rows alone has to give the same numbers. Where the numbers are
stored already and no code is left to ask, the others compute the statistic over all rows and over the train rows, and
see which of the two the column was made with.
"""

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

from grinder_resources.learning.leaks.case import FINE_VALUES, INSTRUMENT, MIN_ROWS, Floats, LeakCase, Sighting
from grinder_resources.learning.purging import Integers

EXACT = 1e-9
"""Distance at which a stored statistic is taken for the computed one, relative to its scale."""

AGGREGATES = ("min", "max", "mean", "sum", "last", "median")


def fit_scope(case: LeakCase) -> Iterator[Sighting]:
    """Yield train rows whose numbers change when the rows of other parts are taken away."""
    derived = case.derive(case.frame)
    everything = derived.to_numpy()
    for fold in case.folds:
        rows = fold.parts.train
        if len(rows) == 0:
            continue
        alone = case.derive(case.frame[rows]).to_numpy()
        changed = (everything[rows] != alone) & ~(np.isnan(everything[rows]) & np.isnan(alone))
        for column in np.flatnonzero(changed.any(axis=0)):
            yield Sighting(rows[changed[:, column]], f"{derived.columns[column]}, {fold.name}")


def scaled_beyond(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows of inputs with mean 0 and variance 1, range [0, 1] or evenly spread ranks over all rows.

    Of an instrument, or of all; unless the train rows of every fold show the same.
    """
    everywhere = np.arange(case.frame.height)
    for scope in (everywhere, *(case.by_instrument if len(case.by_instrument) > 1 else ())):
        for name, values in case.numeric_inputs.items():
            for method, scaled in SCALERS.items():
                if scaled(values[scope]) and not _made_in_train(case, scope, values, scaled):
                    yield Sighting(scope, f"{name} {method} over all days")


def _made_in_train(case: LeakCase, scope: Integers, values: Floats, made: Callable[[Floats], bool]) -> bool:
    """Whether the train rows of every fold alone show the same statistic: then nothing was taken from beyond them."""
    return all(made(values[np.intersect1d(scope, fold.parts.train)]) for fold in case.folds)


def _standardised(values: Floats) -> bool:
    known = values[~np.isnan(values)]
    if len(known) < MIN_ROWS or len(np.unique(known)) <= FINE_VALUES:
        return False
    deviations = [float(known.std(ddof=ddof)) for ddof in (0, 1)]
    return abs(float(known.mean())) < EXACT * len(known) and min(abs(one - 1.0) for one in deviations) < EXACT


def _ranged(values: Floats) -> bool:
    """Whether the values fill [0, 1] and touch each end once, as only the least and the greatest scaled value do."""
    known = values[~np.isnan(values)]
    if len(known) < MIN_ROWS or len(np.unique(known)) < len(known) // 2:
        return False
    inside = known.min() > -EXACT and known.max() < 1.0 + EXACT
    ends = (np.abs(known) < EXACT).sum(), (np.abs(known - 1.0) < EXACT).sum()
    return bool(inside and ends == (1, 1))


def _ranked(values: Floats) -> bool:
    known = np.sort(values[~np.isnan(values)])
    count = len(known)
    if count < MIN_ROWS:
        return False
    grids = (np.arange(1, count + 1) / count, np.arange(count) / (count - 1), np.arange(1, count + 1))
    return any(bool(np.abs(known - grid).max() < 1.0 / (4 * count)) for grid in grids)


SCALERS: dict[str, Callable[[Floats], bool]] = {
    "standardised": _standardised,
    "scaled to [0, 1]": _ranged,
    "ranked": _ranked,
}
"""Ways to scale that leave a mark on the rows they were fitted on."""


def filled_beyond(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows of inputs that hold, again and again, the mean of their other rows over all days."""
    everywhere = np.arange(case.frame.height)
    for name, values in case.numeric_inputs.items():
        if _mean_filled(values) and not _made_in_train(case, everywhere, values, _mean_filled):
            yield Sighting(np.flatnonzero(values == _mode(values)[0]), f"{name} filled with its mean over all days")


def _mode(values: Floats) -> tuple[float, int]:
    known, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    return (float(known[counts.argmax()]), int(counts.max())) if len(known) else (float("nan"), 0)


def _mean_filled(values: Floats) -> bool:
    mode, count = _mode(values)
    others = values[~np.isnan(values) & (values != mode)]
    if count < MIN_ROWS // 3 or len(others) < MIN_ROWS:
        return False
    return abs(float(others.mean()) - mode) < EXACT * max(1.0, float(others.std()))


def encoded_beyond(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows of inputs that give each category the mean label it has over all days, or the same in bps."""
    texts = [name for name, dtype in case.frame.schema.items() if dtype == pl.String() and name not in case.spec.row_id]
    for text in texts:
        codes = case.frame[text].fill_null("").rank("dense").to_numpy().astype(np.int64) - 1
        for name, values in case.numeric_inputs.items():
            code = _one_value_each(values, codes)
            for answer in case.answers:
                if code is not None and _learned_beyond(case, answer.values, codes, code):
                    yield Sighting(np.arange(len(values)), f"{name} is the mean {answer.name} by {text}")


def _one_value_each(values: Floats, codes: Integers) -> Floats | None:
    """Return the value of every category if it is one and the same, and they are not all equal."""
    if np.isnan(values).any():
        return None
    first = np.zeros(codes.max() + 1)
    first[codes[::-1]] = values[::-1]
    return first if np.array_equal(first[codes], values) and len(np.unique(first)) > 1 else None


def _means(labels: Floats, codes: Integers, code: Floats) -> bool:
    """Whether every category's value is its mean label, as a share or in bps."""
    known = ~np.isnan(labels)
    counts = np.bincount(codes[known], minlength=len(code))
    sums = np.bincount(codes[known], weights=labels[known], minlength=len(code))
    if counts.max() < MIN_ROWS:
        return False
    means, given = sums[counts > 0] / counts[counts > 0], code[counts > 0]
    scale = max(1.0, float(np.abs(means).max()))
    return bool(np.abs(means - given).max() < EXACT * scale or np.abs(10_000.0 * means - given).max() <= 0.5)


def _learned_beyond(case: LeakCase, labels: Floats, codes: Integers, code: Floats) -> bool:
    """Whether the categories' values are the mean labels of all rows, and not those of every fold's train rows."""
    trains = [fold.parts.train for fold in case.folds if len(fold.parts.train)]
    return _means(labels, codes, code) and not all(_means(labels[rows], codes[rows], code) for rows in trains)


def day_aggregate(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows of inputs that are one number all day: the day's own total, mean or extreme of another column."""
    day = (*INSTRUMENT, "date")
    numbers = pl.DataFrame(dict(case.numbers)).fill_nan(None).hstack(case.frame.select(day))
    spread = numbers.group_by(day, maintain_order=True).agg(pl.col(pl.Float64).max() - pl.col(pl.Float64).min())
    moving = [name for name in case.numbers if (spread[name] > 0.0).any()]
    steady = [name for name in case.numeric_inputs if name not in moving]
    for how in AGGREGATES if steady and moving else ():
        own = [getattr(pl.col(name), how)() for name in moving]
        totals = numbers.group_by(day, maintain_order=True).agg(pl.col(steady).first(), *own).fill_null(float("nan"))
        values = totals.select(moving).to_numpy()
        for name in steady:
            for column in _equal_columns(totals[name].to_numpy(), values):
                yield Sighting(np.arange(case.frame.height), f"{name} is the day's {how} of {moving[column]}")


def _equal_columns(given: Floats, values: Floats) -> Integers:
    """Return the columns that equal `given` wherever both are known, if it takes three values or more."""
    known = ~np.isnan(given)[:, None] & ~np.isnan(values)
    gaps = np.where(known, np.abs(values - given[:, None]), 0.0).max(axis=0)
    scale = np.maximum(1.0, np.where(known, np.abs(values), 0.0).max(axis=0))
    equal = np.flatnonzero((gaps <= EXACT * scale) & (known.sum(axis=0) > 2))
    return np.array([column for column in equal if len(np.unique(given[known[:, column]])) > 2], dtype=np.int64)
