"""Touches of one level at 1000 half ticks, band 2, from hand-made paths of the mid."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from grinder_resources.errors import OutOfRange
from grinder_resources.market.minutes import KNOWN
from grinder_resources.market.touches import TOUCHES, TouchConfig, find_touches
from tests.market_days import SECOND

CONFIG = TouchConfig(band_atr_x1000=0, cooldown_s=0)


def known(*points: tuple[float, int]) -> pl.DataFrame:
    return pl.DataFrame([(int(seconds * SECOND), value) for seconds, value in points], schema=KNOWN, orient="row")


def touches_of(
    points: list[tuple[float, int]], config: TouchConfig = CONFIG, level: pl.DataFrame | None = None, atr: int = 0
) -> pl.DataFrame:
    mids = pl.DataFrame(
        [(int(at * SECOND), mid) for at, mid in points], schema=["ts_ns", "mid_half_ticks"], orient="row"
    )
    level = known((0, 1000)) if level is None else level
    return find_touches(mids, {"VWAP": level}, known((0, atr)), config)[0]


def seen(touches: pl.DataFrame) -> list[tuple[float, int]]:
    """Return (seconds, direction_sign)."""
    return [(ts_ns / SECOND, sign) for ts_ns, sign in touches.select("ts_ns", "direction_sign").iter_rows()]


CASES = {
    "from below": ([(0, 990), (1, 998)], [(1, 1)]),
    "from above": ([(0, 1010), (1, 1002)], [(1, -1)]),
    "starting inside is no touch": ([(0, 1000), (1, 1001)], []),
    "the band's edge is inside": ([(0, 997), (1, 998)], [(1, 1)]),
    "one half tick short": ([(0, 990), (1, 997)], []),
    "jumping over is no touch": ([(0, 990), (1, 1010)], []),
    "staying inside is one touch": ([(0, 990), (1, 999), (2, 1001), (3, 1000)], [(1, 1)]),
    "leaving and coming back": ([(0, 990), (1, 999), (2, 1010), (3, 1001)], [(1, 1), (3, -1)]),
    "one touch an instant": ([(0, 990), (1, 999), (1, 990), (1, 999)], [(1, 1)]),
}


@pytest.mark.parametrize(("points", "expected"), CASES.values(), ids=CASES)
def test_entries(points: list[tuple[float, int]], expected: list[tuple[float, int]]) -> None:
    """A touch is an entry from outside; the side it came from is its direction."""
    assert seen(touches_of(points)) == expected


def test_a_level_that_moves_onto_the_price_is_not_touched() -> None:
    """At 5 s the level jumps to a resting price; only the price's own return counts."""
    level = known((0, 900), (5, 1000))
    assert seen(touches_of([(0, 1000), (4, 1000), (6, 1000), (7, 1005), (8, 1001)], level=level)) == [(8, -1)]


def test_a_level_that_is_not_known_yet_is_not_touched() -> None:
    """Before its first value a level does not exist."""
    assert seen(touches_of([(0, 990), (1, 999), (2, 990), (3, 999)], level=known((2.5, 1000)))) == [(3, 1)]


def test_cooldown() -> None:
    """An entry in the cooldown is no touch and does not prolong it; its end is outside."""
    points = [(at, mid) for start in (0, 100, 299, 300) for at, mid in ((start, 990), (start + 0.5, 999))]
    config = TouchConfig(band_atr_x1000=0, cooldown_s=300)
    assert seen(touches_of(points, config)) == [(0.5, 1), (300.5, 1)]


def test_band_follows_atr() -> None:
    """Half of an ATR of 28 / 14 x 10 half ticks is a band of 10."""
    config = TouchConfig(band_atr_x1000=500, cooldown_s=0)
    assert seen(touches_of([(0, 989), (1, 990)], config, atr=280)) == [(1, 1)]
    assert seen(touches_of([(0, 988), (1, 989)], config, atr=280)) == []


def test_attempts_cluster_by_side_time_and_price() -> None:
    """Attempts from one side within the gap belong together; the other side has its own cluster."""
    level = known((0, 1000), (2500, 1010))
    up = [(at, mid) for start in (100, 200, 1101, 2600) for at, mid in ((start, 990), (start + 1, 1000))]
    down = [(300, 1020), (301, 1001)]
    touches = touches_of(sorted(up + down + [(2602, 1009)]), level=level)
    got = touches.select(pl.col("ts_ns") // SECOND, "prior_touches", "attempt_index", pl.col("attempt_ts_ns") // SECOND)
    assert got.rows() == [
        (101, 0, 1, 101),
        (201, 1, 2, 101),
        (301, 2, 1, 301),
        (1102, 3, 1, 1102),  # 901 s after the last attempt from below
        (2602, 4, 1, 2602),
    ]


def test_kinds_are_independent_and_counted() -> None:
    """Two kinds at one price are two touches; entries in a cooldown are counted over all kinds."""
    mids = pl.DataFrame({"ts_ns": [0, 1, 2, 3], "mid_half_ticks": [990, 1000, 990, 1000]})
    levels = {"VWAP": known((0, 1000)), "OR_LOW": known((0, 1001))}
    touches, in_cooldown = find_touches(mids, levels, known(), TouchConfig())
    assert touches["level_kind_name"].to_list() == ["OR_LOW", "VWAP"]
    assert in_cooldown == 2


def test_no_quotes_no_touches() -> None:
    """An empty stream gives an empty frame of the right columns."""
    mids = pl.DataFrame(schema={"ts_ns": pl.Int64(), "mid_half_ticks": pl.Int64()})
    assert_frame_equal(find_touches(mids, {"VWAP": known((0, 1))}, known(), CONFIG)[0], pl.DataFrame(schema=TOUCHES))


def test_negative_settings_are_refused() -> None:
    """A cooldown does not run backward."""
    with pytest.raises(OutOfRange, match="not negative"):
        TouchConfig(cooldown_s=-1)
