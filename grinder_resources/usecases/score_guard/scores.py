"""Scores from outside: a file of them, strictly read, and the newest that was known at each decision.

A file is Parquet, CSV or JSON lines with exactly the columns of `contracts.score_guard.SCORES`. Its bytes are read
once, and their sha256 stands in the trial ledger.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType

import polars as pl

from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.contracts.score_guard import SCORES
from grinder_resources.contracts.validation import schema_failures
from grinder_resources.errors import CorruptFile, LimitExceeded, NoData, SchemaMismatch, UnknownFile
from grinder_resources.hashing import sha256_bytes

MAX_BYTES = 512 << 20
OUT_OF_SAMPLE = "out of sample"
_INSTRUMENT = ["venue", "symbol"]


@dataclass(frozen=True)
class Scores:
    """Scores and where they come from.

    name
        Of the file or the artifact, and what of it is used.
    sha256
        Of the file's bytes, or over the artifact's files and outputs.
    rows
        In the shape of SCORES.
    fitted_until
        Last day that whoever made them had seen; None where nobody says.
    out_of_fold
        Whether each score is by something that had seen earlier days only.
    """

    name: str
    sha256: str
    rows: pl.DataFrame
    fitted_until: date | None = None
    out_of_fold: bool = False

    def sample(self, first: date) -> str:
        """Return 'out of sample', 'in sample' or 'of unknown sample' for a backtest that starts on `first`."""
        if self.out_of_fold:
            return OUT_OF_SAMPLE
        if self.fitted_until is None:
            return "of unknown sample"
        return OUT_OF_SAMPLE if self.fitted_until < first else "in sample"

    @property
    def fitted(self) -> str:
        """What is known of whoever made them, in words."""
        if self.out_of_fold:
            return "earlier days, fold by fold"
        return f"days until {self.fitted_until}" if self.fitted_until else "nobody says which days"


def read_scores(path: Path, fitted_until: date | None = None) -> Scores:
    """Return the scores of a file.

    fitted_until
        What the user says of whoever made them; None = unknown.

    Raises NoData without a file or a row, UnknownFile for another ending, CorruptFile for bytes that are not what the
    ending says, SchemaMismatch for other columns, types, nulls, bounds or repeated moments.
    """
    if path.suffix not in _READERS:
        raise UnknownFile("scores are Parquet, CSV or JSON lines", where=str(path), expected=" ".join(_READERS))
    data = _bytes(path)
    try:
        rows = _READERS[path.suffix](data)
    except Exception as error:  # what damaged bytes do to a reader is not a list that ends
        raise CorruptFile("the scores cannot be read", where=str(path), got=str(error)[:160]) from error
    return Scores(path.name, sha256_bytes(data), _checked(rows, str(path)), fitted_until)


def in_force(decisions: pl.DataFrame, scores: pl.DataFrame, max_age_s: int) -> pl.DataFrame:
    """Return the decisions, in their order, with score_ts_ns, score_bps and hazard_bps of the score then in force.

    decisions
        venue, symbol, ts_ns and whatever else.
    max_age_s
        A score is in force from its own moment on, for so many seconds, both ends included; null where there is none.
    """
    known = scores.select(*_INSTRUMENT, "ts_ns", "score_bps", "hazard_bps", score_ts_ns="ts_ns")
    numbered = decisions.with_row_index("place")
    joined = numbered.sort("ts_ns").join_asof(
        known.sort("ts_ns"),
        on="ts_ns",
        by=_INSTRUMENT,
        strategy="backward",
        tolerance=max_age_s * NS_PER_SECOND,
        check_sortedness=False,
    )
    return joined.sort("place").drop("place")


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
    except OSError as error:
        raise NoData("the scores cannot be read", where=str(path), got=error.strerror or "") from error
    if len(data) > MAX_BYTES:
        raise LimitExceeded("a file of scores is too large", where=str(path), expected=f"{MAX_BYTES} bytes")
    return data


def _parquet(data: bytes) -> pl.DataFrame:
    # Arrow answers damaged bytes with an error, where polars' own reader aborts the thread
    from pyarrow import BufferReader
    from pyarrow.parquet import ParquetFile

    stored = ParquetFile(BufferReader(data)).read()
    stored.validate(full=True)
    return pl.DataFrame(pl.from_arrow(stored))


_READERS: Mapping[str, Callable[[bytes], pl.DataFrame]] = MappingProxyType(
    {
        ".parquet": _parquet,
        ".csv": lambda data: pl.read_csv(io.BytesIO(data), infer_schema_length=None),
        ".jsonl": lambda data: pl.read_ndjson(io.BytesIO(data), infer_schema_length=None),
    }
)


def _checked(rows: pl.DataFrame, where: str) -> pl.DataFrame:
    if rows.is_empty():
        raise NoData("there are no scores", where=where)
    if "hazard_bps" not in rows.columns or rows["hazard_bps"].null_count() == rows.height:
        rows = rows.with_columns(hazard_bps=pl.lit(None, dtype=pl.Int64))
    missing = [name for name in SCORES.schema.names() if name not in rows.columns]
    kept = rows if missing else rows.select(*SCORES.schema.names(), pl.exclude(SCORES.schema.names()))
    broken = [f"no {name}" for name in missing] or schema_failures(SCORES, kept)
    if broken:
        raise SchemaMismatch(
            "the scores break their contract",
            where=where,
            got="; ".join(broken),
            expected=", ".join(f"{name}: {kind}" for name, kind in SCORES.schema.items()),
        )
    return SCORES.conform(kept)
