"""How leaks are planted: each function takes a clean case and makes one known mistake in it.

A plant touches only what the mistake would touch: the stored rows, the parts of the folds, the list of inputs, or the
function that makes the learner's numbers.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl

from grinder_resources.contracts.events import BARRIER_STATES, OUTCOMES
from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.learning.leaks.case import INSTRUMENT, Fold, LeakCase, case_of
from grinder_resources.learning.purging import Integers
from grinder_resources.learning.selection import LABEL_PATTERN, FeatureSet
from grinder_resources.learning.splits import Parts

KEY = list(INSTRUMENT)

INPUT = "book_pressure_x1000"
"""What a planted column is called: nothing in the name says what it holds."""

_DAY_NS = 86_400 * NS_PER_SECOND

Sow = Callable[[LeakCase, np.random.Generator], LeakCase]


def with_rows(case: LeakCase, frame: pl.DataFrame) -> LeakCase:
    """Return the case of other rows, split and selected anew."""
    return case_of(case.spec, frame)


def with_input(case: LeakCase, values: pl.Expr | pl.Series) -> LeakCase:
    """Return the case with one more input column."""
    return with_rows(case, case.frame.with_columns(values.alias(INPUT)))


def column(values: pl.Expr) -> Sow:
    """Return a plant of an input that is an expression of the stored columns."""
    return lambda case, _rng: with_input(case, values)


def rows(*changed: pl.Expr) -> Sow:
    """Return a plant that changes stored columns."""
    return lambda case, _rng: with_rows(case, case.frame.with_columns(*changed))


def some_rows(name: str, value: pl.Expr, every: int = 40) -> Sow:
    """Return a plant that changes a column in one row of `every`."""
    chosen = pl.int_range(pl.len()) % every == 0
    return rows(pl.when(chosen).then(value).otherwise(pl.col(name)).alias(name))


def with_parts(case: LeakCase, cut: Callable[[Fold], Parts]) -> LeakCase:
    """Return the case with other rows in the parts of every fold."""
    return replace(case, folds=tuple(Fold(fold.name, cut(fold)) for fold in case.folds))


def whole_part(case: LeakCase, part: Integers) -> Integers:
    """Return all rows of the days that a part has rows of: the part before any purge."""
    return np.flatnonzero(np.isin(case.times.day, np.unique(case.times.day[part])))


def no_purge(case: LeakCase, _rng: np.random.Generator) -> LeakCase:
    """Fit on every row of the train and validation days."""

    def cut(fold: Fold) -> Parts:
        return Parts(whole_part(case, fold.parts.train), whole_part(case, fold.parts.val), fold.parts.test, 0)

    return with_parts(case, cut)


def no_purge_of_validation(case: LeakCase, _rng: np.random.Generator) -> LeakCase:
    """Purge train, and let validation labels see the test day."""
    return with_parts(case, lambda fold: replace(fold.parts, val=whole_part(case, fold.parts.val)))


def no_embargo(case: LeakCase, _rng: np.random.Generator) -> LeakCase:
    """Purge to the last nanosecond and stop there."""
    start, end = case.times.start_ns, case.times.end_ns

    def cut(fold: Fold) -> Parts:
        train, val, test = whole_part(case, fold.parts.train), whole_part(case, fold.parts.val), fold.parts.test
        train = train[end[train] < min(start[val].min(), start[test].min())]
        return Parts(train, val[end[val] < start[test].min()], test, 0)

    return with_parts(case, cut)


def reversed_days(case: LeakCase, _rng: np.random.Generator) -> LeakCase:
    """Learn from the last days and answer the first."""
    return with_parts(case, lambda fold: replace(fold.parts, train=fold.parts.test, test=fold.parts.train))


def shuffled_parts(case: LeakCase, rng: np.random.Generator) -> LeakCase:
    """Deal rows to the parts at random, as a shuffled k-fold does."""

    def cut(fold: Fold) -> Parts:
        all_rows = np.concatenate([fold.parts.train, fold.parts.val, fold.parts.test])
        first, second = len(all_rows) * 6 // 10, len(all_rows) * 8 // 10
        train, val, test = (np.sort(part) for part in np.split(rng.permutation(all_rows), [first, second]))
        return Parts(train, val, test, 0)

    return with_parts(case, cut)


def noon_cut(case: LeakCase, _rng: np.random.Generator) -> LeakCase:
    """Cut the test day in two and learn from its first half, purged."""
    since_midnight = case.times.start_ns % _DAY_NS

    def cut(fold: Fold) -> Parts:
        morning = since_midnight[fold.parts.test] < np.median(since_midnight[fold.parts.test])
        train = np.concatenate([fold.parts.train, fold.parts.test[morning]])
        return replace(fold.parts, train=train, test=fold.parts.test[~morning])

    return with_parts(case, cut)


def train_on_test(case: LeakCase, _rng: np.random.Generator) -> LeakCase:
    """Fit the final model on all rows, then report its score on some of them."""
    return with_parts(case, lambda fold: replace(fold.parts, train=np.concatenate([fold.parts.train, fold.parts.test])))


def early_filing(case: LeakCase, _rng: np.random.Generator) -> LeakCase:
    """File the first hours of every day but the first under the day before: local time taken for UTC."""
    night = (pl.col("ts_ns") % _DAY_NS < 2 * 3600 * NS_PER_SECOND) & (pl.col("date") > pl.col("date").min())
    return rows(pl.when(night).then(pl.col("date") - pl.duration(days=1)).otherwise("date").alias("date"))(case, _rng)


def shuffled_rows(case: LeakCase, rng: np.random.Generator) -> LeakCase:
    """Store the rows in a random order, before a rolling feature or a shift is computed on them."""
    return with_rows(case, case.frame[rng.permutation(case.frame.height)])


def copies_in_another_day(case: LeakCase, rng: np.random.Generator) -> LeakCase:
    """Balance the classes by copying rare rows to the next day, with new times and ids, before splitting."""
    days = case.days
    chosen = case.frame.filter(pl.col("date") < days[-1])[rng.integers(0, case.frame.height // 2, 25)]
    times = ("ts_ns", "confirm_ts_ns", "label_end_ns", "watermark_ns")
    copies = chosen.unique("event_id", maintain_order=True).with_columns(
        pl.col("date") + pl.duration(days=1), pl.col("event_id") + "_again", *(pl.col(name) + _DAY_NS for name in times)
    )
    return with_rows(case, pl.concat([case.frame, copies]).sort("date", "venue", "symbol", "ts_ns", "event_id"))


def filled_labels(case: LeakCase, _rng: np.random.Generator) -> LeakCase:
    """Fill answers that were never measured with those of the event before."""
    names = [name for name in case.frame.columns if LABEL_PATTERN.match(name)]
    missing = pl.int_range(pl.len()) % 40 == 0
    before = {name: pl.col(name).shift(1).over(KEY) for name in names}
    first = pl.int_range(pl.len()).over(KEY) == 0
    filled = [pl.when(missing & ~first).then(value).otherwise(name).alias(name) for name, value in before.items()]
    return with_rows(case, case.frame.with_columns(filled))


def unit_range(case: LeakCase, _rng: np.random.Generator) -> LeakCase:
    """Scale a feature by the least and the greatest value of all days."""
    share = pl.col("microprice_share")
    return with_input(case, (share - share.min()) / (share.max() - share.min()))


def input_list(*extra: str) -> Sow:
    """Return a plant that puts columns on the list of inputs by hand."""

    def sow(case: LeakCase, _rng: np.random.Generator) -> LeakCase:
        numeric = (*case.features.numeric, *extra)
        return replace(case, features=FeatureSet(numeric, case.features.categorical))

    return sow


def named_future(case: LeakCase, rng: np.random.Generator) -> LeakCase:
    """Join a column that says by its name what it is."""
    joined = case.frame.with_columns(pl.Series("next_range_x1000", rng.integers(0, 999, case.frame.height)))
    return with_rows(case, joined)


def renamed_outcome(case: LeakCase, _rng: np.random.Generator) -> LeakCase:
    """Overwrite a category with another spelling of the outcome."""
    words = dict(zip(OUTCOMES, BARRIER_STATES, strict=False))
    return rows(pl.col("outcome").replace_strict(words).alias("barrier_state"))(case, _rng)


def one_poisoned_day(case: LeakCase, _rng: np.random.Generator) -> LeakCase:
    """Fill an input from the answer on one day alone, as a faulty backfill does."""
    poisoned = pl.col("date") == case.days[len(case.days) // 2]
    told = 3 * pl.col("t1_break_120").cast(pl.Int64) + 5
    return rows(pl.when(poisoned).then(told).otherwise("wall_ratio_x1000").alias("wall_ratio_x1000"))(case, _rng)


def scaler_over_all_rows(case: LeakCase, _rng: np.random.Generator) -> LeakCase:
    """Standardise inside the pipeline with the mean and deviation of whatever rows come in."""
    scaled = (pl.col(pl.Float32) - pl.col(pl.Float32).mean()) / pl.col(pl.Float32).std()
    return replace(case, derive=lambda frame: case.derive(frame).with_columns(scaled))


def encoder_over_all_rows(case: LeakCase, _rng: np.random.Generator) -> LeakCase:
    """Encode the level kind inside the pipeline by the mean answer of whatever rows come in."""
    by_kind = pl.col("tradeable_2").cast(pl.Float64).mean().over("level_kind_name").alias(INPUT)
    return replace(case, derive=lambda frame: case.derive(frame).hstack(frame.select(by_kind)))
