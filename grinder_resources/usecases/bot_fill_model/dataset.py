"""The bot's data set of round trips: `fill_outcomes_v1/{manifest.json, data.parquet}`, read strictly and written."""

import io
from pathlib import Path

import polars as pl

from grinder_resources.contracts.artifacts import MANIFEST_FILE
from grinder_resources.contracts.bot_fills import DATASET_VERSION, DIRECTIONS, OUTCOMES, ROUNDTRIPS, ROUNDTRIPS_ID
from grinder_resources.errors import CorruptFile, SchemaMismatch
from grinder_resources.export.bot_dataset import DATA_FILE, MAX_BYTES
from grinder_resources.export.durable import write_folder, written
from grinder_resources.export.folder import opened_folder, read_plain, read_verified
from grinder_resources.export.manifest import MAX_MANIFEST_BYTES
from grinder_resources.export.strict_json import integer, json_bytes, mapping, record, reject, strict_json, text, texts
from grinder_resources.hashing import sha256_bytes

FIELDS = ("schema_version", "dataset_id", "created_at_utc", "source", "row_count", "columns", "sha256")


def write_roundtrips(folder: Path, rows: pl.DataFrame, *, created_at: str, source: str) -> None:
    """Write a data set of round trips (ROUNDTRIPS) that does not exist yet, in one rename. Raises StorageFull."""
    data = parquet_bytes(rows)
    manifest = {
        "schema_version": ROUNDTRIPS_ID,
        "dataset_id": ROUNDTRIPS_ID,
        "created_at_utc": created_at,
        "source": source,
        "row_count": rows.height,
        "columns": ROUNDTRIPS.names(),
        "sha256": {DATA_FILE: sha256_bytes(data)},
    }
    with written(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_folder(folder, {DATA_FILE: data, MANIFEST_FILE: json_bytes(manifest)}, read_roundtrips)


def parquet_bytes(rows: pl.DataFrame) -> bytes:
    """Return `data.parquet`: snappy, no statistics, rows in their order, as the bot writes it."""
    from pyarrow import parquet

    if rows.schema != ROUNDTRIPS:
        raise SchemaMismatch("these are no round trips", got=", ".join(rows.columns), expected=f"{ROUNDTRIPS.names()}")
    buffer = io.BytesIO()
    parquet.write_table(rows.to_arrow(), buffer, compression="snappy", write_statistics=False)
    return buffer.getvalue()


def read_roundtrips(folder: Path) -> pl.DataFrame:
    """Return the rows (ROUNDTRIPS) of a data set, after its manifest and the sha256 of its rows were verified.

    Raises ArtifactRejected or ManifestRejected where folder, manifest or bytes are not what they should be,
    SchemaMismatch for other columns, types, nulls, directions or outcomes, and CorruptFile for rows that no Parquet
    reader can read.
    """
    with opened_folder(folder) as opened:
        manifest = _manifest(read_plain(opened, MANIFEST_FILE, MAX_MANIFEST_BYTES))
        digest = text(mapping(manifest["sha256"], "sha256").get(DATA_FILE), f"sha256.{DATA_FILE}")
        data = read_verified(opened, DATA_FILE, digest, limit=MAX_BYTES)
    rows = _rows(data)
    if rows.height != manifest["row_count"]:
        reject("row_count is not the number of rows", MANIFEST_FILE, f"{manifest['row_count']}", f"{rows.height}")
    return rows


def _manifest(data: bytes) -> dict[str, object]:
    found = record(strict_json(data, MANIFEST_FILE, MAX_MANIFEST_BYTES), FIELDS, MANIFEST_FILE)
    if found["schema_version"] not in {ROUNDTRIPS_ID, DATASET_VERSION}:
        reject("this schema_version has no reader", MANIFEST_FILE, f"{found['schema_version']!r}", ROUNDTRIPS_ID)
    if found["dataset_id"] != ROUNDTRIPS_ID:
        reject("this is another data set", MANIFEST_FILE, f"{found['dataset_id']!r}", ROUNDTRIPS_ID)
    if texts(found["columns"], "columns") != tuple(ROUNDTRIPS.names()):
        reject("the columns are not those of round trips", MANIFEST_FILE, f"{found['columns']}", "the 21 in order")
    integer(found["row_count"], "row_count")
    return found


def _rows(data: bytes) -> pl.DataFrame:
    try:
        rows = pl.read_parquet(io.BytesIO(data))
    except pl.exceptions.PolarsError as error:
        raise CorruptFile("this is no Parquet file", where=DATA_FILE, got=str(error).splitlines()[0]) from error
    if rows.schema != ROUNDTRIPS or any(rows.null_count().row(0)):
        got = ", ".join(f"{name}: {dtype}" for name, dtype in rows.schema.items() if ROUNDTRIPS.get(name) != dtype)
        raise SchemaMismatch("columns of round trips are these 21, without nulls", where=DATA_FILE, got=got or "nulls")
    for name, known in (("direction", DIRECTIONS), ("outcome", OUTCOMES)):
        unknown = sorted(set(rows[name]) - set(known))
        if unknown:
            raise SchemaMismatch(f"no such {name}", where=DATA_FILE, got=", ".join(unknown), expected=", ".join(known))
    return rows
