"""What one more day costs with little and with much history: goal, the same within 10 %.

A demo market of one symbol is published through the real assets, Bronze to Gold, until the lake and the landing folder
hold 1, 10 and 100 days. Of each, the next day is published in copies of the folders, several times in turn, so that a
busy machine disturbs all alike. Everything a run reads counts: landing files, Delta logs, bars that levels look at.

Levels look back on seven days of bars, so what is built from them may differ between fewer days of history and more.
Every other table, and from seven days on every table, must have equal logical hashes before a number is printed.
`--quick` stops at 20 days.
"""

import argparse
import shutil
import statistics
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import dagster as dg

from benchmarks.stacks import Shares, sampled
from benchmarks.table import print_table
from grinder_resources.lake import Lake
from grinder_resources.simulation.demo_config import DemoConfig
from grinder_resources.simulation.demo_market import write_demo_landing

NEW_DAY = date(2025, 6, 2)
HOURS = 1.0
LOOK_BACK_DAYS = 7
LOOKING_BACK = ("silver/level_events", "silver/features/", "gold/training/signals_production")
GOAL = 0.10


@dataclass(frozen=True)
class House:
    """The folders of one lake and what feeds it."""

    root: Path

    @property
    def landing(self) -> Path:
        """The landing folder."""
        return self.root / "landing"

    @property
    def lake(self) -> Lake:
        """The lake, freshly opened, as every run does."""
        return Lake(str(self.root / "lake"))

    def resources(self) -> dict[str, object]:
        """Return the resources that point the assets here."""
        from grinder_resources.dagster import LakeResource, LandingResource, WarehouseResource

        return {
            "lake": LakeResource(root=str(self.root / "lake")),
            "landing": LandingResource(
                folder=str(self.landing), staging=str(self.root / "staging"), pins=str(self.root / "instruments.yaml")
            ),
            "warehouse": WarehouseResource(file=str(self.root / "grinder.duckdb"), pages=str(self.root / "reports")),
        }

    def hashes_of(self, day: date) -> dict[str, str]:
        """Return the logical hash of a day in every table."""
        lake = self.lake
        stamps = {name: lake.stamp(name, day) for name in lake.tables()}
        return {name: stamp.logical_sha256 for name, stamp in stamps.items() if stamp}


def publish(house: House, first: date, last: date) -> None:
    """Materialise every daily table of [first, last] in one ranged run, as the daily job does."""
    from grinder_assets.automation import RANGE_END, RANGE_START
    from grinder_assets.bronze.assets import BRONZE_ASSETS
    from grinder_assets.gold.assets import GOLD_ASSETS
    from grinder_assets.silver.assets import SILVER_ASSETS

    with dg.DagsterInstance.ephemeral(tempdir=str(house.root)) as instance:
        dg.materialize(
            [*BRONZE_ASSETS, *SILVER_ASSETS, *GOLD_ASSETS],
            instance=instance,
            resources=house.resources(),
            tags={RANGE_START: first.isoformat(), RANGE_END: last.isoformat()},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )


def grown(folder: Path, lengths: Sequence[int]) -> dict[int, House]:
    """Return a house for each length of history before NEW_DAY, whose files have landed too."""
    write_demo_landing(
        folder / "files",
        days=max(lengths) + 1,
        symbols=("DEMOUSDT",),
        first_day=NEW_DAY - timedelta(days=max(lengths)),
        config=DemoConfig(hours=HOURS),
    )
    growing, houses, known = House(folder / "growing"), {}, 0
    growing.landing.mkdir(parents=True)
    for length in sorted(lengths):
        first, last = NEW_DAY - timedelta(days=length), NEW_DAY - timedelta(days=known + 1)
        _land(folder / "files", growing.landing, first, last)
        publish(growing, first, last)
        houses[length] = House(folder / f"history-{length}")
        shutil.copytree(growing.root, houses[length].root)
        _land(folder / "files", houses[length].landing, NEW_DAY, NEW_DAY)
        known = length
    return houses


def _land(files: Path, landing: Path, first: date, last: date) -> None:
    for number in range((last - first).days + 1):
        for file in files.glob(f"*_{first + timedelta(days=number)}_*.csv.gz"):
            shutil.copy2(file, landing)


@contextmanager
def copied(house: House, aside: Path) -> Iterator[House]:
    """Yield a copy of a house that may be written to."""
    shutil.copytree(house.root, aside)
    try:
        yield House(aside)
    finally:
        shutil.rmtree(aside)


def measure(houses: dict[int, House], aside: Path, runs: int) -> dict[int, list[Shares]]:
    """Publish NEW_DAY in copies of the houses, in turn; raises SystemExit if the rows are not what they must be."""
    taken: dict[int, list[Shares]] = {length: [] for length in houses}
    made: dict[int, dict[str, str]] = {}
    for number in range(runs + 1):
        for length, house in houses.items():
            with copied(house, aside / f"{length}-{number}") as copy:
                with sampled() as shares:
                    publish(copy, NEW_DAY, NEW_DAY)
                made[length] = copy.hashes_of(NEW_DAY)
            # The first round pays for imports and compiled kernels; it warms up and is not counted.
            taken[length] += [shares] if number else []
    check_equal(made)
    return taken


def check_equal(made: dict[int, dict[str, str]]) -> None:
    """Compare the new day's hashes across lengths of history; stop if they differ where they may not."""
    longest = made[max(made)]
    for length, hashes in made.items():
        excused = LOOKING_BACK if length < LOOK_BACK_DAYS else ()
        different = [name for name in longest if hashes.get(name) != longest[name] and not name.startswith(excused)]
        if different or len(hashes) != len(longest):
            raise SystemExit(f"the day differs after {length} days of history: {', '.join(different)}")


def show(taken: dict[int, list[Shares]]) -> None:
    """Print medians, ratios to the shortest history, and what each part costs."""
    cpu = {length: statistics.median(sum(shares.cpu.values()) for shares in runs) for length, runs in taken.items()}
    clock = {length: statistics.median(sum(shares.clock.values()) for shares in runs) for length, runs in taken.items()}
    base = min(taken)
    pairs = {length: [f"{own[length]:.2f} {own[length] / own[base]:.2f}" for own in (cpu, clock)] for length in taken}
    rows = [[f"{length} days of history", *" ".join(pair).split()] for length, pair in pairs.items()]
    print_table(["one more day", "CPU s", "ratio", "clock s", "ratio"], rows, "tables equal where they must be")
    parts = {length: _mean_by_part(runs) for length, runs in taken.items()}
    names = sorted({name for seconds in parts.values() for name in seconds}, key=lambda name: -parts[base].get(name, 0))
    table = [[name, *(f"{1000 * seconds.get(name, 0):.0f}" for seconds in parts.values())] for name in names]
    print_table(["CPU ms by part", *(f"{length} days" for length in taken)], table)
    print(f"one more day costs {max(cpu.values()) / cpu[base] - 1:+.0%} at most (goal: within {GOAL:.0%})")


def _mean_by_part(runs: Sequence[Shares]) -> dict[str, float]:
    names = {name for shares in runs for name in shares.cpu}
    return {name: statistics.mean(shares.cpu.get(name, 0.0) for shares in runs) for name in names}


def main() -> None:
    """Grow, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="at most 20 days of history")
    quick = parser.parse_args().quick
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    with tempfile.TemporaryDirectory() as name:
        houses = grown(Path(name), (1, 5, 20) if quick else (1, 10, 100))
        show(measure(houses, Path(name), runs=3 if quick else 5))


if __name__ == "__main__":
    main()
