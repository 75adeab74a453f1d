"""The report of grid parameters: made from the sweep and the model's out-of-fold answers, or read back if it stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from grinder_resources.contracts.bronze import INSTRUMENTS, QUOTES, TRADES
from grinder_resources.contracts.gold_grid import GRID_SPACING, GRID_SWEEP
from grinder_resources.contracts.grid_report import EQUITY, REPORT_TABLES, TRADED_FILLS
from grinder_resources.contracts.instruments import Instrument, instruments_of
from grinder_resources.contracts.reports import predictions_table
from grinder_resources.datasets import dataset_sha256
from grinder_resources.gold.grid_spacing import WINDOW
from grinder_resources.lake import Lake, fingerprint
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.simulation.tape import tape_of
from grinder_resources.usecases.grid_spacing.policies import policy_windows
from grinder_resources.usecases.grid_spacing.scoring import scores, surface
from grinder_resources.usecases.grid_spacing.trading import traded

INSTRUMENT = ("venue", "symbol")


@dataclass(frozen=True)
class GridReport:
    """Rows of `contracts.grid_report.REPORT_TABLES`, all empty where no window was answered out of fold.

    instruments
        Of the traded day, by (venue, symbol).
    rebuilt
        Whether the tables had to be made.
    """

    windows: pl.DataFrame
    scores: pl.DataFrame
    surface: pl.DataFrame
    equity: pl.DataFrame
    fills: pl.DataFrame
    instruments: Mapping[tuple[str, str], Instrument]
    rebuilt: bool


def grid_report(spec: ModelSpec, lake: Lake, code_version: str) -> GridReport:
    """Return the report of every committed day of the sweep.

    The tables are committed, and kept while sweep, answers and code stay what they are. Raises PartitionMissing where
    sweep or walk-forward were never made.
    """
    predictions = predictions_table(spec.name)
    answers = lake.read(predictions)
    read = (predictions, GRID_SWEEP, GRID_SPACING, QUOTES, TRADES)
    sources = {table.name: dataset_sha256(lake, table.name) for table in read}
    kept = [lake.current(table, None, fingerprint(code_version, sources)) for table in REPORT_TABLES]
    tables = [table for table in kept if table is not None]
    rebuilt = len(tables) < len(REPORT_TABLES)
    if rebuilt:
        tables = _made(spec, lake, answers)
        for table, rows in zip(REPORT_TABLES, tables, strict=True):
            lake.commit(table, rows, day=None, code_version=code_version, upstream=sources)
    windows, scored, cells, equity, fills = tables
    return GridReport(windows, scored, cells, equity, fills, _instruments(lake, windows), rebuilt)


def traded_day(windows: pl.DataFrame) -> date | None:
    """Return the newest day of `reports/grid_spacing/windows`, None where there is no window."""
    return None if windows.is_empty() else windows["date"].to_list()[windows["ts_ns"].arg_max() or 0]


def _made(spec: ModelSpec, lake: Lake, answers: pl.DataFrame) -> list[pl.DataFrame]:
    sweep = lake.read(GRID_SWEEP)
    windows = policy_windows(spec, answers, sweep)
    shown = sweep.join(windows.select(WINDOW).unique(), on=WINDOW, how="semi")
    return [windows, scores(windows), surface(shown, lake.read(GRID_SPACING)), *_traded(lake, windows, shown)]


def _traded(lake: Lake, windows: pl.DataFrame, sweep: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return equity and fills of the newest day, all instruments."""
    day = traded_day(windows)
    if day is None:
        return EQUITY.empty(), TRADED_FILLS.empty()
    of_day = (rows.filter(pl.col("date") == day) for rows in (windows, sweep))
    quotes, trades = (lake.read(table, day, day) for table in (QUOTES, TRADES))
    parts = [rows.partition_by(INSTRUMENT, as_dict=True) for rows in (*of_day, quotes, trades)]
    taken, swept, quoted, printed = parts
    made = [
        traded(taken[key], swept[key], tape_of(quoted[key], printed.get(key, trades.clear()))) for key in sorted(taken)
    ]
    equity, fills = zip(*made, strict=True)
    return EQUITY.conform(pl.concat(equity)), TRADED_FILLS.conform(pl.concat(fills))


def _instruments(lake: Lake, windows: pl.DataFrame) -> Mapping[tuple[str, str], Instrument]:
    day = traded_day(windows)
    return {} if day is None else instruments_of(lake.read(INSTRUMENTS, day, day))
