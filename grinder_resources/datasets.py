"""Dataset manifests: what a Gold table is made of, day by day, with hashes; written beside the reports."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grinder_resources.contracts.gates import GATE_ROC_DATASET
from grinder_resources.contracts.gold import REGIME_DATASET, signals_table
from grinder_resources.contracts.gold_bot import REGIME_BOT_DATASET
from grinder_resources.contracts.gold_fills import FILL_DATASET
from grinder_resources.contracts.gold_grid import GRID_SPACING
from grinder_resources.contracts.gold_toxicity import TOXICITY_DATASET
from grinder_resources.contracts.table import Table
from grinder_resources.errors import PartitionMissing, UnknownName
from grinder_resources.features.manifest import feature_table, versions
from grinder_resources.hashing import sha256_facts, sha256_schema
from grinder_resources.lake import Lake


@dataclass(frozen=True)
class DatasetDay:
    """One day of a dataset: its rows, their logical hash and the hashes of what they were built from."""

    date: str
    rows: int
    logical_sha256: str
    upstream: dict[str, str]


@dataclass(frozen=True)
class DatasetManifest:
    """What identifies a dataset.

    dataset_sha256
        Over the days' dates and logical hashes in order: equal hash, equal rows.
    promoted_from
        The Silver table the rows come from.
    """

    dataset: str
    promoted_from: str
    schema_sha256: str
    columns: dict[str, str]
    rows: int
    days: tuple[DatasetDay, ...]
    dataset_sha256: str


def dataset_sha256(lake: Lake, name: str) -> str:
    """Return one hash over every committed day of a table; PartitionMissing if there is none."""
    stamps = lake.stamps(name)
    if not stamps:
        raise PartitionMissing("the table has no committed day", where=name, hint="Materialise it first")
    return sha256_facts([[day, stamps[day].logical_sha256] for day in sorted(stamps)])


def dataset_manifest(lake: Lake, table: Table, promoted_from: str) -> DatasetManifest:
    """Return the manifest of a daily table as it stands in the lake."""
    identity = dataset_sha256(lake, table.name)
    stamps = [stamp for _, stamp in sorted(lake.stamps(table.name).items())]
    return DatasetManifest(
        dataset=table.name,
        promoted_from=promoted_from,
        schema_sha256=stamps[-1].schema_sha256,
        columns={column.name: str(column.dtype) for column in table.columns},
        rows=sum(stamp.rows for stamp in stamps),
        days=tuple(DatasetDay(s.day, s.rows, s.logical_sha256, dict(s.upstream)) for s in stamps),
        dataset_sha256=identity,
    )


def write_manifest(manifest: DatasetManifest, path: Path) -> None:
    """Write a manifest as sorted, indented JSON, in one rename."""
    facts: dict[str, Any] = asdict(manifest)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".writing-{os.getpid()}")
    aside.write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    aside.replace(path)


def gold_table(lake: Lake, name: str) -> Table:
    """Return the contract of a Gold table as it stands in the lake; signals follow the promoted feature version.

    Raises PartitionMissing if nothing was committed, UnknownName if no known contract has the committed schema.
    """
    stamps = lake.stamps(name)
    if not stamps:
        raise PartitionMissing("the table has no committed day", where=name, hint="Materialise it first")
    committed = next(iter(stamps.values())).schema_sha256
    signals = (signals_table(feature_table(version)) for version in versions())
    known = (
        REGIME_DATASET,
        REGIME_BOT_DATASET,
        GATE_ROC_DATASET,
        GRID_SPACING,
        TOXICITY_DATASET,
        FILL_DATASET,
        *signals,
    )
    for table in known:
        if table.name == name and sha256_schema(table.schema) == committed:
            return table
    raise UnknownName("the table was written by other code", where=name, hint="Materialise it again")
