"""A leak case: everything a leak check looks at, as one set of facts.

A case is a spec, the rows of its dataset as they are stored, the inputs that were selected and the rows of every fold.
It holds no verdict and trusts nobody: parts are given, not derived, so that a check judges the rows that are really
fitted on, and inputs are rebuilt by the case's own `derive`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import product

import numpy as np
import polars as pl
from numpy.typing import NDArray

from grinder_resources.errors import TooFewDays
from grinder_resources.learning.matrix import design_matrix
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.purging import Flags, Integers, LabelTimes, label_times
from grinder_resources.learning.selection import FeatureSet
from grinder_resources.learning.splits import MODES, Parts, split_by_date, split_rows, walk_forward
from grinder_resources.learning.targets import raw_target, settled_rows

Floats = NDArray[np.float64]
Derive = Callable[[pl.DataFrame], pl.DataFrame]

INSTRUMENT = ("venue", "symbol")
MIN_ROWS = 30
"""Below this many rows, of each class where there are classes, agreement says nothing."""

FINE_VALUES = 20
"""A column with more distinct values than this tells rows apart; a flag or a small count does not."""


@dataclass(frozen=True)
class Fold:
    """A fold by name, e.g. 'expanding fold 2', and the row numbers of its parts."""

    name: str
    parts: Parts


@dataclass(frozen=True)
class Sighting:
    """What a check saw: row numbers of the case's frame, and the column or fold they were seen in."""

    rows: Integers
    where: str


@dataclass(frozen=True, eq=False)
class Answer:
    """What a head asks for: float64 [rows], NaN without a label; `open` is False where it was known at decision time.

    A binary answer holds 0 and 1.
    """

    name: str
    values: Floats
    open: Flags
    binary: bool


@dataclass(frozen=True, eq=False)
class LeakCase:
    """A dataset about to be learned from.

    frame
        Rows in their stored order; columns as in `ModelSpec.dataset`, and `watermark_ns`.
    features
        The selected inputs.
    folds
        Rows of every fold that is fitted.
    derive
        Rows of the dataset -> the numbers a learner sees, one row each; whatever it learns from rows it learns there.
    """

    spec: ModelSpec
    frame: pl.DataFrame
    features: FeatureSet
    folds: tuple[Fold, ...]
    derive: Derive

    @property
    def days(self) -> list[date]:
        """The days that have rows, in order."""
        return sorted(self.frame["date"].unique())

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of all inputs."""
        return (*self.features.numeric, *self.features.categorical)

    @cached_property
    def times(self) -> LabelTimes:
        """Label interval and day of every row."""
        return label_times(self.frame)

    @cached_property
    def decision_ns(self) -> Integers:
        """When each row's question is asked: its confirmation where it has one, else its own time."""
        name = "confirm_ts_ns" if "confirm_ts_ns" in self.frame.columns else "ts_ns"
        return self.frame[name].to_numpy()

    @cached_property
    def numbers(self) -> Mapping[str, Floats]:
        """Every numeric column as float64 with NaN for null, by name."""
        numeric = [name for name, dtype in self.frame.schema.items() if dtype.is_numeric() or dtype == pl.Boolean()]
        return {name: self.frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in numeric}

    @cached_property
    def numeric_inputs(self) -> Mapping[str, Floats]:
        """The numeric inputs that the frame has, as float64 with NaN for null."""
        return {name: self.numbers[name] for name in self.features.numeric if name in self.numbers}

    @cached_property
    def answers(self) -> tuple[Answer, ...]:
        """What the heads ask for, and the times to those answers."""
        heads = [
            Answer(head.name, raw_target(self.frame, head), ~settled_rows(self.frame, head), head.kind == "binary")
            for head in self.spec.heads
        ]
        clocks = dict.fromkeys(head.settled_when_zero for head in self.spec.heads if head.settled_when_zero)
        return (*heads, *(Answer(name, self.numbers[name], self.numbers[name] != 0, binary=False) for name in clocks))

    @cached_property
    def by_instrument(self) -> tuple[Integers, ...]:
        """Row numbers of each instrument in the order of their decisions; ties in stored order."""
        numbered = self.frame.select(*INSTRUMENT).with_row_index("row")
        parts = numbered.partition_by(*INSTRUMENT, maintain_order=True)
        rows = [part["row"].to_numpy().astype(np.int64) for part in parts]
        return tuple(numbers[np.argsort(self.decision_ns[numbers], kind="stable")] for numbers in rows)

    def row_name(self, row: int) -> str:
        """Return the row's id as reports spell it."""
        names = [name for name in self.spec.row_id if name in self.frame.columns]
        return "_".join(str(self.frame[name][row]) for name in names)


def case_of(spec: ModelSpec, frame: pl.DataFrame) -> LeakCase:
    """Return the case of a dataset with the splits training and walk-forward make of it; too few days make no fold."""
    return LeakCase(spec, frame, spec.select(frame.schema), tuple(_folds(frame)), design_of(spec))


def design_of(spec: ModelSpec) -> Derive:
    """Return what turns rows into the numbers that the spec's learner sees: its design matrix."""

    def derive(frame: pl.DataFrame) -> pl.DataFrame:
        matrix = design_matrix(frame, spec.select(frame.schema), spec.categories)
        return pl.DataFrame(matrix.values, schema=list(matrix.columns))

    return derive


def _folds(frame: pl.DataFrame) -> Iterator[Fold]:
    days = frame["date"].unique().to_list()
    try:
        yield Fold("the shipped split", split_rows(frame, split_by_date(days)))
        numbered = [(mode, number, split) for mode in MODES for number, split in enumerate(walk_forward(days, mode), 1)]
        for mode, number, split in numbered:
            yield Fold(f"{mode} fold {number}", split_rows(frame, split))
    except TooFewDays:
        return


def earlier_and_later(fold: Fold) -> Iterator[tuple[str, Integers, str, Integers]]:
    """Yield every pair of an earlier and a later part that both hold rows, with their names."""
    parts = {"train": fold.parts.train, "validation": fold.parts.val, "test": fold.parts.test}
    for (early, before), (late, after) in product(parts.items(), repeat=2):
        if list(parts).index(early) < list(parts).index(late) and len(before) and len(after):
            yield early, before, late, after
