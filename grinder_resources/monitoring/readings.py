"""What a model read: the inputs of Gold rows and of logged decisions, as numbers, and the hash that names them.

A trading process hashes the canonical JSON of its inputs before the model runs (`inference.snapshot`). The same is done
here with the inputs that the lake has for that row: equal hashes, equal inputs.
"""

import json
from collections.abc import Sequence

import numpy as np
import polars as pl

from grinder_resources.hashing import canonical_json, sha256_bytes
from grinder_resources.learning.training import Prepared
from grinder_resources.monitoring.sketch import Floats

HASH_CHARACTERS = 16


def hashes_of(prepared: Prepared) -> pl.Series:
    """Return the hash of each row's inputs, as a trading process that was given them would state it."""
    rows = as_read(prepared).iter_rows(named=True)
    return pl.Series("recomputed_hash", [_hash(canonical_json(row)) for row in rows], dtype=pl.String())


def logged_values(features: pl.Series, names: Sequence[str]) -> Floats:
    """Return logged inputs as float64 [rows, names], each the float32 that the model got.

    features
        Canonical JSON of the inputs, as `bronze/predictions` holds it; a Decimal is a text. NaN is null, or absent.
    """
    read = [[_number(inputs.get(name)) for name in names] for inputs in map(json.loads, features)]
    return np.array(read, dtype=np.float32).reshape(len(read), len(names)).astype(np.float64)


def as_read(prepared: Prepared) -> pl.DataFrame:
    """Return the inputs by the names of the matrix's columns, in the types of the lake; true is 1, as in the matrix."""
    features, categories = prepared.features, prepared.spec.categories
    flags = {name for name in features.numeric if prepared.frame.schema[name] == pl.Boolean()}
    numeric = [pl.col(name).cast(pl.Int8) if name in flags else pl.col(name) for name in features.numeric]
    hot = [
        (pl.col(name) == category).fill_null(value=False).cast(pl.Int8).alias(f"{name}={category}")
        for name in features.categorical
        for category in categories[name]
    ]
    return prepared.frame.select(*numeric, *hot)


def _hash(text: str) -> str:
    return sha256_bytes(text.encode())[:HASH_CHARACTERS]


def _number(value: float | str | None) -> float:
    return float("nan") if value is None else float(value)
