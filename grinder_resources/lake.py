"""The lake: Delta tables with one partition a UTC day, each commit carrying the logical hash of its rows.

Visible means committed: readers go through the Delta log, so a file without a log entry does not exist for them. A day
is replaced by one commit (overwrite where date = ...). Delta keeps no checksum of data files, so `read` recomputes the
logical hash of every day it returns and compares it with the one in the commit.

A table has one schema. The first commit under a changed contract replaces the whole table; its other days have to be
materialised again, and until then they count as never committed (older versions stay readable in the Delta log).

Order of events in a commit: rows checked and sorted -> hash -> data file -> log entry. A process killed anywhere leaves
the previous version readable; files without a log entry are swept by Delta's own vacuum.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from urllib.parse import unquote

import polars as pl
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from pyarrow import ArrowException
from pyarrow.fs import FileSystem
from pyarrow.parquet import ParquetFile

from grinder_resources.contracts.table import Table
from grinder_resources.errors import CommitConflict, CorruptFile, LakeFault, PartitionMissing
from grinder_resources.hashing import sha256_facts, sha256_rows, sha256_schema
from grinder_resources.storage import storage_errors

METADATA_KEY = "grinder"
"""Name of what a commit of ours says, in the entry of the Delta log."""

CONFIGURATION = {
    # A checkpoint every 20 commits keeps opening a long table as cheap as a short one.
    "delta.checkpointInterval": "20",
    # The commit's hash lives in the log entry, so entries are kept as long as the table.
    "delta.logRetentionDuration": "interval 36500 days",
}
"""What every table is made with."""


@dataclass(frozen=True)
class Commit:
    """What one commit says about the partition it wrote.

    day
        ISO day of the partition, or '' for a table without days.
    rows, logical_sha256, schema_sha256
        Of the rows as they lie there.
    fingerprint
        sha256 of everything that decided the rows: code version and upstream hashes. Equal fingerprint means that
        rebuilding would give the same rows.
    """

    table: str
    day: str
    rows: int
    logical_sha256: str
    schema_sha256: str
    code_version: str
    upstream: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""


def fingerprint(code_version: str, upstream: Mapping[str, str]) -> str:
    """Return the sha256 that identifies a build: its code version and the hashes of all it reads."""
    return sha256_facts({"code_version": code_version, "upstream": dict(upstream)})


class Lake:
    """Reads and writes the tables under one root (a folder, or an object-store address such as `s3://bucket/lake`)."""

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/")
        self._opened: dict[str, tuple[int, DeltaTable]] = {}
        self._stamps: dict[str, tuple[int, dict[str, Commit]]] = {}

    def commit(
        self,
        table: Table,
        frame: pl.DataFrame,
        *,
        day: date | None,
        code_version: str,
        upstream: Mapping[str, str] | None = None,
    ) -> Commit:
        """Replace one day of `table` (the whole table when `day` is None) by `frame`, in one Delta commit.

        Raises SchemaMismatch if the frame breaks the table's contract or holds another day, StorageFull when the store
        takes no more, CommitConflict when another writer replaced the same day meanwhile. After any of them the
        previous version stands.
        """
        rows = table.conform(frame)
        inputs = dict(upstream or {})
        commit = Commit(
            table=table.name,
            day=day.isoformat() if day else "",
            rows=rows.height,
            logical_sha256=sha256_rows(rows),
            schema_sha256=sha256_schema(rows.schema),
            code_version=code_version,
            upstream=inputs,
            fingerprint=fingerprint(code_version, inputs),
        )
        if day and rows.height and rows["date"].unique().to_list() != [day]:
            raise LakeFault("rows of another day in the partition", where=f"{table.name}/date={day}")
        with _commit_errors(f"{table.name}/date={day}"):
            self._write(table, rows, day, commit)
        return commit

    def _write(self, table: Table, rows: pl.DataFrame, day: date | None, commit: Commit) -> None:
        existing = self._open(table.name)
        known = self.stamps(table.name)
        same_schema = any(stamp.schema_sha256 == commit.schema_sha256 for stamp in known.values())
        replaces_day = day is not None and same_schema
        write_deltalake(
            self._uri(table.name) if existing is None else existing,
            rows.to_arrow(compat_level=pl.CompatLevel.oldest()),
            mode="overwrite",
            predicate=f"date = '{day}'" if replaces_day else None,
            partition_by=["date"] if day is not None else None,
            schema_mode=None if replaces_day else "overwrite",
            configuration=CONFIGURATION if existing is None else None,
            commit_properties=CommitProperties(
                custom_metadata={METADATA_KEY: json.dumps(asdict(commit), sort_keys=True)}, max_commit_retries=0
            ),
        )

    def stamps(self, name: str) -> dict[str, Commit]:
        """Return the newest commit of every day of a table, keyed by ISO day ('' for a table without days)."""
        opened = self._open(name)
        if opened is None:
            return {}
        version = opened.version()
        known_version, known = self._stamps.get(name, (-1, {}))
        if version != known_version:
            entries = reversed(opened.history(version - known_version))
            fresh = [Commit(**json.loads(entry[METADATA_KEY])) for entry in entries if METADATA_KEY in entry]
            newest = fresh[-1].schema_sha256 if fresh else ""
            every = {**known, **{commit.day: commit for commit in fresh}}
            known = {day: commit for day, commit in every.items() if commit.schema_sha256 == newest or not fresh}
            self._stamps[name] = (version, known)
        return known

    def stamp(self, name: str, day: date | None) -> Commit | None:
        """Return the newest commit of one day, or None if the day was never committed."""
        return self.stamps(name).get(day.isoformat() if day else "")

    def days(self, name: str, first: date | None = None, last: date | None = None) -> list[date]:
        """Return the committed days of a table in [first, last], ascending; empty days count."""
        every = (date.fromisoformat(day) for day in self.stamps(name) if day)
        return sorted(day for day in every if (not first or first <= day) and (not last or day <= last))

    def read(
        self, table: Table, first: date | None = None, last: date | None = None, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Return the rows of the days in [first, last] (None: no bound), in stored order, every day's hash checked.

        Raises PartitionMissing if no day of the range was committed and CorruptFile if the rows differ from their
        commit.
        """
        days: list[date | None] = [*self.days(table.name, first, last)]
        if not days and "" in self.stamps(table.name):
            days = [None]
        if not days:
            raise PartitionMissing(
                "no committed day in the range",
                where=table.name,
                expected=f"{first or 'any'} .. {last or 'any'}",
                hint="Materialise it first",
            )
        frames = [self._read_day(table, day) for day in days]
        rows = pl.concat(frames) if len(frames) > 1 else frames[0]
        return rows.select(columns) if columns else rows

    def read_or_empty(self, table: Table, first: date, last: date) -> pl.DataFrame:
        """Return the rows of [first, last], or no rows where nothing was committed."""
        return self.read(table, first, last) if self.days(table.name, first, last) else table.empty()

    def current(self, table: Table, day: date | None, wanted_fingerprint: str) -> pl.DataFrame | None:
        """Return the verified rows of a day built from exactly these inputs, or None if it must be built (again)."""
        stamp = self.stamp(table.name, day)
        if stamp is None or stamp.fingerprint != wanted_fingerprint:
            return None
        try:
            return self._read_day(table, day)
        except CorruptFile:
            return None

    def rows(self, name: str, day: date | None) -> pl.DataFrame:
        """Return the verified rows of one day of any table, in the columns and types it was stored with.

        Raises PartitionMissing if the day was never committed and CorruptFile if its rows differ from their commit.
        """
        if self.stamp(name, day) is None:
            raise PartitionMissing("the day was never committed", where=f"{name}/date={day}")
        empty = self.no_rows(name)
        return self._verified(name, day, pl.concat([empty, *self._stored(name, empty.schema, day)]))

    def _read_day(self, table: Table, day: date | None) -> pl.DataFrame:
        frames = self._stored(table.name, table.schema, day)
        return self._verified(table.name, day, table.conform(pl.concat(frames)) if frames else table.empty())

    def _stored(self, name: str, schema: pl.Schema, day: date | None) -> list[pl.DataFrame]:
        where = f"{name}/date={day}" if day else name
        try:
            return [_read_file(file, schema, day) for file in self.files(name, day)]
        except (OSError, ArrowException, pl.exceptions.PolarsError) as error:
            raise CorruptFile(
                "a data file cannot be read", where=where, got=str(error)[:200], hint="Materialise the day again"
            ) from error

    def _verified(self, name: str, day: date | None, rows: pl.DataFrame) -> pl.DataFrame:
        stamp = self.stamps(name)[day.isoformat() if day else ""]
        where = f"{name}/date={day}" if day else name
        if sha256_rows(rows) != stamp.logical_sha256:
            raise CorruptFile(
                "rows differ from the hash in their commit",
                where=where,
                got=f"{rows.height} rows, {sha256_rows(rows)[:12]}",
                expected=f"{stamp.rows} rows, {stamp.logical_sha256[:12]}",
                hint="Materialise the day again",
            )
        return rows

    def files(self, name: str, day: date | None = None) -> list[str]:
        """Return the addresses of the active data files of a table, of one day if given, sorted."""
        opened = self._open(name)
        if opened is None:
            return []
        # delta-rs writes a local path as a URL would be, and everybody else opens it as it is
        uris = opened.file_uris() if "://" in self.root else [unquote(uri) for uri in opened.file_uris()]
        return sorted(uri for uri in uris if day is None or f"/date={day}/" in uri)

    def no_rows(self, name: str) -> pl.DataFrame:
        """Return a frame with a table's columns and no rows. Raises PartitionMissing if the table does not exist."""
        opened = self._open(name)
        if opened is None:
            raise PartitionMissing("no such table", where=name, hint="Materialise it first")
        return pl.scan_delta(opened).head(0).collect()

    def tables(self) -> list[str]:
        """Return the names of the tables that exist under a local root, sorted."""
        root = Path(self.root)
        return sorted(log.parent.relative_to(root).as_posix() for log in root.glob("**/_delta_log"))

    def _uri(self, name: str) -> str:
        return f"{self.root}/{name}"

    def _open(self, name: str) -> DeltaTable | None:
        """Return the table at its newest version, or None if there is none.

        Reading a log anew costs more with every commit, so a table is opened once and then only told what was added; a
        table folder that was removed or replaced is opened anew.
        """
        identity = self._identity(name)
        known = self._opened.get(name)
        if known is not None and known[0] == identity:
            known[1].update_incremental()
            return known[1]
        self._stamps.pop(name, None)
        try:
            opened = DeltaTable(self._uri(name))
        except TableNotFoundError:
            self._opened.pop(name, None)
            return None
        self._opened[name] = (identity, opened)
        return opened

    def _identity(self, name: str) -> int:
        """Return what tells one table folder from another at the same address; 0 where the store has no such thing."""
        log = Path(self._uri(name)) / "_delta_log"
        return log.stat().st_ino if log.is_dir() else 0


def _read_file(uri: str, schema: pl.Schema, day: date | None) -> pl.DataFrame:
    # Arrow answers damaged bytes with an error, where polars' own reader aborts the thread; full validation keeps
    # invalid text and offsets from reaching polars.
    filesystem, path = FileSystem.from_uri(uri if "://" in uri else Path(uri).resolve().as_uri())
    stored = ParquetFile(path, filesystem=filesystem).read()
    stored.validate(full=True)
    rows = pl.DataFrame(pl.from_arrow(stored))
    if day is not None:
        rows = rows.with_columns(date=pl.lit(day, dtype=pl.Date))
    return rows.select(pl.col(name).cast(dtype) for name, dtype in schema.items())


@contextmanager
def _commit_errors(where: str) -> Iterator[None]:
    """Map what Delta says of a refused commit to our own tree."""
    try:
        with storage_errors(where):
            yield
    except CommitFailedError as error:
        raise CommitConflict(
            "another writer replaced the same day", where=where, got=str(error)[:160], hint="Run it again"
        ) from error
    except DeltaError as error:
        raise LakeFault("the store refused the commit", where=where, got=str(error)[:160]) from error
