"""A data set of the bot's Feature Store, spec v1: `<datasets>/<dataset_id>/{manifest.json, data.parquet}`.

The Parquet file holds the 15 inputs as float32, `regime` as int32 and `spacing_multiplier` as float32, without
statistics: the same rows give the same bytes under one version of Arrow, and the id is made from them.
"""

import io
from datetime import UTC, datetime
from pathlib import Path

from grinder_resources.contracts.artifacts import MANIFEST_FILE
from grinder_resources.contracts.bot import FEATURE_ORDER, FEATURE_ORDER_HASH
from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.errors import LimitExceeded
from grinder_resources.export.bot_rows import BotRows
from grinder_resources.export.durable import write_folder
from grinder_resources.export.folder import opened_folder, read_verified
from grinder_resources.export.strict_json import json_bytes
from grinder_resources.hashing import sha256_bytes

DATA_FILE = "data.parquet"
LABELS = ("regime", "spacing_multiplier")
ROWS = (10, 10_000_000)
MAX_BYTES = 100 << 20

_MAX_NAME = 48


def parquet_bytes(rows: BotRows) -> bytes:
    """Return `data.parquet`. Raises LimitExceeded for fewer or more rows or bytes than the bot's tools take."""
    import pyarrow as pa
    from pyarrow import parquet

    least, most = ROWS
    if not least <= len(rows.inputs) <= most:
        raise LimitExceeded("a data set of the bot has 10 to 10,000,000 rows", got=f"{len(rows.inputs)} rows")
    columns = {name: rows.inputs[:, place] for place, name in enumerate(FEATURE_ORDER)}
    table = pa.table(columns | dict(zip(LABELS, (rows.regimes, rows.spacing), strict=True)))
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="snappy", write_statistics=False)
    data = buffer.getvalue()
    if len(data) > MAX_BYTES:
        raise LimitExceeded("a file of the bot's data set has at most 100 MiB", got=f"{len(data)} bytes")
    return data


def dataset_id_of(model_name: str, data: bytes) -> str:
    """Return the name of a data set: its model's, and the first 12 hex characters of its rows' sha256."""
    return f"{model_name[:_MAX_NAME]}_{sha256_bytes(data)[:12]}"


def write_dataset(
    folder: Path, rows: BotRows, data: bytes, *, created_at: str, git_sha: str | None, description: str
) -> None:
    """Write a data set's folder, called as the data set, in one rename; one that is there already is left as it is.

    data
        `parquet_bytes(rows)`.

    Raises ArtifactRejected where a folder of that name holds other rows, OSError where the disk refuses.
    """
    digest = sha256_bytes(data)

    def verify(directory: Path) -> None:
        with opened_folder(directory) as opened:
            read_verified(opened, DATA_FILE, digest, limit=MAX_BYTES)

    if folder.exists():
        verify(folder)
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    manifest = {
        "schema_version": "v1",
        "dataset_id": folder.name,
        "created_at_utc": created_at,
        "source": "backtest",
        "source_description": description,
        "time_range": {"start_utc": _utc(rows.first_ns), "end_utc": _utc(rows.last_ns)},
        "feature_order": list(FEATURE_ORDER),
        "feature_order_hash": FEATURE_ORDER_HASH,
        "label_columns": list(LABELS),
        "row_count": len(rows.inputs),
        "sha256": {DATA_FILE: digest},
        **({"git_sha": git_sha} if git_sha else {}),
    }
    write_folder(folder, {DATA_FILE: data, MANIFEST_FILE: json_bytes(manifest)}, verify)


def _utc(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // NS_PER_SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
