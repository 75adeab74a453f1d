"""Round trips as the bot's tracker makes them of fills, one fill after the other, in Decimals of 28 digits.

A position is kept for each symbol and direction. A buy closes an open short if there is one, else it opens or adds to a
long; a sale is the mirror of that. Closing fills add up until they are as large as the position, and then a row is
written. What was closed beyond the position is dropped, as the bot drops it: it opens nothing the other way, though it
counts in the exit's size and price, while the gain is that of the size that was entered.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from hashlib import sha1
from typing import Any

import polars as pl

from grinder_resources.contracts.bot_fills import DATASET_VERSION, DIRECTIONS, ROUNDTRIPS
from grinder_resources.market.volatility import BOT_ARITHMETIC

_BPS, _ONE, _ZERO = Decimal(10_000), Decimal(1), Decimal(0)


@dataclass(frozen=True)
class Fill:
    """A fill: `ts` in ms, `side` BUY or SELL, price and fee in quote currency, quantity in base units."""

    ts: int
    symbol: str
    side: str
    price: Decimal
    quantity: Decimal
    fee: Decimal = _ZERO


@dataclass
class _Leg:
    """Fills of one way, added up."""

    first_ts: int = 0
    last_ts: int = 0
    quantity: Decimal = _ZERO
    paid: Decimal = _ZERO
    fee: Decimal = _ZERO
    fills: int = 0

    def add(self, fill: Fill) -> None:
        self.first_ts = self.first_ts if self.fills else fill.ts
        self.last_ts = fill.ts
        self.quantity += fill.quantity
        self.paid += fill.price * fill.quantity
        self.fee += fill.fee
        self.fills += 1

    @property
    def price(self) -> Decimal:
        """The mean price, weighted by size."""
        return self.paid / self.quantity


def roundtrip_rows(fills: Iterable[Fill], source: str = "paper") -> pl.DataFrame:
    """Return the rows (ROUNDTRIPS) of fills in order of time, in the order in which the positions were closed.

    source
        Whose fills they are, e.g. 'paper'. Positions that are still open give no row.
    """
    with localcontext(BOT_ARITHMETIC):
        return pl.DataFrame(list(_rows(fills, source)), schema=ROUNDTRIPS, orient="row")


def _rows(fills: Iterable[Fill], source: str) -> Iterator[dict[str, Any]]:
    open_: dict[tuple[str, str], tuple[_Leg, _Leg]] = {}
    for fill in fills:
        own, other = DIRECTIONS if fill.side == "BUY" else DIRECTIONS[::-1]
        closing = open_.get((fill.symbol, other))
        if closing is None:
            open_.setdefault((fill.symbol, own), (_Leg(), _Leg()))[0].add(fill)
            continue
        entry, exit_ = closing
        exit_.add(fill)
        if exit_.quantity >= entry.quantity:
            del open_[fill.symbol, other]
            yield _row(fill.symbol, other, entry, exit_, source)


def _row(symbol: str, direction: str, entry: _Leg, exit_: _Leg, source: str) -> dict[str, Any]:
    gained = (exit_.price - entry.price) * entry.quantity * (1 if direction == "long" else -1)
    net, notional = gained - entry.fee - exit_.fee, entry.price * entry.quantity
    named = (symbol, direction, entry.first_ts, exit_.last_ts, entry.price, exit_.price, entry.quantity)
    return {
        "row_id": sha1("|".join(map(str, named)).encode(), usedforsecurity=False).hexdigest(),
        "symbol": symbol,
        "direction": direction,
        **_leg("entry", entry, entry.first_ts),
        **_leg("exit", exit_, exit_.last_ts),
        "realized_pnl": float(gained),
        "net_pnl": float(net),
        "pnl_bps": int((net / notional * _BPS).quantize(_ONE)) if notional else 0,
        "holding_time_ms": exit_.last_ts - entry.first_ts,
        "notional": float(notional),
        "outcome": "win" if net > 0 else "loss" if net < 0 else "breakeven",
        "source": source,
        "dataset_version": DATASET_VERSION,
    }


def _leg(name: str, leg: _Leg, ts: int) -> dict[str, Any]:
    return {
        f"{name}_ts": ts,
        f"{name}_price": float(leg.price),
        f"{name}_qty": float(leg.quantity),
        f"{name}_fee": float(leg.fee),
        f"{name}_fill_count": leg.fills,
    }
