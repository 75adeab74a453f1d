"""Rows of `gold/training/toxicity`: the minutes of the regime dataset, with flow, cost and volatility on both sides."""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import polars as pl
from numpy.typing import NDArray

from grinder_resources.contracts.bronze import QUOTES, TRADES
from grinder_resources.contracts.gold_toxicity import (
    ADVERSE,
    ADVERSE_LABEL,
    HOUR_S,
    LOOKBACKS_S,
    PREDICTION_HORIZON_S,
    SCORE,
    TOXICITY_DATASET,
    VOLATILITY_LABEL,
)
from grinder_resources.contracts.instruments import NS_PER_SECOND, Instrument
from grinder_resources.gold.toxicity_flow import adverse_selection, vpin_x1000, window_sums
from grinder_resources.gold.toxicity_score import (
    amihud_x1000,
    kyle_x1000,
    ofi_strength_x1000,
    score_x1000,
    spread_excess_x1000,
)
from grinder_resources.gold.toxicity_seconds import hour_spread, lookbacks, realised_volatility
from grinder_resources.learning.regime import regime_rows
from grinder_resources.market.minutes import is_of
from grinder_resources.market.slices import Key, instrument_slices
from grinder_resources.market.windows import NULL

Ints = NDArray[np.int64]

_HORIZON_NS = PREDICTION_HORIZON_S * NS_PER_SECOND


def toxicity_rows(
    snapshots: pl.DataFrame, quotes: pl.DataFrame, trades: pl.DataFrame, instruments: Mapping[Key, Instrument]
) -> pl.DataFrame:
    """Return rows of `gold/training/toxicity` for one day.

    snapshots
        The day of `silver/snapshots`. Rows are those of `learning.regime.regime_rows`: whole minutes with a snapshot at
        every second of the minute after, and no gap on either side.
    quotes, trades
        That day of `gold.best_quotes` and `bronze/trades`; an instrument without prints has no adverse selection and no
        VPIN, and its minutes count as minutes without volume.
    instruments
        Tick and lot sizes by (venue, symbol).
    """
    kept = regime_rows(snapshots, horizon_s=PREDICTION_HORIZON_S)
    quoted, traded = instrument_slices(quotes), instrument_slices(trades)
    made = [TOXICITY_DATASET.empty()]
    for (venue, symbol), rows in kept.partition_by("venue", "symbol", as_dict=True).items():
        key = (str(venue), str(symbol))
        seconds = snapshots.filter(is_of(instruments[key])).sort("ts_ns")
        prints = traded.get(key, TRADES.empty())
        known = _with_windows(_with_volatility(rows, seconds), prints)
        costed = _with_adverse(known, prints, quoted.get(key, QUOTES.empty()))
        made.append(_with_score(costed, instruments[key]).select(TOXICITY_DATASET.schema.names()))
    return TOXICITY_DATASET.conform(pl.concat(made))


def _with_volatility(rows: pl.DataFrame, seconds: pl.DataFrame) -> pl.DataFrame:
    """Add the rolling statistics, the volatility behind and ahead, and the sums of the last hour's spread."""
    at = np.searchsorted(seconds["ts_ns"].to_numpy(), rows["ts_ns"].to_numpy())
    ahead = at + PREDICTION_HORIZON_S
    spread_sum, spread_rows = hour_spread(seconds, at)
    numbers = {
        **lookbacks(seconds, at),
        **{f"volatility_{w}s_x1000": realised_volatility(seconds, at, w) for w in LOOKBACKS_S},
        VOLATILITY_LABEL: realised_volatility(seconds, ahead, PREDICTION_HORIZON_S),
    }
    return rows.with_columns(
        *(_nullable(name, values) for name, values in numbers.items()),
        pl.Series("spread_sum", spread_sum),
        pl.Series("spread_rows", spread_rows),
    )


def _with_windows(rows: pl.DataFrame, prints: pl.DataFrame) -> pl.DataFrame:
    """Add VPIN, and volume and turnover of the minute and of the hour; 0 for an hour that is not there yet."""
    ends, ts_ns, lots = rows["ts_ns"].to_numpy(), prints["ts_ns"].to_numpy(), prints["size_lots"].to_numpy()
    turnover = prints["price_ticks"].to_numpy() * lots
    begun = len(ts_ns) > 0
    whole_hour = ends - HOUR_S * NS_PER_SECOND >= ts_ns[0] if begun else np.zeros(len(ends), dtype=np.bool_)
    hour = np.where(whole_hour, window_sums(ts_ns, lots, ends, HOUR_S), 0)
    return rows.with_columns(
        _nullable("vpin_x1000", vpin_x1000(prints, ends)),
        pl.Series("minute_lots", window_sums(ts_ns, lots, ends, 60)),
        pl.Series("minute_tick_lots", window_sums(ts_ns, turnover, ends, 60)),
        pl.Series("hour_lots", hour),
    )


def _with_adverse(rows: pl.DataFrame, prints: pl.DataFrame, quotes: pl.DataFrame) -> pl.DataFrame:
    """Add adverse selection of the minute behind and of the minute ahead; the first is the second a minute ago."""
    cost = adverse_selection(prints, quotes)
    behind = cost.select((pl.col("from_ns") + _HORIZON_NS).alias("ts_ns"), pl.col("adverse_x1000").alias(ADVERSE))
    ahead = cost.select(pl.col("from_ns").alias("ts_ns"), pl.col("adverse_x1000").alias(ADVERSE_LABEL))
    return rows.join(behind, on="ts_ns", how="left").join(ahead, on="ts_ns", how="left")


def _with_score(rows: pl.DataFrame, instrument: Instrument) -> pl.DataFrame:
    """Add the inputs of the composite score and the score, one row after the other in Python's whole numbers."""
    tick_lot = Fraction(instrument.tick_size) * Fraction(instrument.lot_size)
    inputs: list[tuple[int | None, ...]] = []
    for row in rows.iter_rows(named=True):
        made = (
            row["vpin_x1000"],
            kyle_x1000(row["ret_60s_x1000"], row["minute_lots"], row["hour_lots"]),
            amihud_x1000(row["ret_60s_x1000"], row["minute_tick_lots"], tick_lot),
            spread_excess_x1000(row["spread_bps"], row["spread_sum"], row["spread_rows"]),
            ofi_strength_x1000(row["ofi_zscore_x1000"]),
        )
        inputs.append((*made[1:], score_x1000(*made)))
    names = ("kyle_x1000", "amihud_x1000", "spread_excess_x1000", "ofi_strength_x1000", SCORE)
    return rows.hstack(pl.DataFrame(inputs, schema=dict.fromkeys(names, pl.Int64()), orient="row"))


def _nullable(name: str, values: Ints) -> pl.Series:
    """Return the values as a column, null where they are NULL."""
    return pl.Series(name, values, dtype=pl.Int64).to_frame().select(pl.col(name).replace(NULL, None)).to_series()
