"""Inputs that are answers: by their name, or by what they hold whatever they are called."""

import re
from collections.abc import Iterator

import numpy as np

from grinder_resources.learning.leaks.agreement import correlations, ranks, separation, stacked
from grinder_resources.learning.leaks.case import MIN_ROWS, Floats, LeakCase, Sighting
from grinder_resources.learning.selection import LABEL_PATTERN, NEVER_INPUTS

FUTURE_WORDS = re.compile(r"(^|_)(label|target|outcome|answer|future|forward|fwd|next|ahead|realized)(_|$)")
"""Words in a name that only something from after the decision would carry."""

SAME_ORDER = 0.995
"""Separation at which an input is taken for a yes-or-no answer: an honest one leaves more than 1 pair in 200 wrong."""

SAME_RANKS = 0.9995
"""The same for a number, whose order has to agree row by row, and for a single day, whose few pairs may be luck."""


def input_names(case: LeakCase) -> Iterator[Sighting]:
    """Yield all rows for every input that is called like a label, an identity or something to come."""
    asked = {head.label for head in case.spec.heads}
    for name in case.inputs:
        if name in asked | NEVER_INPUTS or LABEL_PATTERN.match(name) or FUTURE_WORDS.search(name):
            yield Sighting(np.arange(case.frame.height), name)


def label_copy(case: LeakCase) -> Iterator[Sighting]:
    """Yield the rows in which an input orders a head's open answers perfectly, over all days or within one.

    Looked at are the numbers themselves, whether they are null, and each category: a copy in other units, ranked,
    negated, renamed or hidden in the gaps orders just as well. Pairs are screened by correlation, then measured.
    """
    probes, days = probes_of(case), case.times.day
    if not probes or not case.answers:
        return
    asked = stacked({answer.name: np.where(answer.open, answer.values, np.nan) for answer in case.answers})
    ranked, wanted = ranks(stacked(probes)), ranks(asked)
    for day in (None, *np.unique(days)):
        rows = np.arange(len(days)) if day is None else np.flatnonzero(days == day)
        r, _ = correlations(ranked[rows], wanted[rows])
        for number, answer in enumerate(case.answers):
            bound = SAME_ORDER if answer.binary and day is None else SAME_RANKS
            values = asked[rows, number]
            for name in np.array(list(probes))[np.abs(r[:, number]) >= _screen(values, binary=answer.binary)]:
                if _same(probes[name][rows], values, bound, binary=answer.binary):
                    yield Sighting(rows[~np.isnan(values)], f"{name} orders {answer.name}")


def probes_of(case: LeakCase) -> dict[str, Floats]:
    """Return everything an input can say, by what it is: the numbers, which of them are null, each category."""
    probes = dict(case.numeric_inputs)
    probes |= {
        f"null of {name}": np.isnan(values).astype(np.float64)
        for name, values in case.numeric_inputs.items()
        if np.isnan(values).any()
    }
    for name in case.features.categorical:
        for category in case.frame[name].drop_nulls().unique().sort():
            probes[f"{name}={category}"] = (case.frame[name] == category).fill_null(value=False).to_numpy() * 1.0
    return probes


def _screen(asked: Floats, *, binary: bool) -> float:
    """Return half the correlation with an answer that evenly spread, perfectly ordered ranks would have."""
    known = asked[~np.isnan(asked)]
    share = float(known.mean()) if len(known) and binary else 0.5
    return 0.5 * float(np.sqrt(3.0 * share * (1.0 - share)))


def _same(values: Floats, asked: Floats, bound: float, *, binary: bool) -> bool:
    """Whether the values order the answer as well as `bound`, where there is enough of each class to say so."""
    known = asked[~np.isnan(values) & ~np.isnan(asked)]
    smallest = min(known.sum(), len(known) - known.sum()) if binary else len(known)
    return bool(smallest >= MIN_ROWS and separation(values, asked, binary=binary) >= bound)
