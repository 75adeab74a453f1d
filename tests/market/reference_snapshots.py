# ruff: noqa: PLR0917 - the facts of one row
"""A slow, obvious twin of silver/snapshots: every row from all events up to its time, in exact fractions."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import isqrt

import polars as pl

from grinder_resources.market.bot_lines import Book, Tick
from grinder_resources.market.settings import SnapshotConfig
from tests.market.reference_engine import ReferenceEngine, reference_l2

SECOND = 1_000_000_000


def reference_rows(quotes, trades, depth, instrument, day_start, config: SnapshotConfig, qty_ref_lots: int):
    """Return the rows of one instrument as dicts, date, venue and symbol left out."""
    last_grid = day_start + 86_400 * SECOND - 1
    rows = []
    first = quotes["ts_ns"].min()
    quotes, trades, depth = (frame.to_dicts() for frame in (quotes, trades, depth))
    features, events = bot_features(quotes, instrument, config), flow_events(quotes, config)
    step = config.grid_ms * 1_000_000
    grid = -(-first // step) * step
    while grid <= min(last_grid, quotes[-1]["ts_ns"] + config.max_gap_s * SECOND):
        seen = [quote for quote in quotes if quote["ts_ns"] <= grid]
        if grid - seen[-1]["ts_ns"] <= config.max_gap_s * SECOND:
            known_trades = [trade for trade in trades if trade["ts_ns"] <= grid]
            known_books = [book for book in depth if book["ts_ns"] <= grid]
            known = {"features": features[len(seen) - 1], "events": events[: len(seen)]}
            rows.append(row(grid, seen, known_trades, known_books, instrument, config, qty_ref_lots, **known))
        grid += step
    return rows


def row(grid, quotes, trades, books, instrument, config, qty_ref_lots, features, events):
    quote = quotes[-1]
    mid = quote["bid_ticks"] + quote["ask_ticks"]
    bought, total = quote["bid_lots"] - quote["ask_lots"], quote["bid_lots"] + quote["ask_lots"]
    start, first = segment_start(quotes, config), quotes[0]["ts_ns"]
    micro = Fraction((quote["ask_ticks"] - quote["bid_ticks"]) * bought, mid * total)
    return {
        "ts_ns": grid,
        "quote_ts_ns": quote["ts_ns"],
        "trade_ts_ns": trades[-1]["ts_ns"] if trades else None,
        "mid_half_ticks": mid,
        "spread_bps": features[3],
        "imbalance_l1_bps": features[4],
        "thin_l1_lots": min(quote["bid_lots"], quote["ask_lots"]),
        "natr_bps": features[6],
        "atr": features[7],
        "sum_abs_returns_bps": features[8],
        "net_return_bps": features[9],
        "range_score": features[10],
        "warmup_bars": features[11],
        "microprice_dev_x1000": round(micro * 10_000_000),
        "quote_age_ms": (grid - quote["ts_ns"]) // 1_000_000,
        "gap": start > first and grid - 300 * SECOND < start,
        **order_flow(events, grid, start),
        **windows(quotes, trades, grid, start),
        **book_columns(books, grid, instrument, config, qty_ref_lots),
    }


def bot_features(quotes, instrument, config):
    engine = ReferenceEngine(config.bar_interval_ms, config.atr_period, config.range_horizon, config.max_bars)
    features = []
    for quote in quotes:
        prices = [quote[side] * instrument.tick_size for side in ("bid_ticks", "ask_ticks")]
        sizes = [quote[side] * instrument.lot_size for side in ("bid_lots", "ask_lots")]
        features.append(engine.process(Tick(quote["ts_ns"] // 1_000_000, "S", *prices, *sizes, Decimal(0), Decimal(0))))
    return features


def segment_start(quotes, config):
    start = quotes[0]["ts_ns"]
    for before, quote in pairwise(quotes):
        if quote["ts_ns"] - before["ts_ns"] > config.max_gap_s * SECOND:
            start = quote["ts_ns"]
    return start


def flow_events(quotes, config):
    """Return (time, event, sum over the last 10 s) of each quote."""
    events = [(quotes[0]["ts_ns"], 0, 0)]
    for old, new in pairwise(quotes):
        is_first = new["ts_ns"] - old["ts_ns"] > config.max_gap_s * SECOND
        event = 0 if is_first else quote_event(old, new)
        earlier = sum(event for ts, event, _ in events if ts >= new["ts_ns"] - 10 * SECOND)
        events.append((new["ts_ns"], event, earlier + event))
    return events


def order_flow(events, grid, start):
    flow = sum(event for ts, event, _ in events if ts >= grid - 10 * SECOND)
    history = [total for _, _, total in events[-300:]]
    return {"ofi_10s_lots": flow if grid - 10 * SECOND >= start else None, "ofi_zscore_x1000": zscore(history)}


def quote_event(old, new):
    def side(better, price, size):
        if better:
            return new[size]
        return new[size] - old[size] if new[price] == old[price] else -old[size]

    bid = side(new["bid_ticks"] > old["bid_ticks"], "bid_ticks", "bid_lots")
    return bid - side(new["ask_ticks"] < old["ask_ticks"], "ask_ticks", "ask_lots")


def zscore(history):
    """Return the z-score x 1000 through its exact square: the nearest integer to a square root needs no root."""
    count = len(history)
    mean = Fraction(sum(history), count)
    variance = sum((value - mean) ** 2 for value in history) / count
    if count < 30 or variance == 0:
        return 0
    square = (history[-1] - mean) ** 2 / variance * 1_000_000
    below = isqrt(square.numerator // square.denominator)
    middle = Fraction(2 * below + 1, 2) ** 2
    rounded = below + (square > middle or (square == middle and below % 2 == 1))
    return min(rounded, 5000) * (1 if history[-1] >= mean else -1)


def windows(quotes, trades, grid, start):
    def mid_at(ts):
        last = [quote for quote in quotes if quote["ts_ns"] <= ts][-1]
        return last["bid_ticks"] + last["ask_ticks"]

    answer = {}
    now = mid_at(grid)
    for seconds in (1, 5, 10, 30, 60, 300):
        begin = grid - seconds * SECOND
        name = f"ret_{seconds}s_x1000"
        answer[name] = round(Fraction(now - mid_at(begin), mid_at(begin)) * 10_000_000) if begin >= start else None
    for seconds in (60, 300):
        begin = grid - seconds * SECOND
        mids = [quote["bid_ticks"] + quote["ask_ticks"] for quote in quotes if quote["ts_ns"] > begin]
        spread = max([*mids, mid_at(begin)]) - min([*mids, mid_at(begin)]) if begin >= start else 0
        answer[f"range_{seconds}s_x1000"] = round(Fraction(spread, now) * 10_000_000) if begin >= start else None
    for seconds in (10, 60, 300):
        begin = grid - seconds * SECOND
        inside = [trade for trade in trades if trade["ts_ns"] > begin]
        known = begin >= start and bool(trades) and trades[0]["ts_ns"] <= begin
        sides = {side: sum(trade["size_lots"] for trade in inside if trade["aggressor"] == side) for side in (1, 0, -1)}
        signed = sides[1] + sides[-1]
        tilt = round(Fraction(sides[1] - sides[-1], signed) * 10_000) if signed else 0
        answer[f"volume_{seconds}s_lots"] = sum(sides.values()) if known else None
        answer[f"trades_{seconds}s"] = len(inside) if known else None
        answer[f"trade_imbalance_{seconds}s_bps"] = tilt if known else None
    return answer


BOOK_COLUMNS = (
    "depth",
    "depth_bid_lots",
    "depth_ask_lots",
    "depth_imbalance_topN_bps",
    "impact_buy_topN_bps",
    "impact_sell_topN_bps",
    "impact_buy_topN_insufficient_depth",
    "impact_sell_topN_insufficient_depth",
    "wall_bid_score_topN_x1000",
    "wall_ask_score_topN_x1000",
)


def book_columns(books, grid, instrument, config, qty_ref_lots):
    if not books or grid - books[-1]["ts_ns"] > config.max_gap_s * SECOND:
        return dict.fromkeys(("book_ts_ns", *BOOK_COLUMNS, "qty_ref_lots"))
    last = books[-1]
    sides = [
        tuple((ticks * instrument.tick_size, lots * instrument.lot_size) for ticks, lots in zip(*side, strict=True))
        for side in ((last["bid_ticks"], last["bid_lots"]), (last["ask_ticks"], last["ask_lots"]))
    ]
    depth = min(map(len, sides))
    values = list(reference_l2(Book(0, "S", "V", depth, *sides), qty_ref_lots * instrument.lot_size)[3:13])
    values[1], values[2] = (int(value / instrument.lot_size) for value in values[1:3])
    return {"book_ts_ns": last["ts_ns"], **dict(zip(BOOK_COLUMNS, values, strict=True)), "qty_ref_lots": qty_ref_lots}


def comparable(frame: pl.DataFrame, instrument, config: SnapshotConfig):
    """Return the built rows as dicts with the ATR as a Decimal price in place of its sum in half ticks."""
    for built in frame.drop("date", "venue", "symbol").to_dicts():
        half_ticks = built.pop("atr_sum_half_ticks")
        built["atr"] = None if half_ticks is None else half_ticks * instrument.tick_size / 2 / config.atr_period
        yield built
