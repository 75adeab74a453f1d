"""sha256 of bytes, facts and rows.

The hash of a frame is *logical*: it covers column names, types and values in their stored order, not the Parquet bytes,
so that another compression level, file split or library version gives the same digest for the same rows.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

_CHUNK = 1 << 20
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def sha256_bytes(data: bytes) -> str:
    """Return the sha256 of `data` as 64 hexadecimal characters."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the sha256 of a file's bytes, read in chunks of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def canonical_json(facts: Mapping[str, Any] | list[Any]) -> str:
    """Return JSON with sorted keys and no spaces; NaN and infinities are refused with ValueError."""
    return _CANONICAL.encode(facts)


def sha256_facts(facts: Mapping[str, Any] | list[Any]) -> str:
    """Return the sha256 of the canonical JSON of `facts`."""
    return sha256_bytes(canonical_json(facts).encode())


def sha256_schema(schema: "pl.Schema") -> str:
    """Return the sha256 of column names and types in order."""
    return sha256_facts([[name, str(dtype)] for name, dtype in schema.items()])


def sha256_rows(frame: "pl.DataFrame") -> str:
    """Return the logical sha256 of a frame: schema, row count, then each column's canonical bytes in order.

    Canonical bytes of a column: its validity as packed bits, then little-endian values with nulls as zero; texts and
    lists as 64-bit lengths followed by the concatenated items. Supports integers, floats, booleans, dates, strings and
    lists of those.
    """
    digest = hashlib.sha256(sha256_schema(frame.schema).encode())
    digest.update(frame.height.to_bytes(8, "little"))
    for series in frame.iter_columns():
        _update(digest, series)
    return digest.hexdigest()


def _update(digest: Any, series: "pl.Series") -> None:
    import polars as pl  # here, because facts are hashed where a data frame library has no business

    digest.update(series.is_not_null().to_numpy().tobytes() if series.null_count() else b"\x01")
    dtype = series.dtype
    if isinstance(dtype, pl.List):
        digest.update(series.list.len().fill_null(0).cast(pl.Int64).to_numpy().tobytes())
        _update(digest, series.drop_nulls().explode(empty_as_null=False))
    elif dtype == pl.String:
        digest.update(series.str.len_bytes().fill_null(0).cast(pl.Int64).to_numpy().tobytes())
        digest.update("".join(series.drop_nulls().to_list()).encode())
    elif dtype == pl.Boolean:
        digest.update(series.fill_null(False).cast(pl.UInt8).to_numpy().tobytes())
    elif dtype == pl.Date:
        digest.update(series.cast(pl.Int32).fill_null(0).to_numpy().tobytes())
    else:
        digest.update(series.fill_null(0).to_numpy().tobytes())
