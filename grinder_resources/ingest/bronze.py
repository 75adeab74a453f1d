"""Bronze days from staged files: the library behind the Bronze assets.

`stage_landing` understands and parses the landing folder; the other functions put one UTC day of one table together
from what was staged. Nothing here writes to the lake. Conservation holds for every file, table and day, and is
checked whenever a day is put together: rows in = rows out + quarantined + deduplicated.
"""

from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from grinder_resources.contracts.bronze import INGEST_LOG, INSTRUMENTS, QUARANTINE
from grinder_resources.contracts.table import Table
from grinder_resources.errors import NoData
from grinder_resources.hashing import sha256_facts
from grinder_resources.ingest.instruments import Listings
from grinder_resources.ingest.landing import discover
from grinder_resources.ingest.limits import Limits
from grinder_resources.ingest.overlap import refuse_overlapping
from grinder_resources.ingest.quarantine import check_share
from grinder_resources.ingest.recognise import ORDER_STREAM
from grinder_resources.ingest.records import MARKET_TABLES
from grinder_resources.ingest.settle import settle, settle_aside
from grinder_resources.ingest.staged import Staged
from grinder_resources.ingest.staging import StagedFile, plan_feed, run_job, sweep

Progress = Callable[..., Iterable[Any]]
"""tqdm-compatible: progress(iterable, desc=..., total=...) returns an iterable of the same items."""


def _silent(items: Iterable[Any], desc: str = "", total: int | None = None) -> Iterable[Any]:
    del desc, total
    return items


def stage_landing(
    landing_dir: Path,
    stage_dir: Path,
    pin_file: Path,
    symbols: set[str] | None = None,
    *,
    limits: Limits | None = None,
    progress: Progress = _silent,
) -> Staged:
    """Parse what is new under `landing_dir` into `stage_dir` and return what there is, day by day.

    `symbols` keeps only these symbols; `pin_file` remembers inferred units. Raises LandingMissing, UnknownFile,
    AmbiguousSource, CorruptFile, LimitExceeded, BadDeclaration, OutOfRange, TooManyQuarantined, and NoData if no file
    has a row of the symbols.
    """
    limits = limits or Limits()
    # Orders come last: units are inferred from what shows an instrument's whole grid, and single orders need not.
    feeds = sorted(discover(landing_dir, symbols, limits).feeds, key=lambda feed: feed.format == ORDER_STREAM)
    listings = Listings(landing_dir, pin_file)
    sweep(stage_dir)
    jobs = [job for feed in feeds for job in plan_feed(feed, stage_dir, listings, limits)]
    for job in progress(jobs, desc="parsing landing files", total=len(jobs)):
        run_job(job, limits)
    files = tuple(job.staged for job in jobs)
    for file in files:
        _check_quarantined(file, limits)
    staged = Staged.of(files, symbols, limits)
    if staged.counts.is_empty():
        wanted = ", ".join(sorted(symbols)) if symbols else "any symbol"
        raise NoData("the landing folder has no row of the symbols asked for", where=str(landing_dir), expected=wanted)
    refuse_overlapping(staged)
    return staged


def bronze_day(staged: Staged, table: Table, day: date) -> pl.DataFrame:
    """Return one day of a Bronze table, conforming to its contract; empty if no file has rows of that day.

    Raises ConservationBroken if the rows do not add up, TooManyQuarantined if too many contradict each other.
    """
    if table.name in MARKET_TABLES:
        return settle(staged, table, day).rows
    return {QUARANTINE.name: quarantine_day, INGEST_LOG.name: ingest_log_day, INSTRUMENTS.name: instruments_day}[
        table.name
    ](staged, day)


def quarantine_day(staged: Staged, day: date) -> pl.DataFrame:
    """Return `bronze/quarantine` of one day: rows kept aside by the readers, and rows that contradict each other."""
    found = [settle_aside(staged, table, day).quarantine for table in MARKET_TABLES.values()]
    return QUARANTINE.conform(pl.concat(found))


def ingest_log_day(staged: Staged, day: date) -> pl.DataFrame:
    """Return `bronze/ingest_log` of one day: one row a file and table, in which the counts add up."""
    found = [settle_aside(staged, table, day).log for table in MARKET_TABLES.values()]
    return INGEST_LOG.conform(pl.concat(found))


def instruments_day(staged: Staged, day: date) -> pl.DataFrame:
    """Return `bronze/instruments` of one day: units and session of every instrument with rows that day."""
    present = (
        staged.counts.filter((pl.col("date") == day) & (pl.col("rows_out") > 0)).select("venue", "symbol").unique()
    )
    known = {key: listing for file in staged.files for key, listing in file.listings.items()}
    rows = [
        {name: known[key].facts[name] for name in ("venue", "symbol", "tick_size", "lot_size", "session")}
        | {"date": day}
        for key in sorted(present.iter_rows())
        if key in known
    ]
    return INSTRUMENTS.conform(pl.DataFrame(rows, schema=INSTRUMENTS.schema))


def source_fingerprint(staged: Staged, table: Table, day: date) -> str:
    """Return the sha256 of everything that decides a table's rows of one day.

    Equal fingerprints mean that rebuilding gives the same rows.
    """
    market = table.name in MARKET_TABLES
    counts = staged.counts.filter(pl.col("date") == day)
    counts = counts.filter(pl.col("table") == table.name) if market else counts
    instruments = sorted(counts.select("venue", "symbol").unique().drop_nulls().iter_rows())
    sources = []
    for index in sorted(set(counts["file"].to_list())):
        file = staged.files[index]
        sources.append([file.key, file.copy, "" if market else file.source])
    known = {key: listing.facts for file in staged.files for key, listing in file.listings.items()}
    units = [] if market else [known[key] for key in instruments if key in known]
    return sha256_facts([table.name, str(day), sources, [list(key) for key in instruments], units])


def _check_quarantined(file: StagedFile, limits: Limits) -> None:
    done = file.done()
    for table, reasons in done["reasons"].items():
        rows_in = sum(entry["rows_in"] for entry in done["counts"] if entry["table"] == table)
        check_share(file.source, table, rows_in, reasons, limits)
