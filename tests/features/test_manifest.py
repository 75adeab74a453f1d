"""Feature manifests: what is declared, and what is refused."""

import pytest

from grinder_resources.contracts.events import (
    CATEGORIES,
    CONTEXT_NAMES,
    HISTORY_NAMES,
    IDENTITY_NAMES,
    LABEL_NAMES,
    WATERMARK,
)
from grinder_resources.errors import BadDeclaration, UnknownName
from grinder_resources.features.manifest import feature_table, load_manifest, versions
from grinder_resources.features.moment import Settings
from grinder_resources.features.parsing import parse_manifest
from grinder_resources.features.registry import GROUPS

GOOD = """
version: v1.2_small
name: Small
description: One group.
parameters: {tape_window_s: 30}
feature_groups:
  - {name: tape_physics, description: Prints., columns: [tape_trades]}
  - {name: fuel, description: Gamma., columns: [gamma], optional: true, requires: options}
"""


def test_versions_are_listed_in_order() -> None:
    """All versions of the data line, oldest first."""
    assert versions() == ["v1.0_mechanics_only", "v2.0_full_ensemble", "v2.1_rolling"]


def test_mechanics_only_columns() -> None:
    """The columns of v1.0, by name and in order: a change of this list is a new version."""
    assert [column.name for column in load_manifest("v1.0_mechanics_only").features] == [
        "barrier_delta_liq_lots",
        "barrier_delta_liq_x1000",
        "barrier_replenishment_ratio_x1000",
        "wall_ratio_x1000",
        "barrier_state",
        "tape_imbalance_bps",
        "tape_buy_vol_lots",
        "tape_sell_vol_lots",
        "tape_trades",
        "tape_velocity_atr_x1000",
        "sweep_detected",
        "liquidity_pressure_x1000",
        "tape_pressure_x1000",
    ]


def test_rolling_adds_one_group_to_the_full_ensemble() -> None:
    """v2.0 and v2.1 differ by the group that reads snapshots, and by nothing else."""
    full, rolling = load_manifest("v2.0_full_ensemble"), load_manifest("v2.1_rolling")
    assert set(rolling.feature_groups) - set(full.feature_groups) == {
        group for group in rolling.feature_groups if group.name == "rolling"
    }
    assert set(full.feature_groups) < set(rolling.feature_groups)
    assert rolling.parameters == full.parameters
    assert (full.reads_snapshots, rolling.reads_snapshots) == (False, True)


def test_the_newest_version_holds_every_group() -> None:
    """v2.1 has all registered groups, and declares those that need options without a column."""
    manifest = load_manifest("v2.1_rolling")
    assert [group.name for group in manifest.present] == list(GROUPS)
    assert [column.name for column in manifest.features] == [
        column.name for group in GROUPS.values() for column in group.columns
    ]
    absent = [column for group in manifest.feature_groups if group.optional for column in group.columns]
    assert "gamma_exposure" in absent
    assert not set(absent) & set(manifest.table.schema)


@pytest.mark.parametrize("version", versions())
def test_table_of_a_version(version: str) -> None:
    """Identity, watermark, context, features and labels, each once; the lake path is the version's."""
    table = feature_table(version)
    names = list(table.schema)
    assert table.name == f"silver/features/{version}"
    assert len(set(names)) == len(names)
    known = [*IDENTITY_NAMES, WATERMARK.name, *CONTEXT_NAMES]
    assert names[: len(known)] == known
    assert names[-len(LABEL_NAMES) :] == list(LABEL_NAMES)
    assert set(CATEGORIES) <= set(names)
    assert "attempt_confirm_ts_ns" in HISTORY_NAMES
    assert "attempt_confirm_ts_ns" not in names


def test_groups_come_after_what_they_need() -> None:
    """One pass over the registry fills everything."""
    order = list(GROUPS)
    for group in GROUPS.values():
        assert all(order.index(need) < order.index(group.name) for need in group.needs)


def test_parameters_are_defaults_unless_set() -> None:
    """A manifest sets what it names and keeps the rest."""
    manifest = parse_manifest(GOOD, "good.yaml")
    assert manifest.parameters == Settings(tape_window_s=30)
    assert [column.name for column in manifest.features] == ["tape_trades"]


BAD = {
    "version": ("v1.2_small", "1.2_small", BadDeclaration, "vMAJOR.MINOR"),
    "leading zero": ("v1.2_small", "v01.2_small", BadDeclaration, "vMAJOR.MINOR"),
    "capital letters": ("v1.2_small", "v1.2_Small", BadDeclaration, "vMAJOR.MINOR"),
    "unknown key": ("name: Small", "name: Small\ncreated: today", BadDeclaration, "unknown keys .*got created"),
    "missing key": ("description: One group.\n", "", BadDeclaration, "keys are missing .*expected description"),
    "wrong type": ("name: Small", "name: 5", BadDeclaration, "texts are texts"),
    "unknown group": ("name: tape_physics", "name: tape_physic", UnknownName, r"feature_groups\[0\].*tape_physic;"),
    "unknown column": ("[tape_trades]", "[tape_trade]", UnknownName, "no such column in tape_physics"),
    "column twice": ("[tape_trades]", "[tape_trades, tape_trades]", BadDeclaration, "a column is declared once"),
    "column of two groups": ("columns: [gamma]", "columns: [tape_trades]", BadDeclaration, "a column is declared once"),
    "group twice": ("name: fuel", "name: tape_physics", BadDeclaration, "a group is declared once"),
    "unknown parameter": (
        "tape_window_s",
        "tape_window",
        BadDeclaration,
        "parameters.*unknown keys|unknown keys.*param",
    ),
    "parameter no number": ("tape_window_s: 30", "tape_window_s: 30.5", BadDeclaration, "positive whole numbers"),
    "parameter zero": ("tape_window_s: 30", "tape_window_s: 0", BadDeclaration, "positive whole numbers"),
    "dependency too many": (
        "columns: [tape_trades]",
        "columns: [tape_trades], dependencies: [fuel]",
        BadDeclaration,
        "dependencies of tape_physics differ",
    ),
    "dependency not declared": (
        "name: tape_physics, description: Prints., columns: [tape_trades]",
        "name: confluence, description: x, columns: [confluence_count], dependencies: [sma_context]",
        BadDeclaration,
        "needs groups that are not declared .*sma_context",
    ),
    "optional without a source": (", requires: options", "", BadDeclaration, "requires a source without reader"),
    "required with a source": (
        "columns: [tape_trades]",
        "columns: [tape_trades], requires: options",
        BadDeclaration,
        "only an optional group",
    ),
    "columns no list": ("columns: [tape_trades]", "columns: tape_trades", BadDeclaration, "a list is expected"),
    "no mapping": (GOOD, "- 1", BadDeclaration, "a mapping is expected"),
    "no YAML": (GOOD, "a: [", BadDeclaration, "not a YAML text"),
}


@pytest.mark.parametrize(("old", "new", "error", "message"), BAD.values(), ids=BAD)
def test_broken_manifests_are_refused(old: str, new: str, error: type[Exception], message: str) -> None:
    """Each broken rule is named, with the file and the place."""
    assert old in GOOD
    with pytest.raises(error, match=message) as caught:
        parse_manifest(GOOD.replace(old, new), "bad.yaml")
    assert "bad.yaml" in str(caught.value)


def test_unknown_version_is_refused() -> None:
    """The message lists what there is."""
    with pytest.raises(UnknownName, match=r"v1\.0_mechanics_only, v2\.0_full_ensemble"):
        load_manifest("v9.9_nothing")
