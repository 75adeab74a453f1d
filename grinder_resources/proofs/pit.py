"""Proof that rows know nothing of their future: change what came later in Bronze, build the row again, compare.

For every drawn row all later quotes, prints and books of its day are deleted in one variant and scrambled in the other
(`pit_futures`). The day is built again from that Bronze; the row must be there, with the same sha256 (`pit_tables`).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from operator import attrgetter

import numpy as np
import polars as pl

from grinder_resources.errors import NoData, OutOfRange, ProofFailed
from grinder_resources.hashing import sha256_rows
from grinder_resources.lake import Lake
from grinder_resources.progress import track
from grinder_resources.proofs.pit_futures import FUTURES, in_flight, without_in_flight
from grinder_resources.proofs.pit_tables import Decisions, decision_tables
from grinder_resources.proofs.rebuild import Difference, MarketDay, first_difference
from grinder_resources.proofs.table import text_table
from grinder_resources.proofs.workers import in_fresh_process

WORKERS = 2
"""Days that are proved at the same time, each in a process of its own."""

WAITING = "in flight"


@dataclass(frozen=True)
class Sample:
    """A drawn row; `number` is its place in the draw, `row` a frame of that row alone."""

    number: int
    table: str
    row: pl.DataFrame

    @property
    def day(self) -> date:
        """UTC day of the row."""
        return self.row["date"][0]  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Finding:
    """What became of one row in one variant; `number` is the sample's.

    changed
        Records that were deleted or scrambled; those in flight at the decision, for the variant of that name.
    wait_ns
        From the decision to the arrival of the last record in flight.
    difference
        The first cell in which the row differs; None if its hash is the same.
    """

    number: int
    table: str
    variant: str
    changed: int
    difference: Difference | None
    wait_ns: int = 0


def draw_samples(
    lake: Lake, version: str, count: int, seed: int, days: tuple[date | None, date | None] = (None, None)
) -> list[Sample]:
    """Return `count` rows, evenly from the tables of `decision_tables`; all rows of a table that has fewer.

    Optional tables that were never committed are left out.

    Raises OutOfRange for fewer samples than tables, NoData for a table without rows.
    """
    every = decision_tables(version)
    tables = {name: table for name, table in every.items() if not table.optional or lake.stamps(name)}
    if count < len(tables):
        raise OutOfRange("every table needs a row", where="--samples", got=str(count), expected=f">= {len(tables)}")
    rng, samples = np.random.default_rng(seed), list[Sample]()
    for place, (name, decisions) in enumerate(tables.items()):
        rows = lake.read(decisions.table, *days)
        share = min(rows.height, count // len(tables) + (place < count % len(tables)))
        if not share:
            raise NoData("no rows to draw from", where=name)
        drawn = np.sort(rng.choice(rows.height, share, replace=False)).tolist()
        samples += [Sample(len(samples) + at, name, rows[row]) for at, row in enumerate(drawn)]
    return samples


def findings(lake: Lake, version: str, samples: Sequence[Sample], seed: int) -> list[Finding]:
    """Return what became of every sample in every variant, in the order of the samples; see `of_day` for the errors."""
    by_day = defaultdict[date, list[Sample]](list)
    for sample in samples:
        by_day[sample.day].append(sample)
    with ThreadPoolExecutor(WORKERS) as several:
        coming = [
            several.submit(in_fresh_process, None, of_day, lake.root, version, mine, seed) for mine in by_day.values()
        ]
        found = [finding for day in track(coming, "days") for finding in day.result()]
    return sorted(found, key=attrgetter("number"))


def of_day(root: str, version: str, samples: Sequence[Sample], seed: int) -> list[Finding]:
    """Return what became of one day's samples. Raises what reading the day from the lake under `root` raises."""
    day, tables = MarketDay.read(Lake(root), samples[0].day), decision_tables(version)
    return [finding for sample in samples for finding in _of_sample(day, tables[sample.table], sample, seed)]


def _of_sample(day: MarketDay, decisions: Decisions, sample: Sample, seed: int) -> Iterator[Finding]:
    time_ns = sample.row[decisions.decided][0]
    later = sum(rows.select((pl.col("ts_ns") > time_ns).sum()).item() for rows in day.streams)
    for place, (variant, future) in enumerate(FUTURES.items()):
        other = future(day, time_ns, np.random.default_rng([seed, sample.number, place]))
        yield Finding(sample.number, sample.table, variant, later, _difference(other, decisions, sample))
    waits = in_flight(day.of(sample.row.select("venue", "symbol").row(0)), time_ns)
    if waits:
        known = without_in_flight(day, time_ns)
        yield Finding(
            sample.number, sample.table, WAITING, len(waits), _difference(known, decisions, sample), max(waits)
        )


def _difference(day: MarketDay, decisions: Decisions, sample: Sample) -> Difference | None:
    """Return where the row built from `day` differs from the stored one; None if their hashes are equal."""
    rebuilt = decisions.rebuild(day, sample.row.row(0, named=True))
    stored, again = decisions.compared(sample.row), decisions.compared(rebuilt)
    return None if sha256_rows(stored) == sha256_rows(again) else first_difference(stored, again, decisions.table.key)


def report(found: Sequence[Finding]) -> str:
    """Return one line a table and variant, and what is to be said of records in flight."""
    rows = []
    for table, variant in dict.fromkeys((one.table, one.variant) for one in found if one.variant != WAITING):
        these = [one for one in found if (one.table, one.variant) == (table, variant)]
        equal = sum(one.difference is None for one in these)
        rows.append((table, variant, len(these), equal, sum(one.changed for one in these)))
    return text_table(("table", "future", "rows", "equal", "records changed"), rows) + _on_waiting(found)


def _on_waiting(found: Sequence[Finding]) -> str:
    waiting = [one for one in found if one.variant == WAITING]
    if not waiting:
        return ""
    longest = max(one.wait_ns for one in waiting) / 1_000_000
    needed = sum(one.difference is not None for one in waiting)
    return (
        f"{len(waiting)} rows had records in flight at their time, the last arrived {longest:.1f} ms later; "
        f"a decision waits for them: without them {needed} of these rows would differ\n"
    )


def assert_same(found: Sequence[Finding]) -> None:
    """Raise ProofFailed with the first row that another future changed."""
    for one in found:
        if one.difference is not None and one.variant != WAITING:
            row = f"{one.table} {' '.join(map(str, one.difference.key))}"
            raise ProofFailed(
                f"a row changes when its future is {one.variant}",
                where=f"{row}, column {one.difference.column}" if one.difference.column else row,
                got=one.difference.got,
                expected=one.difference.expected,
            )
