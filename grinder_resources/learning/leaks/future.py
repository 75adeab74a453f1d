"""Inputs that look ahead: labels of other rows that were not complete, later values of a price or of another input."""

from collections.abc import Iterator

import numpy as np

from grinder_resources.learning.leaks.agreement import correlations, stacked
from grinder_resources.learning.leaks.answers import probes_of
from grinder_resources.learning.leaks.case import MIN_ROWS, Floats, LeakCase, Sighting
from grinder_resources.learning.purging import Flags, Integers

SHIFTS = (1, 2, 3)
"""Rows of the same instrument that a shifted column is looked for in."""

EQUAL = 0.9999
"""Correlation at which two columns are one, up to scale and rounding."""

PRICES = ("spot_half_ticks",)
"""Columns that hold the price at the decision; no inputs themselves."""

EXPLAINED = 1e-3
"""Share of an input's unexplained variance that later prices leave, below which the input is made of them."""

UNEXPLAINED = 1e-6
"""Share of an input's variance that past prices have to leave: a lagged price leaves none and is honest."""

LAGS = 2
"""Changes of the price looked at on either side."""


def unfinished_label(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows in which an input is the label of a neighbouring row whose window was still open at their decision."""
    probes, answers = probes_of(case), {answer.name: answer.values for answer in case.answers}
    if not probes or not answers:
        return
    values, asked, end = stacked(probes), stacked(answers), case.times.end_ns
    for shift in (*SHIFTS, *(-shift for shift in SHIFTS)):
        rows, others = _neighbours(case, shift)
        unfinished = end[others] > case.decision_ns[rows]
        rows, others = rows[unfinished], others[unfinished]
        r, known = correlations(values[rows], asked[others])
        for probe, answer in np.argwhere((np.abs(r) >= EQUAL) & (known >= MIN_ROWS)):
            if _varied(asked[others][:, answer]):
                yield Sighting(rows, f"{list(probes)[probe]} is {list(answers)[answer]} {shift:+d} rows")


def lead(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows in which an input is another column some rows later.

    A lag of one column is a lead of the other, so the ends of the series decide: the column that knows no value in the
    last rows, where there is nothing later to take, is the one that looks ahead.
    """
    labels = {head.label for head in case.spec.heads}
    sources = {name: values for name, values in case.numbers.items() if name not in labels and not name.endswith("_ns")}
    for shift in SHIFTS:
        taken = {name: values for name, values in case.numeric_inputs.items() if _ends_unknown(case, values, shift)}
        if not taken:
            continue
        values, others = stacked(taken), stacked(sources)
        rows, later = _neighbours(case, shift)
        r, known = correlations(values[rows], others[later])
        at_once, _ = correlations(values, others)
        same = (np.abs(r) >= EQUAL) & (known >= MIN_ROWS) & (np.abs(at_once) < EQUAL)
        for name, source in np.argwhere(same):
            yield Sighting(rows, f"{list(taken)[name]} is {list(sources)[source]} {shift:+d} rows")


def future_price(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows in which later prices explain what past ones leave of an input: returns to come, centred means.

    Least squares on the price's last changes, then on the next ones as well, an instrument at a time.
    """
    for price in (name for name in PRICES if name in case.numbers):
        for rows in (rows for rows in case.by_instrument if len(rows) >= 2 * MIN_ROWS):
            inner = rows[LAGS : len(rows) - LAGS]
            past, full = _price_changes(case.numbers[price][rows])
            for name, values in case.numeric_inputs.items():
                known = ~np.isnan(values[inner])
                if known.sum() < 2 * MIN_ROWS:
                    continue
                left, less = (_unexplained(values[inner][known], side[known]) for side in (past, full))
                if left > UNEXPLAINED * np.var(values[inner][known]) and less < EXPLAINED * left:
                    yield Sighting(inner[known], f"{name} from later {price}")


def clock_input(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows in which an input only counts on from row to row over days: it names the moment, not the market."""
    if not case.numeric_inputs:
        return
    values, names = stacked(case.numeric_inputs), list(case.numeric_inputs)
    for rows in case.by_instrument:
        if len(rows) < 2 * MIN_ROWS or len(np.unique(case.times.day[rows])) < 2:
            continue
        steps = np.diff(values[rows], axis=0)
        overnight = np.diff(case.times.day[rows]) > 0
        for column in np.flatnonzero(_counts(steps, overnight) | _counts(-steps, overnight)):
            yield Sighting(rows, f"{names[column]} counts time")


def _counts(steps: Floats, overnight: Flags) -> Flags:
    """Whether a column rises from nearly every row to the next, and from every day to the next: no daily restart."""
    rises: Flags = ((steps > 0).mean(axis=0) > 0.99) & (steps[overnight] > 0).all(axis=0)
    return rises


def _neighbours(case: LeakCase, shift: int) -> tuple[Integers, Integers]:
    """Return row numbers and those `shift` rows later (earlier if negative) in the same instrument."""
    gap = abs(shift)
    earlier = np.concatenate([rows[:-gap] for rows in case.by_instrument])
    later = np.concatenate([rows[gap:] for rows in case.by_instrument])
    return (earlier, later) if shift > 0 else (later, earlier)


def _varied(values: Floats) -> bool:
    """Whether enough known values differ from the most frequent one."""
    counts = np.unique(values[~np.isnan(values)], return_counts=True)[1]
    return len(counts) > 1 and int(counts.sum() - counts.max()) >= MIN_ROWS // 3


def _ends_unknown(case: LeakCase, values: Floats, shift: int) -> bool:
    """Whether the last rows of every instrument are null and the first ones are not."""
    last = np.concatenate([rows[-shift:] for rows in case.by_instrument])
    first = np.concatenate([rows[:shift] for rows in case.by_instrument])
    return bool(np.isnan(values[last]).all() and not np.isnan(values[first]).all())


def _price_changes(price: Floats) -> tuple[Floats, Floats]:
    """Return, a row each but the outer LAGS, a constant, the price and its past changes; and the later ones besides."""
    change = np.diff(price)
    inner = len(price) - 2 * LAGS
    columns = [np.ones(inner), price[LAGS : LAGS + inner]]
    columns += [change[lag : lag + inner] for lag in range(LAGS)]
    later = [change[LAGS + lag : LAGS + lag + inner] for lag in range(LAGS)]
    return np.stack(columns, axis=1), np.stack([*columns, *later], axis=1)


def _unexplained(values: Floats, given: Floats) -> float:
    """Return the mean square that a linear function of `given` leaves of `values`."""
    scale = np.abs(given).max(axis=0)
    design = given / np.where(scale > 0.0, scale, 1.0)
    solution = np.linalg.lstsq(design, values, rcond=None)[0]
    return float(((values - design @ solution) ** 2).mean())
