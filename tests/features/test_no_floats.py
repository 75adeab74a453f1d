"""Silver accumulates no floating point: held against the source of everything that makes it."""

import ast
from pathlib import Path

import pytest

import grinder_resources
from grinder_resources.contracts.events import LEVEL_EVENTS
from grinder_resources.contracts.silver import SILVER_MARKET
from grinder_resources.contracts.table import Table
from grinder_resources.features.manifest import feature_table, versions

SOURCES = sorted(
    path for area in ("market", "features") for path in Path(grinder_resources.__file__).parent.glob(f"{area}/**/*.py")
)
FLOATING = {"Float32", "Float64", "float32", "float64", "rolling_mean", "rolling_std", "rolling_var", "ewm_mean"} | {
    "mean", "std", "var", "median", "average", "corr", "cov", "ewm_std", "rolling_median", "rolling_mean_by"
}  # fmt: skip
"""Attributes that name a float type or an aggregate in floats."""


def floating(source: str) -> set[str]:
    return {
        node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute) and node.attr in FLOATING
    }


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_module_aggregates_in_floats(path: Path) -> None:
    """Where float64 appears at all, it guesses what integers then decide, one value at a time."""
    assert floating(path.read_text()) == set()


def test_an_aggregate_in_floats_would_be_found() -> None:
    """The law above can fail."""
    assert floating("x.select(pl.col('a').rolling_mean(5).cast(pl.Float64))") == {"rolling_mean", "Float64"}


@pytest.mark.parametrize(
    "table", [*SILVER_MARKET, LEVEL_EVENTS, *map(feature_table, versions())], ids=lambda table: table.name
)
def test_no_silver_column_is_a_float(table: Table) -> None:
    """What is hashed and compared is whole."""
    assert [name for name, dtype in table.schema.items() if dtype.is_float()] == []
