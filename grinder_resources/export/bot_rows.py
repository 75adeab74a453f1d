"""The Gold rows behind an artifact as the bot's data set: the days its chain names, with the labels it was taught."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import CHAIN_FILE, CONFIG_FILE
from grinder_resources.contracts.calibration import NEUTRAL_X1000
from grinder_resources.errors import NotExportable
from grinder_resources.export.bot_graph import regime_head
from grinder_resources.export.verify import VerifiedArtifact
from grinder_resources.lake import Lake


@dataclass(frozen=True, eq=False)
class BotRows:
    """Rows of a model in the order of the lake.

    inputs
        float32 [rows, 15] in FEATURE_ORDER.
    regimes
        int32 [rows]: 0 LOW, 1 MID, 2 HIGH, by the cut points of the model's training rows.
    spacing
        float32 [rows]: the model's multiplier of that regime; 1.0 where it has none.
    first_ns, last_ns
        From the first row to the end of the last label, ns since 1970-01-01 UTC.
    """

    table: str
    days: int
    inputs: NDArray[np.float32]
    regimes: NDArray[np.int32]
    spacing: NDArray[np.float32]
    first_ns: int
    last_ns: int


def rows_behind(artifact: VerifiedArtifact, lake: Lake) -> BotRows:
    """Return the rows of every day that the artifact's chain names in its Gold table, and of no day that came later.

    Raises NotExportable where a day is not in the lake as it was, PartitionMissing where nothing is, UnknownName where
    other code wrote the table.
    """
    import polars as pl

    from grinder_resources.datasets import gold_table
    from grinder_resources.learning.matrix import design_matrix
    from grinder_resources.learning.selection import FeatureSet
    from grinder_resources.learning.targets import coded_target

    manifest = artifact.manifest
    config = json.loads(artifact.files[CONFIG_FILE])
    table = gold_table(lake, config["dataset"])
    chained: Mapping[str, str] = json.loads(artifact.files[CHAIN_FILE])["tables"][table.name]
    _require_days(lake, table.name, chained, manifest.folder)
    days = [date.fromisoformat(day) for day in sorted(chained)]
    frame = pl.concat([lake.read(table, day, day) for day in days])
    head = regime_head(manifest).name
    label = next(facts["label"] for facts in config["heads"] if facts["name"] == head)
    regimes = coded_target(frame[label].cast(pl.Float64).to_numpy(), tuple(config["cuts"][head])).astype(np.int32)
    multipliers = manifest.spacing.multipliers_x1000 if manifest.spacing else (NEUTRAL_X1000,) * 3
    return BotRows(
        table=table.name,
        days=len(days),
        inputs=design_matrix(frame, FeatureSet(manifest.input_features, ()), {}).values,
        regimes=regimes,
        spacing=(np.array(multipliers)[regimes] / NEUTRAL_X1000).astype(np.float32),
        first_ns=int(frame["ts_ns"].to_numpy().min()),
        last_ns=int(frame["label_end_ns"].to_numpy().max()),
    )


def _require_days(lake: Lake, table: str, chained: Mapping[str, str], folder: str) -> None:
    stamps = lake.stamps(table)
    for day, sha256 in chained.items():
        stamp = stamps.get(day)
        if stamp is None or stamp.logical_sha256 != sha256:
            raise NotExportable(
                "the lake does not hold the rows the model was trained on",
                where=f"{folder}, {table}/date={day}",
                got=stamp.logical_sha256[:16] if stamp else "no such day",
                expected=sha256[:16],
                hint="Train the model again, or name the lake it was trained on with --data.",
            )
