"""Promotion to Gold: the version named in the run's config becomes production training data."""

import json
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from grinder_assets.gold.assets import signals_production
from grinder_resources.contracts.gold import SIGNALS
from grinder_resources.dagster import LakeResource, WarehouseResource
from grinder_resources.datasets import gold_table
from grinder_resources.features.manifest import feature_table, versions
from grinder_resources.lake import Lake

DAY = date(2025, 1, 6)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    store = Lake(str(tmp_path / "lake"))
    for version in versions():
        table = feature_table(version)
        store.commit(table, table.empty(), day=DAY, code_version="1")
    return store


def promote(tmp_path: Path, config: dict[str, str]) -> bool:
    result = dg.materialize(
        [signals_production],
        instance=dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)),
        partition_key=DAY.isoformat(),
        resources={
            "lake": LakeResource(root=str(tmp_path / "lake")),
            "warehouse": WarehouseResource(pages=str(tmp_path / "reports")),
        },
        run_config={"ops": {"gold__training__signals_production": {"config": config}}} if config else None,
        raise_on_error=False,
    )
    return result.success


@pytest.mark.parametrize("version", ["v1.0_mechanics_only", "v2.0_full_ensemble"])
def test_the_named_version_is_promoted(lake: Lake, tmp_path: Path, version: str) -> None:
    """Gold has the columns of the named version, and the manifest names it with the day's hashes."""
    assert promote(tmp_path, {"silver_version": version})
    assert gold_table(lake, SIGNALS).schema == feature_table(version).schema
    manifest = json.loads((tmp_path / "reports" / "signals_production.manifest.json").read_text())
    assert manifest["promoted_from"] == f"silver/features/{version}"
    assert list(manifest["days"][0]["upstream"]) == [f"silver/features/{version}/2025-01-06"]


def test_the_full_ensemble_is_the_default(lake: Lake, tmp_path: Path) -> None:
    """Without a config v2.0 is promoted."""
    assert promote(tmp_path, {})
    assert gold_table(lake, SIGNALS).schema == feature_table("v2.0_full_ensemble").schema


def test_an_unknown_version_is_refused(lake: Lake, tmp_path: Path) -> None:
    """A version that is not declared promotes nothing."""
    assert not promote(tmp_path, {"silver_version": "v9.9_wishful"})
    assert lake.days(SIGNALS) == []
