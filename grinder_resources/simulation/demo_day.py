"""One symbol-day of the demo market: draws what the compiled loops need, runs them, and frames what they made."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import polars as pl

from grinder_resources.simulation import tardis_files
from grinder_resources.simulation.demo_config import BOOK_LEVELS, DemoConfig, DemoInstrument
from grinder_resources.simulation.hidden_state import HiddenState, draw_event_times, draw_hidden_state
from grinder_resources.simulation.kernels import fill_books, run_day
from grinder_resources.simulation.records import (
    MILLI,
    Events,
    Ints,
    Market,
    Memory,
    Quotes,
    Rules,
    Trades,
    blank_memory,
)


@dataclass(frozen=True)
class DemoDay:
    """One symbol-day: rows of its three Tardis files, and the hidden state behind them (`HiddenState.truth`)."""

    day: date
    trades: pl.DataFrame
    quotes: pl.DataFrame
    book_snapshot_25: pl.DataFrame
    truth: pl.DataFrame


def first_memory(instrument: DemoInstrument) -> Memory:
    """Return the market's memory before the first day: a price and no history."""
    memory = blank_memory()
    memory.price = instrument.first_price_ticks * MILLI
    return memory


def make_day(
    day: date, instrument: DemoInstrument, config: DemoConfig, memory: Memory, rng: np.random.Generator
) -> DemoDay:
    """Simulate `day` from `memory`, leave the evening's memory in `memory`, and return the rows."""
    hidden = draw_hidden_state(config, rng)
    event_ms = draw_event_times(config, hidden, rng)
    _open(memory, config)
    market = Market(
        rules=_rules(config, instrument),
        events=_events(config, hidden, event_ms, rng),
        quotes=Quotes(*_zeros(4, event_ms.size)),
        trades=Trades(*_zeros(4, event_ms.size)),
    )
    run_day(market, memory)
    rows = _last_of_each(event_ms // (config.snapshot_every_s * 1000))
    book = Quotes(*_zeros(4, (rows.size, BOOK_LEVELS)))
    fill_books(rows, market, memory, book)
    _close(memory)

    midnight_us = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000
    trade_us, quote_us, received_us = _clocks(midnight_us + event_ms * 1000, rng)
    return DemoDay(
        day=day,
        trades=_trades_frame(instrument, trade_us, received_us, market.trades),
        quotes=tardis_files.quotes_frame(instrument, (quote_us, received_us), market.quotes),
        book_snapshot_25=tardis_files.books_frame(instrument, (quote_us[rows], received_us[rows]), book),
        truth=hidden.truth(midnight_us),
    )


def _clocks(event_us: Ints, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """Return when each order trades, when the quote after it stands, and when both arrive.

    Trade and quote keep the millisecond of their event, so times stay strictly ordered from event to event.
    """
    trade_us = event_us + rng.integers(0, 400, event_us.size)
    quote_us = trade_us + rng.integers(50, 600, event_us.size)
    latency_us = 1000 + rng.gamma(4.0, 1500.0, event_us.size).astype(np.int64)
    return trade_us, quote_us, np.maximum.accumulate(quote_us + latency_us)


def _open(memory: Memory, config: DemoConfig) -> None:
    memory.high = memory.low = memory.price
    memory.trend_price = memory.price
    memory.high_s = memory.low_s = memory.reaction_until_s = 0.0
    memory.level_s = -config.level_cooldown_s


def _close(memory: Memory) -> None:
    memory.prior_high = memory.high // MILLI * MILLI
    memory.prior_low = memory.low // MILLI * MILLI


def _events(config: DemoConfig, hidden: HiddenState, event_ms: Ints, rng: np.random.Generator) -> Events:
    second, count = event_ms // 1000, event_ms.size
    tail = np.sqrt((config.price_tail_dof - 2.0) / config.price_tail_dof)
    return Events(
        second=event_ms / 1000.0,
        regime=hidden.regime[second],
        activity=hidden.activity[second],
        informed=hidden.informed[second],
        informed_drift=hidden.informed[np.maximum(second - config.informed_lag_s, 0)],
        is_trade=rng.random(count) < config.trade_share,
        price_shock=rng.standard_t(config.price_tail_dof, count) * tail,
        imbalance_shock=rng.standard_normal(count),
        spread_shock=rng.standard_normal(count),
        bid_shock=rng.standard_normal(count),
        ask_shock=rng.standard_normal(count),
        size_shock=rng.standard_normal(count),
        side_draw=rng.random(count),
        level_draw=rng.random(count),
        reaction_s=rng.exponential(config.level_minutes * 60.0, count),
    )


def _rules(config: DemoConfig, instrument: DemoInstrument) -> Rules:
    milliticks_per_bp = instrument.ticks_per_bp * MILLI
    by_regime = {
        name: np.array([getattr(regime, name) for regime in config.regimes])
        for name in ("volatility_bps", "half_spread_bps", "depth_lots", "break_logit")
    }
    return Rules(
        volatility=by_regime["volatility_bps"] * milliticks_per_bp,
        half_spread=by_regime["half_spread_bps"] * milliticks_per_bp,
        depth_lots=by_regime["depth_lots"] * instrument.lots_scale,
        break_logit=by_regime["break_logit"],
        trade_lots=config.trade_lots,
        informed_side=config.informed_side,
        informed_drift=config.informed_drift,
        impact=config.impact,
        imbalance_memory_s=config.imbalance_memory_s,
        imbalance_drift=config.imbalance_drift,
        level_band=round(config.level_band_bps * milliticks_per_bp),
        level_cooldown_s=config.level_cooldown_s,
        level_drift=config.level_drift,
        wall_logit=config.wall_logit,
        wall_depth=config.wall_depth,
        flow_logit=config.flow_logit,
        round_step=instrument.round_step_ticks,
        wall_seed=instrument.first_price_ticks,
    )


def _trades_frame(instrument: DemoInstrument, event_us: Ints, received_us: Ints, trades: Trades) -> pl.DataFrame:
    """One row a print: an order that took two prices prints twice at the same instant, best price first."""
    prints = np.repeat(np.arange(event_us.size), (trades.lots > 0) * 1 + (trades.deeper_lots > 0))
    second = np.concatenate(([False], prints[1:] == prints[:-1]))
    return tardis_files.trades_frame(
        instrument,
        (event_us[prints], received_us[prints]),
        ids=np.arange(1, prints.size + 1) + event_us[0] // 1_000_000 * 100,
        side=trades.side[prints],
        price=trades.price[prints] + np.where(second, trades.side[prints], 0),
        lots=np.where(second, trades.deeper_lots[prints], trades.lots[prints]),
    )


def _last_of_each(bins: Ints) -> Ints:
    """Return the position of the last entry of every run of equal values."""
    return np.flatnonzero(np.diff(bins, append=bins[-1:] + 1))


def _zeros(count: int, shape: int | tuple[int, int]) -> Iterable[Ints]:
    return (np.zeros(shape, dtype=np.int64) for _ in range(count))
