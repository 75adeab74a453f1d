"""Drift over 200 inputs x 1,000,000 logged rows: goal, a report in under a second from stored sketches.

A training set of thirty days and a day of rows lie in a lake as `monitoring/references` and as hourly
`monitoring/sketches`, made by the functions that make them in production; the last twenty inputs have moved. The report
reads both tables, hashes verified, adds the hours up, and judges every input against what is usual for a day. Beside it
stands what the same question costs by a rescan of the rows: scipy's `ks_2samp` a column. Making the sketches is
measured as well; it is done once, when the rows arrive.

Before a time is printed: scipy's distance of the rows lies between the two bounds of every input, and what has moved is
critical, and nothing else is. `--quick` takes 20,000 rows.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from time import perf_counter

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from benchmarks.table import print_table
from grinder_resources.contracts.monitoring import references_table, sketches_table
from grinder_resources.contracts.operations import MonitoringSettings
from grinder_resources.lake import Lake
from grinder_resources.learning.specs import REGIME
from grinder_resources.monitoring.distances import ks_bounds, stacked
from grinder_resources.monitoring.drift import DriftReport
from grinder_resources.monitoring.references import reference_of
from grinder_resources.monitoring.report import report_on
from grinder_resources.monitoring.sketch import sketches_by

INPUTS, MOVED, DAYS, HOURS = 200, 20, 30, 24
DAY, MODEL = date(2025, 6, 2), "0123456789abcdef"
GOAL_S = 1.0
REPORT, SKETCH, RESCAN = "report from stored sketches", "making the sketches, once", "rescan: scipy ks_2samp"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """One input: the rows of training, the rows of the day, and a hundredth of the latter without a value."""

    name: str
    then: Floats
    now: Floats


def column(number: int, rows: int) -> Column:
    """Return an input of whole numbers or of real ones in turn; the last ones have moved by 0.6 deviations."""
    rng = np.random.default_rng(number)
    shift = 0.6 if number >= INPUTS - MOVED else 0.0
    then, now = rng.normal(0.0, 1.0, rows), rng.normal(shift, 1.0, rows)
    if number % 2:
        then, now = np.rint(then * 1000), np.rint(now * 1000)
    for values in (then, now):
        values[rng.random(rows) < 0.01] = np.nan
    return Column(f"input_{number:03}", then, now)


@contextmanager
def clocked(spent: dict[str, list[float]], what: str) -> Iterator[None]:
    """Add the seconds of the block to what is spent."""
    begun = perf_counter()
    yield
    spent.setdefault(what, []).append(perf_counter() - begun)


def sketched(
    one: Column, days: pl.Series, hours: NDArray[np.int64]
) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Return the rows of both tables for one input."""
    named = {"model_hash": MODEL, "feature": one.name}
    reference = reference_of(one.then, days)
    by_hour = sketches_by(hours, one.now, reference["cuts"])
    return {**named, **reference}, [
        {**named, "date": DAY, "hour": hour, "counts": list(now.counts), "missing": now.missing}
        for hour, now in by_hour.items()
    ]


def stored(lake: Lake, references: list[dict[str, object]], hours: list[dict[str, object]]) -> None:
    """Commit both tables."""
    for table, records, day in (
        (references_table(REGIME.name), references, None),
        (sketches_table(REGIME.name), hours, DAY),
    ):
        lake.commit(table, pl.DataFrame(records, schema=table.schema), day=day, code_version="1")


def rescanned(one: Column) -> float:
    """Return scipy's distance over the rows, those without a value below all others."""
    now, then = (np.where(np.isnan(values), -np.inf, values) for values in (one.now, one.then))
    return float(ks_2samp(now, then, method="asymp").statistic)


def check(report: DriftReport, distances: dict[str, float]) -> float:
    """Return by how much the bounds are apart at most; stop if a distance lies outside, or the findings are wrong."""
    names = sorted(report.pairs)
    pairs = [report.pairs[name] for name in names]
    least, most = ks_bounds(stacked([pair.now for pair in pairs]), stacked([pair.then for pair in pairs]))
    for name, low, high in zip(names, least, most, strict=True):
        if not low - 1e-12 <= distances[name] <= high + 1e-12:
            raise SystemExit(f"{name}: scipy says {distances[name]}, the bounds are {low} and {high}")
    found = {finding.measured.name for finding in report.of_state("critical")}
    if found != set(names[-MOVED:]) or len(report.findings) != INPUTS:
        raise SystemExit(f"critical are {sorted(found)}")
    return float((most - least).max())


def fill(lake: Lake, rows: int, spent: dict[str, list[float]]) -> dict[str, float]:
    """Sketch every input into the lake, and return scipy's distance of each.

    A column at a time: all rows of all inputs would not fit into memory beside each other.
    """
    days, hours = pl.Series(np.arange(rows) * DAYS // rows), np.arange(rows) * HOURS // rows
    references, by_hour, distances = [], [], {}
    for number in range(INPUTS):
        one = column(number, rows)
        with clocked(spent, SKETCH):
            reference, counted = sketched(one, days, hours)
        with clocked(spent, RESCAN):
            distances[one.name] = rescanned(one)
        references.append(reference)
        by_hour += counted
    stored(lake, references, by_hour)
    return distances


def show(spent: dict[str, list[float]], rows: int, apart: float) -> None:
    """Print what each way costs."""
    best, rescan = min(spent[REPORT]), sum(spent[RESCAN])
    taken = {
        REPORT: best,
        "  the first of five": spent[REPORT][0],
        SKETCH: sum(spent[SKETCH]),
        RESCAN: rescan,
    }
    print_table(
        ["what", "s", "M values/s"],
        [[what, f"{seconds:.3f}", f"{rows * INPUTS / seconds / 1e6:,.0f}"] for what, seconds in taken.items()],
        f"{INPUTS} inputs x {rows:,} rows, {MOVED} moved and found; scipy's distances within bounds {apart:.4f} apart",
    )
    print(f"a report takes {best:.2f} s (goal: under {GOAL_S:.0f} s), {rescan / best:,.0f} times less than a rescan")


def main() -> None:
    """Make rows, sketch, rescan, report, check, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20,000 rows: a smoke test")
    rows = 20_000 if parser.parse_args().quick else 1_000_000
    spent: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        distances = fill(Lake(folder), rows, spent)
        for _ in range(5):
            with clocked(spent, REPORT):
                report = report_on(REGIME, Lake(folder), MonitoringSettings(), version="v1.0.0", model_hash=MODEL)
    show(spent, rows, check(report, distances))


if __name__ == "__main__":
    main()
