"""Where and when: distance to the level, place in the session, how the price came, what was tried before."""

from grinder_resources.contracts.events import ATR_BARS
from grinder_resources.contracts.exact import clip, half_even
from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.features.groups.group import Group, flag, maybe, number
from grinder_resources.features.moment import Moment, Row
from grinder_resources.market.minutes import NS_PER_MINUTE

FIRST_MINUTES = 15


def _level_context(at: Moment) -> Row:
    event = at.event
    signed = event.level - event.spot
    return {
        "distance_atr_x1000": event.in_atr_x1000(abs(signed)),
        "distance_signed_atr_x1000": event.in_atr_x1000(signed),
        "distance_beyond_atr_x1000": event.in_atr_x1000(-event.sign * signed),
        "level_price_pct_x1000": half_even(event.in_bps_x1000(signed), 100),
        "atr_bps_x1000": event.in_bps_x1000(event.atr_sum, per=ATR_BARS),
    }


LEVEL_CONTEXT = Group(
    "level_context",
    (
        number("distance_atr_x1000", "|L - spot| / ATR x1000", at_least=0),
        number("distance_signed_atr_x1000", "(L - spot) / ATR x1000"),
        number("distance_beyond_atr_x1000", "how far spot is past L in the approach direction / ATR x1000"),
        number("level_price_pct_x1000", "(L - spot) / spot, percent x1000"),
        number("atr_bps_x1000", "ATR / spot, bps x1000", at_least=0),
    ),
    _level_context,
)


def _session_context(at: Moment) -> Row:
    event, market = at.event, at.market
    priors = {side: market.levels[f"PRIOR_{side.upper()}"].at(event.t1_ns) for side in ("high", "low")}
    return {
        "bars_since_open": (event.t1_ns - market.open_ns) // NS_PER_MINUTE,
        "is_first_15m": int(event.touch_ns - market.open_ns < FIRST_MINUTES * NS_PER_MINUTE),
        **{
            f"dist_to_prior_{side}_atr_x1000": None if price is None else event.in_atr_x1000(event.level - price)
            for side, price in priors.items()
        },
        "rel_vol_ratio_x1000": _relative_volume(at),
    }


def _relative_volume(at: Moment) -> int | None:
    since_open = at.event.t1_ns - at.market.open_ns
    before = [volume.at(since_open) or 0 for volume in at.market.volume_before]
    today = at.market.volume_today.at(since_open) or 0
    return clip(half_even(1000 * today * len(before), sum(before)), 2**31 - 1) if sum(before) else None


SESSION_CONTEXT = Group(
    "session_context",
    (
        number("bars_since_open", "complete minutes from the session's open to t1"),
        flag("is_first_15m", "1 if the touch fell into the session's first 15 minutes"),
        maybe("dist_to_prior_high_atr_x1000", "(L - prior session's high) / ATR x1000; null without a prior session"),
        maybe("dist_to_prior_low_atr_x1000", "(L - prior session's low) / ATR x1000; null without a prior session"),
        maybe(
            "rel_vol_ratio_x1000",
            "volume since the open / mean at this time on the days before x1000; null without such days",
        ),
    ),
    _session_context,
)


def _approach_context(at: Moment) -> Row:
    event = at.event
    since_ns = event.touch_ns - at.settings.approach_lookback_s * NS_PER_SECOND
    closes = at.market.closes.between(since_ns, event.touch_ns)
    moved = event.sign * (event.touch_mid - closes[0]) if closes else None
    return {
        "approach_velocity_atr_x1000": None if moved is None else event.in_atr_x1000(moved, per=len(closes)),
        "approach_distance_atr_x1000": None if moved is None else event.in_atr_x1000(abs(moved)),
        "approach_bars": _steps_toward(closes, event.sign),
        "prior_touches": event.prior_touches,
        "attempt_index": event.attempt_index,
    }


def _steps_toward(closes: list[int], sign: int) -> int:
    """Return how many of the last steps in a row went in the direction of `sign`."""
    count = 0
    for later, earlier in zip(closes[:0:-1], closes[-2::-1], strict=True):
        if sign * (later - earlier) <= 0:
            break
        count += 1
    return count


APPROACH_CONTEXT = Group(
    "approach_context",
    (
        maybe(
            "approach_velocity_atr_x1000",
            "move toward L in the look-back before the touch, ATR x1000 a minute; null without bars",
        ),
        maybe("approach_distance_atr_x1000", "|that move|, ATR x1000; null without bars"),
        number("approach_bars", "complete one-minute closes in a row, up to the touch, that moved toward L"),
        number("prior_touches", "earlier touches of this level kind on the day"),
        number("attempt_index", "1, 2, ... within a cluster of attempts from the same side at the same price"),
    ),
    _approach_context,
)
