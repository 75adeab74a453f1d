"""Days of a lake as members: rows in canonical Parquet, and a Delta log that commits exactly those days.

Every day is read through the lake's own door, so only verified rows are packed. They are written anew rather than
copied: which file a day lies in, and how often it was written, is history of one machine; the same rows give the same
bytes. The log of a table holds its packed days in order, a commit a day as the lake itself made it, with hash,
code version and the hashes of what the day was built from.
"""

import io
import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

import polars as pl

from grinder_resources.errors import NoData
from grinder_resources.handover.manifest import LAKE
from grinder_resources.handover.workspace import Spool
from grinder_resources.lake import CONFIGURATION, METADATA_KEY, Commit, Lake

ROWS_FILE = "rows.parquet"
LOG_FOLDER = "_delta_log"

_PROTOCOL: dict[str, object] = {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}


def add_corpus(
    spool: Spool, lake: Lake, *, tables: Sequence[str] = (), first: date | None = None, last: date | None = None
) -> None:
    """Add the days in [first, last] (None: no bound) of tables to a spool.

    tables
        Names, or starts of names up to a slash, such as `bronze`. Default: every table; where days are asked for, those
        without days, which are about all of them, are left out.

    Raises NoData for a name that no table has, or if nothing is left; CorruptFile if rows differ from their commit.
    """
    known, before = lake.tables(), len(spool.members)
    for wanted in tables:
        if not any(_is_of(name, wanted) for name in known):
            raise NoData("no such table in the lake", where=lake.root, got=wanted, expected=", ".join(known[:5]))
    whole = bool(tables) or (first is None and last is None)
    for name in known:
        if not tables or any(_is_of(name, wanted) for wanted in tables):
            _add_table(spool, lake, name, _days(lake, name, first, last, whole=whole))
    if len(spool.members) == before:
        raise NoData("nothing was committed in the range", where=lake.root, expected=f"{first or ''} .. {last or ''}")


def _is_of(name: str, wanted: str) -> bool:
    return name == wanted or name.startswith(f"{wanted.rstrip('/')}/")


def _days(lake: Lake, name: str, first: date | None, last: date | None, *, whole: bool) -> list[Commit]:
    stamps = lake.stamps(name)
    if "" in stamps:
        return [stamps[""]] if whole else []
    return [stamps[day.isoformat()] for day in lake.days(name, first, last)]


def _add_table(spool: Spool, lake: Lake, name: str, commits: Sequence[Commit]) -> None:
    for version, commit in enumerate(commits):
        day = date.fromisoformat(commit.day) if commit.day else None
        rows = lake.rows(name, day)
        what = f"{name}, {commit.day or 'all'}: {commit.rows} rows"
        place = f"date={commit.day}/{ROWS_FILE}" if day else ROWS_FILE
        data = parquet_bytes(rows.drop("date") if day else rows) if rows.height else b""
        if data:
            spool.add(f"{LAKE}/{name}/{place}", data, "rows", what)
        entries = [_commit_entry(commit), *(_first_entries(name, rows, day) if version == 0 else [])]
        entries += [_add_entry(place, commit.day, len(data))] if data else []
        log = "".join(json.dumps(entry, sort_keys=True) + "\n" for entry in entries)
        spool.add(f"{LAKE}/{name}/{LOG_FOLDER}/{version:020d}.json", log.encode("ascii"), "delta_log", what)


def parquet_bytes(rows: pl.DataFrame) -> bytes:
    """Return rows as Parquet: the same rows, in however many pieces, give the same bytes under the same pyarrow."""
    from pyarrow.parquet import write_table

    sink = io.BytesIO()
    write_table(rows.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest()), sink, compression="zstd")
    return sink.getvalue()


def _commit_entry(commit: Commit) -> dict[str, object]:
    said = json.dumps(asdict(commit), sort_keys=True)
    return {"commitInfo": {"timestamp": 0, "operation": "WRITE", "operationParameters": {}, METADATA_KEY: said}}


def _first_entries(name: str, rows: pl.DataFrame, day: date | None) -> list[dict[str, object]]:
    """Return what the first commit of a Delta table says of it: which readers it needs, its columns and partitions."""
    from deltalake import Schema

    arrow = rows.to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    table = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        "format": {"provider": "parquet", "options": {}},
        "schemaString": Schema.from_arrow(arrow).to_json(),
        "partitionColumns": ["date"] if day else [],
        "configuration": CONFIGURATION,
        "createdTime": 0,
    }
    return [_PROTOCOL, {"metaData": table}]


def _add_entry(place: str, day: str, size: int) -> dict[str, object]:
    values = {"date": day} if day else {}
    facts = {"path": place, "partitionValues": values, "size": size, "modificationTime": 0, "dataChange": True}
    return {"add": facts}
