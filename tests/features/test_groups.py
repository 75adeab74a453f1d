"""Feature groups on one hand-made moment: L = 2000, ATR = 14 half ticks, touched at 100 s, confirmed at 340 s."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from grinder_resources.contracts.bronze import DEPTH, TRADES
from grinder_resources.features.groups.averages import MEAN_REVERSION, SMA_CONTEXT
from grinder_resources.features.groups.barrier import BARRIER_PHYSICS
from grinder_resources.features.groups.confluence import CONFLUENCE
from grinder_resources.features.groups.place import APPROACH_CONTEXT, LEVEL_CONTEXT, SESSION_CONTEXT
from grinder_resources.features.groups.pressure import NET_PRESSURE, PRESSURE_INDICATORS
from grinder_resources.features.groups.tape import TAPE_PHYSICS, signed_tape
from grinder_resources.features.groups.trend import ATTEMPT_TREND
from grinder_resources.features.known import Books, Known, Watermark
from grinder_resources.features.moment import Event, Market, Moment, Settings
from tests.market_days import OPEN_NS, SECOND, books, quotes, trades

T1_NS = OPEN_NS + 340 * SECOND
UP = Event(
    kind="PRIOR_HIGH",
    sign=1,
    level=2000,
    spot=2007,
    touch_mid=1999,
    atr_sum=14 * 14,
    touch_ns=OPEN_NS + 100 * SECOND,
    t1_ns=T1_NS,
    prior_touches=3,
    attempt_index=2,
    attempt_t1_ns=T1_NS - 120 * SECOND,
)
DOWN = replace(UP, sign=-1)
SEEN = Watermark()
NOTHING = Known(np.array([], np.int64), np.array([], np.int64), SEEN)


def known(*points: tuple[float, int]) -> Known:
    """Return a series from (seconds since the open, value)."""
    seconds, values = zip(*points, strict=True)
    return Known((OPEN_NS + np.array(seconds) * SECOND).astype(np.int64), np.array(values, np.int64), SEEN)


def market(**parts: object) -> Market:
    kinds = (
        "PRIOR_HIGH",
        "PRIOR_LOW",
        "OR_HIGH",
        "OR_LOW",
        "SESSION_HIGH",
        "SESSION_LOW",
        "SMA_200",
        "VWAP",
        "ROUND",
        "SMA_400",
    )
    mids = quotes([(0, 1999)])
    empty = Market(
        seen=SEEN,
        open_ns=OPEN_NS,
        mids=NOTHING,
        closes=NOTHING,
        levels=dict.fromkeys(kinds, NOTHING) | parts.pop("levels", {}),
        sma_sums={200: NOTHING, 400: NOTHING},
        volume_today=NOTHING,
        volume_before=(),
        tape=signed_tape(TRADES.empty(), mids["ts_ns"].to_numpy(), np.array([1999]), SEEN),
        books=Books.of(DEPTH.empty(), SEEN),
    )
    return replace(empty, **parts)


def moment(event: Event = UP, *, done: dict | None = None, settings: Settings | None = None, **parts: object) -> Moment:
    return Moment(event, market(**parts), settings or Settings(), done or {})


def test_level_context() -> None:
    """Half an ATR above the level, seen from both sides."""
    assert LEVEL_CONTEXT.compute(moment()) == {
        "distance_atr_x1000": 500,
        "distance_signed_atr_x1000": -500,
        "distance_beyond_atr_x1000": 500,
        "level_price_pct_x1000": -349,  # 7 / 2007 = 0.3488 %
        "atr_bps_x1000": 69_756,
    }
    assert LEVEL_CONTEXT.compute(moment(DOWN))["distance_beyond_atr_x1000"] == -500


def test_session_context() -> None:
    """Five minutes after the open, with a prior high, no prior low, and twice the usual volume."""
    at = moment(
        levels={"PRIOR_HIGH": known((0, 1972))},
        volume_today=Known(np.array([60, 400]) * SECOND, np.array([30, 999]), SEEN),
        volume_before=tuple(Known(np.array([60 * n]) * SECOND, np.array([10 * n]), SEEN) for n in (1, 2)),
    )
    assert SESSION_CONTEXT.compute(at) == {
        "bars_since_open": 5,
        "is_first_15m": 1,
        "dist_to_prior_high_atr_x1000": 2000,
        "dist_to_prior_low_atr_x1000": None,
        "rel_vol_ratio_x1000": 2000,
    }
    later = replace(UP, touch_ns=OPEN_NS + 900 * SECOND)
    assert SESSION_CONTEXT.compute(moment(later)) == {
        "bars_since_open": 5,
        "is_first_15m": 0,
        "dist_to_prior_high_atr_x1000": None,
        "dist_to_prior_low_atr_x1000": None,
        "rel_vol_ratio_x1000": None,
    }


def test_approach_context() -> None:
    """Three closes before the touch rise by 14 to a touch 28 above the first; a later close is not seen."""
    closes = known((-700, 1), (-60, 1971), (0, 1970), (60, 1985), (120, 9999))
    assert APPROACH_CONTEXT.compute(moment(closes=closes)) == {
        "approach_velocity_atr_x1000": 667,  # 28 / 14 in 3 minutes
        "approach_distance_atr_x1000": 2000,
        "approach_bars": 1,
        "prior_touches": 3,
        "attempt_index": 2,
    }
    assert APPROACH_CONTEXT.compute(moment(DOWN, closes=closes))["approach_velocity_atr_x1000"] == -667
    assert APPROACH_CONTEXT.compute(moment())["approach_velocity_atr_x1000"] is None


def test_sma_context() -> None:
    """An average that rose by 0.5 a bar for ten bars; the longer one is in warm-up."""
    sums = known(*((120 * bar - 1080, 200 * 1986 + 100 * bar) for bar in range(11)))
    row = SMA_CONTEXT.compute(moment(sma_sums={200: sums, 400: NOTHING}, levels={"SMA_200": known((0, 1991))}))
    assert row == {
        "dist_to_sma_200_atr_x1000": 643,  # (2000 - 1991) / 14
        "sma_200_slope_atr_x1000": 1071,  # 15 an hour
        "sma_200_slope_5bar_atr_x1000": 1071,
        "dist_to_sma_400_atr_x1000": None,
        "sma_400_slope_atr_x1000": None,
        "sma_400_slope_5bar_atr_x1000": None,
        "sma_spread_atr_x1000": None,
    }


def test_mean_reversion() -> None:
    """Steps of +4 and -4 in turn deviate by 4; spot is 7 above the average, and was 1 below it ten minutes ago."""
    closes = known(*((300 - 60 * back, 1999 + 4 * (back % 2)) for back in range(21)))
    sums = known((-10_000, 200 * 2000))
    row = MEAN_REVERSION.compute(moment(closes=closes, sma_sums={200: sums, 400: NOTHING}))
    assert row == {
        "mean_reversion_pressure_200_x1000": 1750,
        "mean_reversion_pressure_400_x1000": None,
        "mean_reversion_velocity_200_atr_x1000": 57,  # (7 + 1) / 14 in ten minutes
        "mean_reversion_velocity_400_atr_x1000": None,
        "reversion_pressure_x1000": -149,  # -1.75 / (1.75 + 10)
    }
    assert MEAN_REVERSION.compute(moment())["reversion_pressure_x1000"] is None


SMA_VALUES = ("dist_to_sma_200", "dist_to_sma_400", "sma_200_slope", "sma_400_slope")


def aligned(*values: int | None) -> dict[str, int | None]:
    return {f"{name}_atr_x1000": value for name, value in zip(SMA_VALUES, values, strict=True)}


def test_confluence() -> None:
    """One level half a band away, one at the band's edge, one beyond it; the event's own kind does not count."""
    levels = {
        "PRIOR_HIGH": known((0, 2000)),
        "OR_HIGH": known((0, 2007)),
        "VWAP": known((0, 1986)),
        "ROUND": known((0, 2015)),
        "SMA_200": known((341, 2000)),
    }
    row = CONFLUENCE.compute(moment(levels=levels, done=aligned(None, None, None, None)))
    assert row == {
        "confluence_count": 2,
        "confluence_weighted_score_x1000": 450,
        "confluence_min_distance_atr_x1000": 500,
        "confluence_pressure_x1000": 66,  # 450 / 6800
        "confluence_alignment": 0,
    }
    alone = CONFLUENCE.compute(moment(done=aligned(0, 0, 0, 0)))
    assert (alone["confluence_count"], alone["confluence_min_distance_atr_x1000"]) == (0, None)


@pytest.mark.parametrize(
    ("event", "values", "expected"),
    [
        (UP, (-5, -9, -1, -2), 1),
        (UP, (5, 9, 1, 2), -1),
        (DOWN, (5, 9, 1, 2), 1),
        (DOWN, (-5, -9, -1, -2), -1),
        (UP, (-5, -9, -2, -1), 0),
        (UP, (-5, 9, -1, -2), 0),
        (UP, (-5, None, -1, -2), 0),
    ],
)
def test_confluence_alignment(event: Event, values: tuple[int | None, ...], expected: int) -> None:
    """Both averages beyond the level, falling and converging, or the mirror image of that."""
    assert CONFLUENCE.compute(moment(event, done=aligned(*values)))["confluence_alignment"] == expected


def with_books(*points: tuple[float, dict[int, int], dict[int, int]]) -> dict[str, Books]:
    return {"books": Books.of(books(list(points)), SEEN)}


BID = {990: 5}


def test_barrier_of_the_asks() -> None:
    """Ask depth within 8 ticks of L goes 60, 20, 30 over the window; the last level is twice the usual."""
    at = moment(
        **with_books(
            (50, BID, {1000: 999}),
            (99, BID, {1000: 40, 1008: 20, 1009: 7}),
            (200, BID, {1001: 20, 1010: 3}),
            (340, BID, {1008: 30, 1020: 2}),
            (341, BID, {1000: 1}),
        )
    )
    assert BARRIER_PHYSICS.compute(at) == {
        "barrier_delta_liq_lots": -30,
        "barrier_delta_liq_x1000": -818,  # -30 / (110 / 3)
        "barrier_replenishment_ratio_x1000": 250,  # 10 / 40
        "wall_ratio_x1000": 1721,  # 30 / (122 / 7)
        "barrier_state": "CONSUMED",
    }


def test_barrier_of_the_bids_mirrors_the_asks() -> None:
    """For DOWN the bids defend, and more of them than before absorb."""
    at = moment(DOWN, **with_books((99, {1000: 10, 980: 10}, {1001: 1}), (300, {1000: 20, 980: 20}, {1001: 1})))
    row = BARRIER_PHYSICS.compute(at)
    assert (row["barrier_delta_liq_lots"], row["barrier_delta_liq_x1000"], row["wall_ratio_x1000"]) == (10, 667, 1333)
    assert (row["barrier_replenishment_ratio_x1000"], row["barrier_state"]) == (10_000, "ABSORPTION")


UNKNOWN_BOOKS = {
    "no book at all": (),
    "none at the start": ((101, BID, {1000: 1}), (300, BID, {1000: 1})),
    "stale at the start": ((39, BID, {1000: 1}), (300, BID, {1000: 1})),
    "stale at t1": ((99, BID, {1000: 1}), (279, BID, {1000: 1})),
    "does not reach the level": ((99, BID, {1000: 1}), (300, BID, {980: 1, 991: 1})),
}


@pytest.mark.parametrize("points", UNKNOWN_BOOKS.values(), ids=UNKNOWN_BOOKS)
def test_barrier_unknown(points: tuple) -> None:
    """What the book does not show is null, not zero."""
    parts = with_books(*points) if points else {}
    assert set(BARRIER_PHYSICS.compute(moment(**parts)).values()) == {None}


def test_barrier_gone_is_zero() -> None:
    """Past the level nothing is left to defend it: depth zero is known, and is a vacuum."""
    row = BARRIER_PHYSICS.compute(moment(**with_books((99, BID, {1000: 10}), (300, BID, {1050: 10}))))
    assert row == {
        "barrier_delta_liq_lots": -10,
        "barrier_delta_liq_x1000": -2000,
        "barrier_replenishment_ratio_x1000": 0,
        "wall_ratio_x1000": 0,
        "barrier_state": "VACUUM",
    }
    empty = BARRIER_PHYSICS.compute(moment(**with_books((99, BID, {1000: 10}), (300, BID, {}))))
    assert empty == row


@pytest.mark.parametrize(
    ("last", "state"),
    [({1000: 10, 1012: 10}, "NEUTRAL"), ({1000: 10, 1012: 99}, "WEAK"), ({1000: 90, 1012: 1}, "WALL")],
)
def test_barrier_states(last: dict[int, int], state: str) -> None:
    """Unchanged depth is neutral, or weak beside a large book; grown and large it is a wall."""
    assert (
        BARRIER_PHYSICS.compute(moment(**with_books((99, BID, {1000: 10}), (300, BID, last))))["barrier_state"] == state
    )


def with_tape(points: list[tuple[float, int, int, int]], mid: int = 1999) -> dict[str, object]:
    quote_ns = np.array([OPEN_NS])
    return {"tape": signed_tape(trades(points), quote_ns, np.array([mid]), SEEN)}


def test_tape() -> None:
    """Prints of the last minute within two ATR of L: 30 bought, 10 sold, rising by one tick a second."""
    at = moment(
        **with_tape(
            [
                (279, 1000, 500, 1),  # before the window
                (280, 1000, 10, 1),
                (281, 1001, 10, -1),
                (282, 1002, 20, 1),
                (283, 1015, 500, 1),  # 30 half ticks away
                (341, 1000, 500, 1),  # after t1
            ]
        )
    )
    assert TAPE_PHYSICS.compute(at) == {
        "tape_imbalance_bps": 5000,
        "tape_buy_vol_lots": 30,
        "tape_sell_vol_lots": 10,
        "tape_trades": 3,
        "tape_velocity_atr_x1000": 8571,  # 2 half ticks a second = 120 / 14 a minute
        "sweep_detected": 0,
    }


def test_tape_without_prints() -> None:
    """No prints: volumes are zero, ratios unknown."""
    assert TAPE_PHYSICS.compute(moment()) == {
        "tape_imbalance_bps": None,
        "tape_buy_vol_lots": 0,
        "tape_sell_vol_lots": 0,
        "tape_trades": 0,
        "tape_velocity_atr_x1000": None,
        "sweep_detected": 0,
    }


def test_unknown_aggressors_get_the_side_of_the_quote_test() -> None:
    """Above the mid before it a print was bought, below it sold, at it neither; a quote at its own instant is late."""
    prints = trades(
        [(-1, 1000, 1, 0), (10, 1000, 1, 0), (11, 999, 1, 0), (20, 1001, 1, 0), (30, 1000, 1, 0), (40, 990, 1, 1)]
    )
    quote_ns, mids = OPEN_NS + np.array([0, 20, 25]) * SECOND, np.array([1999, 2010, 2000])
    assert signed_tape(prints, quote_ns, mids, SEEN).side.tolist() == [0, 1, -1, 1, 0, 1]


SWEEPS = {
    "three prices": ([(330, 1000, 1, 1), (330.1, 1001, 1, 1), (330.15, 1002, 1, 1)], 1),
    "a pause": ([(330, 1000, 1, 1), (330.101, 1001, 1, 1), (330.15, 1002, 1, 1)], 0),
    "two prices": ([(330, 1000, 1, 1), (330, 1001, 1, 1), (330, 1001, 1, 1)], 0),
    "another side": ([(330, 1000, 1, 1), (330, 1001, 1, -1), (330, 1002, 1, 1)], 0),
    "no side": ([(330, 1000, 1, 0), (330, 1001, 1, 0), (330, 1002, 1, 0)], 0),
    "selling": ([(330, 1002, 1, -1), (330, 1001, 1, -1), (330, 1000, 1, -1)], 1),
}


@pytest.mark.parametrize(("points", "expected"), SWEEPS.values(), ids=SWEEPS)
def test_sweep(points: list[tuple[float, int, int, int]], expected: int) -> None:
    """A run from one side over three prices without a pause."""
    assert TAPE_PHYSICS.compute(moment(**with_tape(points, mid=2002)))["sweep_detected"] == expected


def test_pressures() -> None:
    """Depth lost and a wall of half the usual size, buying and rising prints: both push up."""
    done = {
        "barrier_delta_liq_x1000": -1000,
        "wall_ratio_x1000": 500,
        "tape_imbalance_bps": 4000,
        "tape_velocity_atr_x1000": 600,
    }
    up, down = (PRESSURE_INDICATORS.compute(moment(event, done=done)) for event in (UP, DOWN))
    assert up == {"liquidity_pressure_x1000": 625, "tape_pressure_x1000": 500}  # (500 + 750) / 2, (400 + 600) / 2
    assert down == {"liquidity_pressure_x1000": 625, "tape_pressure_x1000": -500}
    nothing = PRESSURE_INDICATORS.compute(moment(done=dict.fromkeys(done)))
    assert set(nothing.values()) == {None}


def test_net_pressure_is_the_mean_of_what_is_known() -> None:
    """Unknown pressures leave the mean, they do not pull it to zero."""
    names = [f"{name}_pressure_x1000" for name in ("liquidity", "tape", "reversion", "confluence")]
    for values, expected in (((100, None, 50, 0), 50), ((None, None, None, 7), 7), ((None,) * 4, None)):
        done = dict(zip(names, values, strict=True))
        assert NET_PRESSURE.compute(moment(done=done)) == {"net_break_pressure_x1000": expected}


def test_trend_is_the_change_since_the_first_attempt() -> None:
    """At the first attempt's t1, two minutes earlier, all prints were sold; now all are bought."""
    tape = with_tape([(200, 1000, 10, -1), (210, 1000, 10, -1), (330, 1000, 5, 1), (335, 1000, 5, 1)])
    done = {"barrier_delta_liq_x1000": 5, "barrier_replenishment_ratio_x1000": None}
    done |= {"tape_velocity_atr_x1000": 30, "tape_imbalance_bps": 10_000}
    assert ATTEMPT_TREND.compute(moment(done=done, **tape)) == {
        "barrier_delta_liq_x1000_trend": None,
        "barrier_replenishment_ratio_x1000_trend": None,
        "tape_velocity_atr_x1000_trend": 30,
        "tape_imbalance_bps_trend": 20_000,
    }


def test_known_series() -> None:
    """The value in force, values back, and values within a stretch."""
    series = known((10, 1), (20, 2), (30, 3))
    at = [OPEN_NS + seconds * SECOND for seconds in (9, 10, 29, 99)]
    assert [series.at(time) for time in at] == [None, 1, 2, 3]
    assert [series.at(at[2], back) for back in (0, 1, 2)] == [2, 1, None]
    assert series.between(at[1], at[3]) == [2, 3]
    assert pl.Series(series.values).to_list() == [1, 2, 3]
