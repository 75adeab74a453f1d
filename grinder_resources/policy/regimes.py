"""The bot's rule-based regimes: what it makes of a market without any model, first rule first.

    kill switch                              EMERGENCY   100
    toxic flow                               TOXIC       100
    no features                              RANGE        50
    thinner than 0.1 base units              THIN_BOOK    90
    spread above 100 bps                     THIN_BOOK    90
    NATR above 500 bps                       VOL_SHOCK    85
    net return beyond +-200 bps, score <= 3  TREND_UP or TREND_DOWN  75
    else                                     RANGE        80, in warm-up 60

The number is the rule's confidence. Every comparison is strict where it says above, beyond or thinner, and exact: sizes
are compared in lots.

TREND_DOWN never comes: the bot's `net_return_bps` is an absolute return, so its sign is +, and every trend is TREND_UP.
We keep the bot's rule, because the baseline is the bot as it is; a signed return would give TREND_DOWN.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

THIN_BASE_UNITS = Decimal("0.1")
WIDE_SPREAD_BPS = 100
SHOCK_NATR_BPS = 500
TREND_NET_BPS = 200
TREND_RANGE_SCORE = 3

WARM_BARS = 15
"""Closed bars from which on the bot calls itself warmed up, whatever its ATR period."""

TOXIC_SPREAD_BPS = 50
TOXIC_MOVE_X1000 = 500_000
"""A move of the mid within five seconds, bps x 1000."""


class RegimeName(StrEnum):
    """What the rules call a market."""

    EMERGENCY = "EMERGENCY"
    TOXIC = "TOXIC"
    THIN_BOOK = "THIN_BOOK"
    VOL_SHOCK = "VOL_SHOCK"
    TREND_UP = "TREND_UP"
    TREND_DOWN = "TREND_DOWN"
    RANGE = "RANGE"


@dataclass(frozen=True)
class Regime:
    """A regime and how sure its rule is, 0..100."""

    name: RegimeName
    confidence: int


@dataclass(frozen=True)
class RuleFeatures:
    """The columns of a snapshot that the rules read, in the snapshot's units.

    thin_l1_lots
        The smaller of the two best sizes, lots.
    full_l1_lots
        Fewest lots that are no thin book: `full_lots` of the instrument.
    """

    natr_bps: int
    spread_bps: int
    net_return_bps: int
    range_score: int
    warmup_bars: int
    thin_l1_lots: int
    full_l1_lots: int


@dataclass(frozen=True)
class PolicyInputs:
    """What the rules look at: features, None before there are any, and the two switches that come before them."""

    features: RuleFeatures | None
    toxicity_blocked: bool = False
    kill_switch: bool = False


def inputs_of(snapshot: Mapping[str, Any], full_l1_lots: int) -> PolicyInputs:
    """Return what the rules see in one row of `silver/snapshots`, or of a Gold table that holds its features.

    full_l1_lots
        `full_lots` of the row's instrument.
    """
    features = RuleFeatures(
        natr_bps=snapshot["natr_bps"],
        spread_bps=snapshot["spread_bps"],
        net_return_bps=snapshot["net_return_bps"],
        range_score=snapshot["range_score"],
        warmup_bars=snapshot["warmup_bars"],
        thin_l1_lots=snapshot["thin_l1_lots"],
        full_l1_lots=full_l1_lots,
    )
    return PolicyInputs(features, toxicity_blocked(snapshot["spread_bps"], snapshot["ret_5s_x1000"]))


def full_lots(lot_size: Decimal) -> int:
    """Return the fewest lots that are at least 0.1 base units; lot_size > 0."""
    lots = Fraction(THIN_BASE_UNITS) / Fraction(lot_size)
    return -(-lots.numerator // lots.denominator)


def toxicity_blocked(spread_bps: int, ret_5s_x1000: int | None) -> bool:
    """Return whether flow is toxic, as far as a snapshot knows: its spread, and the mid's move over five seconds.

    The bot compares the unrounded spread, and the oldest mid of the last five seconds; a snapshot has the spread
    truncated to whole bps, so that 50.5 bps passes here, and the mid of exactly five seconds ago. None, where that is
    not known, blocks nothing.
    """
    return spread_bps > TOXIC_SPREAD_BPS or abs(ret_5s_x1000 or 0) > TOXIC_MOVE_X1000


def classify(inputs: PolicyInputs) -> Regime:
    """Return the regime of the first rule that holds."""
    if inputs.kill_switch:
        return Regime(RegimeName.EMERGENCY, 100)
    if inputs.toxicity_blocked:
        return Regime(RegimeName.TOXIC, 100)
    return _of_market(inputs.features) if inputs.features else Regime(RegimeName.RANGE, 50)


def _of_market(features: RuleFeatures) -> Regime:
    if features.thin_l1_lots < features.full_l1_lots or features.spread_bps > WIDE_SPREAD_BPS:
        return Regime(RegimeName.THIN_BOOK, 90)
    if features.natr_bps > SHOCK_NATR_BPS:
        return Regime(RegimeName.VOL_SHOCK, 85)
    if abs(features.net_return_bps) > TREND_NET_BPS and features.range_score <= TREND_RANGE_SCORE:
        return Regime(RegimeName.TREND_UP if features.net_return_bps > 0 else RegimeName.TREND_DOWN, 75)
    return Regime(RegimeName.RANGE, 80 if features.warmup_bars >= WARM_BARS else 60)
