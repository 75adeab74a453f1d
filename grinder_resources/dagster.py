"""Dagster resources: where things lie. The only module of this library that imports dagster.

Every address has one environment variable and one default below the working directory; empty fields mean "as the
environment says". They are read when a run starts, never at import.
"""

import os
from functools import lru_cache
from pathlib import Path

import dagster as dg

from grinder_resources.lake import Lake


def _address(field: str, variable: str, default: str) -> str:
    return field or os.environ.get(variable) or default


@lru_cache(maxsize=4)
def _lake(root: str) -> Lake:
    """Return one lake a root and process: its open tables are worth keeping from asset to asset."""
    return Lake(root)


class LakeResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The Delta lake. `GRINDER_LAKE`: a folder or an object-store address; default `data/lake`."""

    root: str = ""

    def open(self) -> Lake:
        """Return the lake under the configured root."""
        return _lake(_address(self.root, "GRINDER_LAKE", "data/lake"))


class LandingResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The folder source files are dropped in (`GRINDER_LANDING`, default `data/landing`).

    staging is where parsed files are kept by content (`GRINDER_STAGING`, default `data/staging`), pins the file that
    remembers units inferred from the data (`GRINDER_INSTRUMENTS`, default `data/instruments.yaml`), symbols the only
    ones to take, separated by commas (`GRINDER_SYMBOLS`, default all).
    """

    folder: str = ""
    staging: str = ""
    pins: str = ""
    symbols: str = ""

    @property
    def folder_path(self) -> Path:
        """The landing folder."""
        return Path(_address(self.folder, "GRINDER_LANDING", "data/landing"))

    @property
    def staging_path(self) -> Path:
        """The folder of parsed parts."""
        return Path(_address(self.staging, "GRINDER_STAGING", "data/staging"))

    @property
    def pins_path(self) -> Path:
        """The file of inferred units."""
        return Path(_address(self.pins, "GRINDER_INSTRUMENTS", "data/instruments.yaml"))

    @property
    def wanted_symbols(self) -> frozenset[str] | None:
        """The symbols to take, or None for all."""
        names = _address(self.symbols, "GRINDER_SYMBOLS", "")
        return frozenset(name.strip() for name in names.split(",") if name.strip()) or None


class ModelStore(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The folder of exported artifacts. `GRINDER_MODELS`, default `models`."""

    folder: str = ""

    @property
    def path(self) -> Path:
        """The models folder."""
        return Path(_address(self.folder, "GRINDER_MODELS", "models"))


class WarehouseResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """What people open: the DuckDB file and the report pages.

    file is the database (`GRINDER_WAREHOUSE`, default `data/grinder.duckdb`), pages the folder of HTML pages and
    dataset manifests (`GRINDER_REPORTS`, default `data/reports`).
    """

    file: str = ""
    pages: str = ""

    @property
    def path(self) -> Path:
        """The DuckDB file."""
        return Path(_address(self.file, "GRINDER_WAREHOUSE", "data/grinder.duckdb"))

    @property
    def pages_path(self) -> Path:
        """The folder of HTML pages and dataset manifests."""
        return Path(_address(self.pages, "GRINDER_REPORTS", "data/reports"))
