"""One run of the main line on a small demo market, shared by everything that asks what it left behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from grinder_resources.cli import main
from grinder_resources.lake import Lake
from grinder_resources.simulation.demo_config import DemoConfig
from grinder_resources.simulation.demo_market import write_demo_landing

ADDRESSES = ("LAKE", "STAGING", "INSTRUMENTS", "WAREHOUSE", "REPORTS", "MODELS", "LANDING", "SYMBOLS")


@dataclass(frozen=True)
class House:
    """Where one run lies."""

    root: Path

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self.root / "data"

    @property
    def models(self) -> Path:
        """Its artifacts."""
        return self.root / "models"

    @property
    def lake(self) -> Lake:
        """Its lake."""
        return Lake(str(self.data / "lake"))

    def hashes(self) -> dict[str, str]:
        """Logical hash of every day of every daily table."""
        tables = [name for name in self.lake.tables() if not name.startswith("reports/")]
        return {
            f"{name}/{day}": stamp.logical_sha256 for name in tables for day, stamp in self.lake.stamps(name).items()
        }


def run(landing: Path, root: Path, *options: str) -> House:
    """Run the main job on a landing folder into a root of its own."""
    house = House(root)
    arguments = ["--landing", str(landing), "--data", str(house.data), "--models", str(house.models)]
    assert main(["run", *arguments, *options]) == 0
    return house


@contextmanager
def no_addresses() -> Iterator[pytest.MonkeyPatch]:
    """Take our addresses out of the environment, and forget afterwards what a command put there."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (*(f"GRINDER_{address}" for address in ADDRESSES), "DAGSTER_HOME"):
            patch.setenv(name, "")
            patch.delenv(name)
        yield patch


@pytest.fixture
def environment() -> Iterator[pytest.MonkeyPatch]:
    """Give one test an environment without our addresses."""
    with no_addresses() as patch:
        yield patch


@pytest.fixture(scope="session")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write five short days of one instrument."""
    folder = tmp_path_factory.mktemp("landing")
    write_demo_landing(folder, days=5, symbols=("DEMOUSDT",), config=DemoConfig(hours=4.0))
    return folder


@pytest.fixture(scope="session")
def house(landing: Path, tmp_path_factory: pytest.TempPathFactory) -> House:
    """Run once over those days; tests read what it left and change nothing."""
    with no_addresses():
        return run(landing, tmp_path_factory.mktemp("house"))
