"""A model's spacing comes from the sweep over grids where the lake holds one, and the chain says so."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl

from grinder_resources.contracts.gold import REGIME_DATASET
from grinder_resources.contracts.gold_grid import GRID_SWEEP
from grinder_resources.export.build import BuiltArtifact, build_artifact
from grinder_resources.export.verify import read_artifact
from grinder_resources.lake import Lake
from grinder_resources.learning.model_spec import BoosterParams
from grinder_resources.learning.specs import REGIME
from tests.learning.test_regime import dataset

SPEC = replace(REGIME, params=BoosterParams(max_depth=2, rounds=3, early_stopping=3))
FIRST_DAY = date(2025, 3, 3)


def sweep(rows: pl.DataFrame) -> pl.DataFrame:
    """Return grids at every minute of the first day: 5 bps earn in calm minutes, 20 in others, 50 never."""
    first = rows.filter(pl.col("date") == FIRST_DAY).select("date", "venue", "symbol", "ts_ns", "range_60s_x1000")
    calm = pl.col("range_60s_x1000") < 1_000
    grids = [
        first.with_columns(
            grid=pl.lit(f"s{bps}_l4_u1"), spacing_x1000=bps * 1_000, pnl_x1000=pl.when(earns).then(9).otherwise(0)
        )
        for bps, earns in ((5, calm), (20, ~calm), (50, pl.lit(value=False)))
    ]
    whole = pl.concat(grids).with_columns(window_end_ns=pl.col("ts_ns") + 1)
    filled = [pl.col(name) if name in whole.columns else pl.lit(1).alias(name) for name in GRID_SWEEP.schema]
    return whole.select(filled).cast(GRID_SWEEP.schema)


def built(lake: Lake, models: Path) -> tuple[BuiltArtifact, tuple[int, ...], set[str]]:
    """Return an artifact, its spacing multipliers, and the tables of its chain."""
    made = build_artifact(SPEC, REGIME_DATASET, lake, models, "code")
    artifact = read_artifact(made.folder)
    spacing = artifact.calibration.spacing
    return made, spacing.multipliers_x1000 if spacing else (), set(json.loads(artifact.files["chain.json"])["tables"])


def test_a_sweep_makes_another_spacing_and_joins_the_chain(tmp_path: Path) -> None:
    """Without one the range decides, as ever; with one what grids earned does; with the same one nothing is trained."""
    lake, rows = Lake(str(tmp_path / "lake")), dataset(per_day=120)
    for (day,), part in rows.group_by("date", maintain_order=True):
        lake.commit(REGIME_DATASET, part, day=day, code_version="1")
    _, by_range, tables = built(lake, tmp_path / "models")
    lake.commit(GRID_SWEEP, sweep(rows), day=FIRST_DAY, code_version="1")
    again, by_sweep, swept_tables = built(lake, tmp_path / "models")
    assert by_range[0] < 1_000 < by_range[2]
    assert by_sweep == (500, 1_000, 1_000)
    assert (tables, swept_tables) == ({REGIME_DATASET.name}, {REGIME_DATASET.name, GRID_SWEEP.name})
    assert again.rebuilt
    assert not built(lake, tmp_path / "models")[0].rebuilt
