"""The design matrix: dataset rows as float32 numbers, in one recorded column order.

A numeric input is one column of its own name (true is 1, null is NaN, which the trees send down a learned default). A
categorical input is one column a category, `name=CATEGORY`, from the contract's list and not from the rows seen, so
that every day gives the same columns. Nothing is scaled, imputed or learned here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from grinder_resources.errors import ContractBroken, OutOfRange, SchemaMismatch
from grinder_resources.learning.selection import LABEL_PATTERN, NEVER_INPUTS, FeatureSet

Categories = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Matrix:
    """`values` is float32 [rows, columns], row-major, NaN where an input was null."""

    columns: tuple[str, ...]
    values: NDArray[np.float32]


def matrix_columns(features: FeatureSet, categories: Categories) -> tuple[str, ...]:
    """Return the names of the matrix's columns: numeric inputs first, then each categorical's categories.

    Raises ContractBroken if an input is named like a label.
    """
    leaks = [name for name in (*features.numeric, *features.categorical) if _tells_the_future(name)]
    if leaks:
        raise ContractBroken("a label is no input", where="design matrix", got=", ".join(leaks))
    hot = (f"{name}={category}" for name in features.categorical for category in categories[name])
    return (*features.numeric, *hot)


def design_matrix(frame: pl.DataFrame, features: FeatureSet, categories: Categories) -> Matrix:
    """Return the rows of `frame` as numbers.

    Raises SchemaMismatch naming inputs the frame lacks, OutOfRange for an infinite number or a category outside its
    list.
    """
    columns = matrix_columns(features, categories)
    missing = [name for name in (*features.numeric, *features.categorical) if name not in frame.columns]
    if missing:
        raise SchemaMismatch("inputs are missing", where="design matrix", got=f"no {', '.join(missing)}")
    for name in features.categorical:
        _refuse_unknown(frame[name], categories[name])
    numeric = [pl.col(name).cast(pl.Float32) for name in features.numeric]
    hot = [
        (pl.col(name) == category).fill_null(value=False).cast(pl.Float32).alias(f"{name}={category}")
        for name in features.categorical
        for category in categories[name]
    ]
    values = np.ascontiguousarray(frame.select(*numeric, *hot).to_numpy(), dtype=np.float32)
    _refuse_infinite(values, columns)
    return Matrix(columns, values)


def _tells_the_future(name: str) -> bool:
    """Whether only a label or an identity is called so: the last door before the learner, whatever chose the inputs."""
    return name in NEVER_INPUTS or LABEL_PATTERN.match(name) is not None


def _refuse_unknown(values: pl.Series, known: tuple[str, ...]) -> None:
    unknown = sorted(set(values.drop_nulls().unique()) - set(known))
    if unknown:
        raise OutOfRange(
            "a category the contract does not list",
            where=values.name,
            got=", ".join(unknown),
            expected=", ".join(known),
        )


def _refuse_infinite(values: NDArray[np.float32], columns: tuple[str, ...]) -> None:
    infinite = np.flatnonzero(np.isinf(values).any(axis=0)).tolist()
    if infinite:
        names = [columns[position] for position in infinite]
        raise OutOfRange("inputs are finite or null", where="design matrix", got=f"infinity in {', '.join(names)}")
