"""The two feature snapshots that models and policies receive (ML spec 12.2.1).

Facts only: how the numbers are computed is told in `grinder_resources.market`. Law of both classes:
`cls.from_json(snapshot.to_json()) == snapshot`, with Decimals as strings, trailing zeros included.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any, Self

from grinder_resources.errors import SchemaMismatch

WARM_BARS = 15
"""Closed bars that `is_warmed_up` asks for: the 14 of the ATR and the one before them."""


@dataclass(frozen=True)
class _JsonFacts:
    """Fields in order, as one JSON object; ints stay ints, Decimals become strings, None becomes null."""

    def to_json(self) -> str:
        """Return one line of compact JSON with the fields in the contract's order."""
        facts = {name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(self).items()}
        return json.dumps(facts, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the snapshot that `to_json` wrote.

        Raises SchemaMismatch for anything but exactly the contract's fields with the contract's JSON types.
        """
        try:
            facts = json.loads(text)
        except ValueError as error:
            raise SchemaMismatch("not a JSON text", where=cls.__name__, got=str(error)) from error
        names = [field.name for field in fields(cls)]
        if not isinstance(facts, dict) or set(facts) != set(names):
            found = sorted(facts) if isinstance(facts, dict) else type(facts).__name__
            raise SchemaMismatch(
                "the fields differ from the contract", where=cls.__name__, got=str(found), expected=str(names)
            )
        return cls(
            **{
                field.name: _typed(facts[field.name], field.type, f"{cls.__name__}.{field.name}")
                for field in fields(cls)
            }
        )


def _typed(value: object, kind: Any, where: str) -> object:
    """Return the JSON value as the field's type: int, str, Decimal or `Decimal | None`."""
    if value is None and kind == Decimal | None:
        return None
    if kind in (int, str):
        if type(value) is kind:
            return value
    elif isinstance(value, str):
        try:
            return Decimal(value)
        except InvalidOperation:
            pass
    raise SchemaMismatch("a field has another type", where=where, got=repr(value), expected=str(kind))


@dataclass(frozen=True)
class FeatureSnapshot(_JsonFacts):
    """L1 microstructure, volatility and trend of one symbol at one tick.

    ts
        Tick time, ms since 1970-01-01 UTC.
    mid_price
        (bid + ask) / 2, not normalised.
    spread_bps
        (ask - bid) / mid in bps, truncated toward zero.
    imbalance_l1_bps
        (bid_qty - ask_qty) / (bid_qty + ask_qty + 1e-8) in bps, half-even, within +-10000.
    thin_l1
        min(bid_qty, ask_qty) in base units.
    natr_bps, atr
        Simple mean of the last 14 true ranges over the last closed bar's close, and the mean itself; 0 and None in
        warm-up.
    sum_abs_returns_bps, net_return_bps, range_score
        Over the last 15 closes; 0 in warm-up. range_score = sum_abs_returns_bps // (net_return_bps + 1).
    warmup_bars
        Closed bars held.
    """

    ts: int
    symbol: str
    mid_price: Decimal
    spread_bps: int
    imbalance_l1_bps: int
    thin_l1: Decimal
    natr_bps: int
    atr: Decimal | None
    sum_abs_returns_bps: int
    net_return_bps: int
    range_score: int
    warmup_bars: int

    @property
    def is_warmed_up(self) -> bool:
        """True from 15 closed bars on, whatever the configured periods."""
        return self.warmup_bars >= WARM_BARS

    def to_policy_features(self) -> Mapping[str, int | Decimal]:
        """Return the nine values a grid policy reads, by name; `ts`, `symbol` and `atr` are not among them."""
        return {
            "mid_price": self.mid_price,
            "spread_bps": self.spread_bps,
            "imbalance_l1_bps": self.imbalance_l1_bps,
            "thin_l1": self.thin_l1,
            "natr_bps": self.natr_bps,
            "sum_abs_returns_bps": self.sum_abs_returns_bps,
            "net_return_bps": self.net_return_bps,
            "range_score": self.range_score,
            "warmup_bars": self.warmup_bars,
        }


@dataclass(frozen=True)
class L2FeatureSnapshot(_JsonFacts):
    """Depth, impact and walls of one order book; topN means every level the book carries.

    ts_ms
        Book time, ms since 1970-01-01 UTC.
    depth
        Levels per side.
    depth_bid_qty_topN, depth_ask_qty_topN
        Sums of the sizes, base units.
    depth_imbalance_topN_bps
        (bid - ask) / (bid + ask + 1e-8) in bps, half-even.
    impact_buy_topN_bps, impact_sell_topN_bps
        Distance of the average price of `qty_ref` from the side's best price, bps, half-even; 500 if the book is too
        thin.
    impact_buy_topN_insufficient_depth, impact_sell_topN_insufficient_depth
        1 where the impact is 500, else 0.
    wall_bid_score_topN_x1000, wall_ask_score_topN_x1000
        Largest size / median size x 1000, half-even; 1000 below three levels.
    qty_ref
        Reference size, base units.
    """

    ts_ms: int
    symbol: str
    venue: str
    depth: int
    depth_bid_qty_topN: Decimal  # noqa: N815 - the contract's own spelling, here and below
    depth_ask_qty_topN: Decimal  # noqa: N815
    depth_imbalance_topN_bps: int  # noqa: N815
    impact_buy_topN_bps: int  # noqa: N815
    impact_sell_topN_bps: int  # noqa: N815
    impact_buy_topN_insufficient_depth: int  # noqa: N815
    impact_sell_topN_insufficient_depth: int  # noqa: N815
    wall_bid_score_topN_x1000: int  # noqa: N815
    wall_ask_score_topN_x1000: int  # noqa: N815
    qty_ref: Decimal
