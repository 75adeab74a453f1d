"""A small market whose mid swings: a grid earns while it swings and loses where it runs away."""

from datetime import date
from decimal import Decimal

import polars as pl

from grinder_resources.contracts.bronze import INSTRUMENTS, QUOTES, TRADES
from grinder_resources.contracts.instruments import Instrument
from grinder_resources.contracts.score_guard import SCORES
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.lake import Lake
from grinder_resources.usecases.score_guard.grid import Market

DAY = date(2025, 1, 6)
OPEN = 1_736_121_600 * 10**9
SECOND = 10**9
STEP = 600 * SECOND
"""Time between two decisions."""

INSTRUMENT = Instrument("demo", "A", Decimal("0.01"), Decimal("0.001"))
KEY = ("demo", "A")
SWING = (0, 8, 15, 8, 0, -8, -15, -8)
"""Ticks above 10,000 of the bid, one every ten seconds."""


def snapshots(decisions: int) -> pl.DataFrame:
    """Return calm snapshots at every decision: rules ask for lines 5 bps apart."""
    zeros = {name: 0 for name, kind in SNAPSHOTS.schema.items() if kind.is_integer()}
    facts = {"date": DAY, "venue": "demo", "symbol": "A", "gap": False, "mid_half_ticks": 20_001, "warmup_bars": 20}
    rows = [
        zeros | facts | {"thin_l1_lots": 500, "spread_bps": 1, "ts_ns": OPEN + STEP * number, "quote_ts_ns": OPEN}
        for number in range(decisions)
    ]
    return pl.DataFrame(rows, schema=SNAPSHOTS.schema)


def quotes(seconds: int) -> pl.DataFrame:
    """Return a quote every ten seconds, one tick wide."""
    rows = [
        {"date": DAY, "venue": "demo", "symbol": "A", "ts_ns": OPEN + SECOND * at, "recv_ns": None, "seq": at}
        | {"bid_ticks": 10_000 + ticks, "bid_lots": 500_000, "ask_ticks": 10_001 + ticks, "ask_lots": 500_000}
        for at in range(0, seconds, 10)
        for ticks in (SWING[at // 10 % len(SWING)],)
    ]
    known = [{name: value for name, value in row.items() if name in QUOTES.schema} for row in rows]
    return pl.DataFrame(known, schema=QUOTES.schema)


def market(decisions: int) -> Market:
    """Return a day of that many decisions, the last of which is the end."""
    end = OPEN + STEP * (decisions - 1)
    return Market(DAY, snapshots(decisions), {KEY: end}, quotes(600 * decisions), TRADES.empty(), {KEY: INSTRUMENT})


def scores(*rows: tuple[int, int, int | None]) -> pl.DataFrame:
    """Return scores of (ns after the open, score, hazard)."""
    facts = [("demo", "A", OPEN + after, score, hazard) for after, score, hazard in rows]
    return pl.DataFrame(facts, schema=SCORES.schema, orient="row")


def lake_with(root: str, decisions: int) -> Lake:
    """Return a lake that holds that day."""
    lake, day = Lake(root), market(decisions)
    unit = {"date": DAY, "venue": "demo", "symbol": "A", "tick_size": "0.01", "lot_size": "0.001", "session": "24x7"}
    frames = {
        SNAPSHOTS: day.snapshots,
        QUOTES: day.quotes,
        TRADES: day.trades,
        INSTRUMENTS: pl.DataFrame([unit], schema=INSTRUMENTS.schema),
    }
    for table, frame in frames.items():
        lake.commit(table, frame, day=DAY, code_version="1")
    return lake
