"""Leaks between the parts of a fold: rows that learn from, and rows that are answered."""

from collections.abc import Iterator

import numpy as np

from grinder_resources.learning.leaks.case import LeakCase, Sighting, earlier_and_later
from grinder_resources.learning.purging import touching
from grinder_resources.learning.splits import EMBARGO_NS


def disjoint_parts(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows that stand in two parts of a fold."""
    for fold in case.folds:
        for early, before, late, after in earlier_and_later(fold):
            yield Sighting(np.intersect1d(before, after), f"{fold.name}, {early} and {late}")


def whole_days(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows of an earlier part whose UTC day also has rows in a later one."""
    day = case.times.day
    for fold in case.folds:
        for early, before, late, after in earlier_and_later(fold):
            yield Sighting(before[np.isin(day[before], day[after])], f"{fold.name}, {early} and {late}")


def part_order(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows of an earlier part that began when the later part had already begun."""
    start = case.times.start_ns
    for fold in case.folds:
        for early, before, late, after in earlier_and_later(fold):
            yield Sighting(before[start[before] >= start[after].min()], f"{fold.name}, {early} after {late}")


def label_overlap(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows of an earlier part whose label interval touches one of a later part."""
    for fold in case.folds:
        for early, before, late, after in earlier_and_later(fold):
            yield Sighting(before[touching(case.times, before, after)], f"{fold.name}, {early} into {late}")


def embargo(case: LeakCase) -> Iterator[Sighting]:
    """Yield rows of an earlier part that touch no later label but come nearer to one than the embargo."""
    for fold in case.folds:
        for early, before, late, after in earlier_and_later(fold):
            near = touching(case.times, before, after, EMBARGO_NS) & ~touching(case.times, before, after)
            yield Sighting(before[near], f"{fold.name}, {early} near {late}")
