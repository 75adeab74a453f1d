"""Labels of a confirmed touch: what the mid did after t1, measured from the level by first passage on the quotes.

The window is (t1, t1 + look-forward]. The mid in force at t1 opens the path, so a price already beyond a threshold
reaches it at time 0. UP: at or above L + k is a break, at or below L - k a bounce; DOWN is the mirror image. Both sides
in the same instant name no side: the outcome is CHOP and the touch is not tradeable.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from grinder_resources.contracts.events import ATR_BARS, REACH_HORIZONS_S, THRESHOLDS
from grinder_resources.contracts.exact import half_even
from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.errors import OutOfRange

NS_PER_MS = 1_000_000
INT32_MOST = 2**31 - 1

Ints = np.ndarray[tuple[int], np.dtype[np.int64]]
Label = str | int | None


@dataclass(frozen=True)
class LabelConfig:
    """How far and how long a move must go to count.

    confirm_s
        Seconds from the touch to t1.
    lookforward_s
        Seconds from t1 to the end of the label window; at least the longest reach horizon.
    threshold_atr_x1000
        Thresholds 1 and 2 as shares of ATR(14, 1 min) known at t1; each is at least one half tick.
    threshold_half_ticks
        Thresholds 1 and 2 as absolute distances instead; None = by ATR.
    max_gap_s
        A longer silence of the quotes between t1 and the end of the window leaves the touch without labels.
    """

    confirm_s: int = 240
    lookforward_s: int = 480
    threshold_atr_x1000: tuple[int, int] = (1000, 2000)
    threshold_half_ticks: tuple[int, int] | None = None
    max_gap_s: int = 60

    def __post_init__(self) -> None:
        first, second = self.threshold_half_ticks or self.threshold_atr_x1000
        if not 0 < first <= second:
            raise OutOfRange("0 < threshold 1 <= threshold 2", where="LabelConfig", got=f"{first}, {second}")
        if self.lookforward_s < max(REACH_HORIZONS_S):
            raise OutOfRange(
                "the label window covers every reach horizon",
                where="LabelConfig.lookforward_s",
                got=str(self.lookforward_s),
                expected=f"at least {max(REACH_HORIZONS_S)}",
            )
        if self.confirm_s < 0 or self.max_gap_s < 1:
            raise OutOfRange("confirm_s is not negative and max_gap_s is positive", where="LabelConfig", got=str(self))

    def thresholds(self, atr_sum_half_ticks: int) -> tuple[int, int]:
        """Return thresholds 1 and 2 in half ticks for an ATR given as the sum of 14 true ranges."""
        if self.threshold_half_ticks is not None:
            return self.threshold_half_ticks
        exact = (half_even(share * atr_sum_half_ticks, 1000 * ATR_BARS) for share in self.threshold_atr_x1000)
        first, second = (max(1, width) for width in exact)
        return first, second


@dataclass(frozen=True)
class MidPath:
    """The mid from t1 on: `ns[0]` is 0 with the mid in force at t1; then one entry a quote, ns since t1.

    `beyond` is the distance past the level in the approach direction, half ticks; negative means it has come back.
    """

    ns: Ints
    beyond: Ints

    def first_ns(self, hit: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int | None:
        """Return ns from t1 to the first entry that is hit; None if none is."""
        at = int(np.argmax(hit))
        return int(self.ns[at]) if hit[at] else None


def path_after(touch: Mapping[str, int], ts_ns: Ints, mid: Ints) -> MidPath:
    """Return the path of a confirmed touch from the session's quotes; needs at least one quote at or before t1.

    touch
        `level_price_half_ticks`, `direction_sign`, `confirm_ts_ns` and `label_end_ns`.
    """
    t1_ns = touch["confirm_ts_ns"]
    first, last = np.searchsorted(ts_ns, (t1_ns, touch["label_end_ns"]), side="right")
    beyond = touch["direction_sign"] * (mid[first - 1 : last] - touch["level_price_half_ticks"])
    return MidPath(ns=np.maximum(ts_ns[first - 1 : last] - t1_ns, 0), beyond=beyond)


def longest_silence_ns(ts_ns: Ints, t1_ns: int, end_ns: int) -> int:
    """Return the longest stretch without a quote that overlaps [t1, end], from the quote in force at t1 on."""
    first, last = np.searchsorted(ts_ns, (t1_ns, end_ns), side="right")
    return int(np.diff(np.append(ts_ns[first - 1 : last], end_ns)).max())


def label_path(path: MidPath, thresholds: tuple[int, int], atr_sum_half_ticks: int) -> dict[str, Label]:
    """Return every label but `label_end_ns` for one path."""
    breaks = {k: path.first_ns(path.beyond >= width) for k, width in zip(THRESHOLDS, thresholds, strict=True)}
    bounces = {k: path.first_ns(path.beyond <= -width) for k, width in zip(THRESHOLDS, thresholds, strict=True)}
    firsts = {k: min((time for time in (breaks[k], bounces[k]) if time is not None), default=None) for k in THRESHOLDS}
    up, back = max(0, int(path.beyond.max())), max(0, -int(path.beyond.min()))
    sides = {"break": breaks, "bounce": bounces, "threshold": firsts}
    return {
        "threshold_1_half_ticks": thresholds[0],
        "threshold_2_half_ticks": thresholds[1],
        "outcome": _outcome(breaks[2], bounces[2]),
        "tradeable_1": int(breaks[1] != bounces[1]),
        "tradeable_2": int(breaks[2] != bounces[2]),
        "strength_signed": _in_atr_x1000(up - back, atr_sum_half_ticks),
        "strength_abs": _in_atr_x1000(max(up, back), atr_sum_half_ticks),
        "excursion_max": up,
        "excursion_min": back,
        **{f"time_to_{side}_{k}_ms": _ms(times[k]) for (side, times), k in product(sides.items(), THRESHOLDS)},
        **dict(_reaches(sides)),
    }


def _outcome(break_ns: int | None, bounce_ns: int | None) -> str:
    if break_ns == bounce_ns:
        return "CHOP"
    if bounce_ns is None or (break_ns is not None and break_ns < bounce_ns):
        return "BREAK"
    return "BOUNCE"


def _reaches(sides: dict[str, dict[int, int | None]]) -> Iterator[tuple[str, int]]:
    for (side, times), k, horizon in product(sides.items(), THRESHOLDS, REACH_HORIZONS_S):
        suffix = "" if side == "threshold" else f"_{side}"
        time = times[k]
        yield f"t{k}{suffix}_{horizon}", int(time is not None and time <= horizon * NS_PER_SECOND)


def _ms(ns: int | None) -> int | None:
    """Return whole milliseconds, rounded up, so that `ms <= 1000 h` says the same as `ns <= h seconds`."""
    return None if ns is None else -(-ns // NS_PER_MS)


def _in_atr_x1000(half_ticks: int, atr_sum_half_ticks: int) -> int:
    value = int(half_even(1000 * ATR_BARS * half_ticks, atr_sum_half_ticks))
    return max(-INT32_MOST, min(INT32_MOST, value))
