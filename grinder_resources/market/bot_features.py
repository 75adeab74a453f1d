"""The bot's feature snapshots from the bot's own JSONL, equal to its engine's on every row, Decimal strings included.

The formulas are those of the Silver build: the same compiled functions for ratios, the same bar fold, here on
Decimals because a Decimal's trailing zeros are part of what is printed, and the same bar history.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any

import numpy as np
import numpy.typing as npt

from grinder_resources.contracts.snapshots import FeatureSnapshot, L2FeatureSnapshot
from grinder_resources.errors import OutOfRange
from grinder_resources.market.bars import BAR_FIELDS, CLOSE, HIGH, LOW, closes_bar, fold_mid
from grinder_resources.market.bot_lines import BOOK, TICK, Book, Tick, parse_book, parse_tick, read_objects
from grinder_resources.market.compiled import interpreted
from grinder_resources.market.l1 import (
    MAX_LOTS,
    MAX_SPREAD_TICKS,
    MAX_TICKS,
    epsilon_in_lots,
    imbalance_bps,
    spread_bps,
)
from grinder_resources.market.l2 import book_features
from grinder_resources.market.settings import SnapshotConfig
from grinder_resources.market.volatility import BOT_ARITHMETIC, BarHistory

QTY_REF = Decimal("0.003")
"""The bot's reference size, base units."""

_MAX_BEST_LOTS = 1 << 58
_closes_bar: Callable[..., bool] = interpreted(closes_bar)
_fold_mid: Callable[..., None] = interpreted(fold_mid)


@dataclass
class FeatureEngine:
    """One symbol's feature snapshots, tick by tick.

    config
        bar_interval_ms, atr_period, range_horizon and max_bars count; a tick needs no grid.
    """

    config: SnapshotConfig = field(default_factory=SnapshotConfig)
    _bar: list[Any] = field(init=False)
    _history: BarHistory = field(init=False)

    def __post_init__(self) -> None:
        self._bar = [0] * BAR_FIELDS
        self._history = BarHistory(self.config.atr_period, self.config.range_horizon, self.config.max_bars)

    def process(self, tick: Tick) -> FeatureSnapshot:
        """Return the features known at the tick; a bar it closes is among what is known, the open bar is not.

        Raises OutOfRange for numbers beyond exact arithmetic.
        """
        with localcontext(BOT_ARITHMETIC):
            mid = (tick.bid_price + tick.ask_price) / 2
        if _closes_bar(self._bar, tick.ts, self.config.bar_interval_ms):
            self._history.close(self._bar[HIGH], self._bar[LOW], self._bar[CLOSE])
        _fold_mid(self._bar, tick.ts, mid, self.config.bar_interval_ms)
        known = self._history.features
        return FeatureSnapshot(
            ts=tick.ts,
            symbol=tick.symbol,
            mid_price=mid,
            spread_bps=_spread_bps(tick.bid_price, tick.ask_price),
            imbalance_l1_bps=_imbalance_bps(tick.bid_qty, tick.ask_qty),
            thin_l1=min(tick.bid_qty, tick.ask_qty),
            natr_bps=known.natr_bps,
            atr=known.atr,
            sum_abs_returns_bps=known.sum_abs_returns_bps,
            net_return_bps=known.net_return_bps,
            range_score=known.range_score,
            warmup_bars=known.warmup_bars,
        )


def iter_feature_snapshots(
    lines: Iterable[str], config: SnapshotConfig | None = None, source: str = "lines"
) -> Iterator[FeatureSnapshot]:
    """Yield one FeatureSnapshot a SNAPSHOT line, in the lines' order; every symbol has its own bars.

    lines
        The bot's JSONL; l2_snapshot lines and blank lines are passed over.
    config
        Bar parameters, the bot's by default.
    source
        Name of the input in error messages.

    Raises CorruptFile, SchemaMismatch, LimitExceeded or OutOfRange, naming the line.
    """
    engines: dict[str, FeatureEngine] = {}
    for where, facts in read_objects(lines, TICK, source):
        tick = parse_tick(facts, where)
        if tick.symbol not in engines:
            engines[tick.symbol] = FeatureEngine(config or SnapshotConfig())
        with _located(where):
            features = engines[tick.symbol].process(tick)
        yield features


def iter_l2_feature_snapshots(
    lines: Iterable[str], qty_ref: Decimal = QTY_REF, source: str = "lines"
) -> Iterator[L2FeatureSnapshot]:
    """Yield one L2FeatureSnapshot an l2_snapshot line, in the lines' order.

    lines
        The bot's JSONL; SNAPSHOT lines and blank lines are passed over.
    qty_ref
        Size whose impact is measured, base units, > 0.
    source
        Name of the input in error messages.

    Raises CorruptFile, SchemaMismatch, LimitExceeded or OutOfRange, naming the line.
    """
    if not (qty_ref.is_finite() and qty_ref > 0):
        raise OutOfRange("qty_ref must be a positive number", got=str(qty_ref))
    for where, facts in read_objects(lines, BOOK, source):
        book = parse_book(facts, where)
        with _located(where):
            features = l2_features(book, qty_ref)
        yield features


def l2_features(book: Book, qty_ref: Decimal) -> L2FeatureSnapshot:
    """Return the features of one book for the reference size `qty_ref`, base units."""
    sizes = [size for side in (book.bids, book.asks) for _, size in side]
    (*lots, qty_ref_lots), lot_size = _units([*sizes, qty_ref], MAX_LOTS)
    ticks, _ = _units([price for side in (book.bids, book.asks) for price, _ in side], MAX_TICKS)
    depth = book.depth
    epsilon = epsilon_in_lots(lot_size)
    sides = (_array(ticks[:depth]), _array(lots[:depth]), _array(ticks[depth:]), _array(lots[depth:]))
    _, _, _, imbalance, buy, sell, buy_short, sell_short, bid_wall, ask_wall = book_features(
        *sides, qty_ref_lots, *epsilon
    )
    with localcontext(BOT_ARITHMETIC):
        bid_qty, ask_qty = (sum((size for _, size in side), Decimal(0)) for side in (book.bids, book.asks))
    return L2FeatureSnapshot(
        ts_ms=book.ts_ms,
        symbol=book.symbol,
        venue=book.venue,
        depth=depth,
        depth_bid_qty_topN=bid_qty,
        depth_ask_qty_topN=ask_qty,
        depth_imbalance_topN_bps=imbalance,
        impact_buy_topN_bps=buy,
        impact_sell_topN_bps=sell,
        impact_buy_topN_insufficient_depth=buy_short,
        impact_sell_topN_insufficient_depth=sell_short,
        wall_bid_score_topN_x1000=bid_wall,
        wall_ask_score_topN_x1000=ask_wall,
        qty_ref=qty_ref,
    )


@contextmanager
def _located(where: str) -> Iterator[None]:
    """Let a refusal name the line it is about."""
    try:
        yield
    except OutOfRange as error:
        raise OutOfRange(error.what, where=where, got=error.got, expected=error.expected) from error
    except InvalidOperation as error:
        raise OutOfRange("a ratio in bps has more than 28 digits", where=where) from error


def _spread_bps(bid: Decimal, ask: Decimal) -> int:
    (bid_ticks, ask_ticks), _ = _units([bid, ask], _MAX_BEST_LOTS)
    if abs(ask_ticks - bid_ticks) >= MAX_SPREAD_TICKS:
        raise OutOfRange("the spread leaves the exact range", got=f"{bid} and {ask}")
    return spread_bps(bid_ticks, ask_ticks)


def _imbalance_bps(bid: Decimal, ask: Decimal) -> int:
    (bid_lots, ask_lots), lot_size = _units([bid, ask], _MAX_BEST_LOTS)
    return imbalance_bps(bid_lots, ask_lots, *epsilon_in_lots(lot_size))


def _units(values: Sequence[Decimal], limit: int) -> tuple[list[int], Decimal]:
    """Return the values as multiples of the largest power of ten, at most 1, that divides them all, and that power."""
    digits = max((_decimals(value) for value in values), default=0)
    units = [int(value.scaleb(digits)) for value in values]
    if units and max(units) >= limit:
        raise OutOfRange(
            "numbers too far apart for exact integers", got=", ".join(map(str, values)), expected=f"< {limit} units"
        )
    return units, Decimal(1).scaleb(-digits)


def _decimals(value: Decimal) -> int:
    """Return the decimal places that count; trailing zeros do not."""
    exponent = value.normalize(BOT_ARITHMETIC).as_tuple().exponent
    return max(0, -int(exponent)) if value else 0


def _array(values: Sequence[int]) -> npt.NDArray[np.int64]:
    return np.array(values, np.int64)
