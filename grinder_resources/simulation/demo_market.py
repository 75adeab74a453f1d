"""The embedded demo market: days of believable trades, quotes and books, written as files that any user could drop.

It lets a fresh checkout run the whole line without market data, and gives tests a market whose hidden state is known.
The same seed writes the same bytes (for the same numpy, polars and zlib); another symbol or a longer run changes no
file. It is a demo: nothing measured on it says anything about a real market.

A Markov chain of LOW, MID and HIGH toxicity drives volatility, spread, depth, event rate and informed flow. Informed
orders precede the drift they know of. Levels (round numbers, prior-day and session extremes) break or bounce with odds
set by regime, recent flow and the wall in the book. Direction is close to a coin toss.
"""

import zlib
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from grinder_resources.errors import OutOfRange
from grinder_resources.progress import track
from grinder_resources.simulation import tardis_files
from grinder_resources.simulation.demo_config import DEMO_INSTRUMENTS, DemoConfig, demo_instrument

if TYPE_CHECKING:
    from grinder_resources.simulation.demo_day import DemoDay

TRUTH_FOLDER = ".truth"
"""Folder under the landing folder with the hidden state; readers skip names that start with a dot."""
FIRST_DAY = date(2025, 1, 6)
SYMBOLS = tuple(instrument.symbol for instrument in DEMO_INSTRUMENTS)


def write_demo_landing(
    landing: Path,
    days: int = 6,
    symbols: Sequence[str] = SYMBOLS,
    seed: int = 7,
    first_day: date = FIRST_DAY,
    *,
    config: DemoConfig | None = None,
) -> list[Path]:
    """Write the demo market's files into `landing` and return their paths, in the order written.

    Per symbol and day: `demo_trades_*`, `demo_quotes_*` and `demo_book_snapshot_25_*`. The hidden state goes to
    `.truth/demo_regime_*.parquet`, which is not in the returned list. Raises OutOfRange for fewer than one day and
    UnknownName for a symbol that is not listed.
    """
    truth_folder = landing / TRUTH_FOLDER
    truth_folder.mkdir(parents=True, exist_ok=True)
    settings = config or DemoConfig()
    made = ((symbol, day) for symbol in symbols for day in demo_days(symbol, days, seed, first_day, settings))
    written: list[Path] = []
    for symbol, market_day in track(made, "demo market", total=days * len(symbols)):
        for kind in ("trades", "quotes", "book_snapshot_25"):
            path = landing / tardis_files.file_name(kind, market_day.day, symbol)
            written.append(tardis_files.write_csv_gz(getattr(market_day, kind), path))
        market_day.truth.write_parquet(truth_folder / f"demo_regime_{market_day.day:%Y-%m-%d}_{symbol}.parquet")
    return written


def demo_days(symbol: str, days: int, seed: int, first_day: date, config: DemoConfig) -> Iterator["DemoDay"]:
    """Yield consecutive days of one symbol; each continues from the price and the extremes of the day before."""
    from grinder_resources.simulation.demo_day import first_memory, make_day

    if days < 1:
        raise OutOfRange("the demo market needs at least one day", got=str(days), expected=">= 1")
    instrument = demo_instrument(symbol)
    memory = first_memory(instrument)
    for number in range(days):
        rng = np.random.default_rng([seed, zlib.crc32(symbol.encode()), number])
        yield make_day(first_day + timedelta(days=number), instrument, config, memory, rng)
