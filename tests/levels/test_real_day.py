"""IBM on 8 October 2013: plausible numbers of touches, and a table that keeps its contract."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl

from grinder_resources.contracts.bronze import DEPTH, QUOTES, TRADES
from grinder_resources.contracts.events import LEVEL_EVENTS, LEVEL_KINDS
from grinder_resources.contracts.instruments import Instrument
from grinder_resources.contracts.validation import schema_failures
from grinder_resources.features.build import build_features
from grinder_resources.features.manifest import load_manifest
from grinder_resources.market.bars import build_bars
from grinder_resources.market.level_events import level_events

IBM = Instrument("lean-us", "IBM", Decimal("0.01"), Decimal(1), "09:30-16:00 America/New_York")
MONDAY, TUESDAY = date(2013, 10, 7), date(2013, 10, 8)


def bronze(folder: Path, kind: str, day: date, schema: pl.Schema, **columns: pl.Expr) -> pl.DataFrame:
    """Return one day of a Tardis CSV as rows of a Bronze table; prices in cents, sizes in shares."""
    rows = pl.read_csv(folder / "tardis" / f"lean-us_{kind}_{day}_IBM.csv.gz").with_columns(
        date=pl.lit(day), venue="exchange", ts_ns=pl.col("timestamp") * 1000, seq=pl.int_range(pl.len()), **columns
    )
    return rows.with_columns(recv_ns=pl.lit(None)).select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def cents(name: str) -> pl.Expr:
    return (pl.col(name) * 100).round()


def market(folder: Path, day: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    prices = {f"{side}_ticks": cents(f"{side}_price") for side in ("bid", "ask")}
    sizes = {f"{side}_lots": pl.col(f"{side}_amount") for side in ("bid", "ask")}
    quotes = bronze(folder, "quotes", day, QUOTES.schema, **prices, **sizes)
    prints = {
        "price_ticks": cents("price"),
        "size_lots": pl.col("amount"),
        "aggressor": pl.lit(0),
        "trade_id": pl.lit(None),
    }
    return quotes, bronze(folder, "trades", day, TRADES.schema, **prints)


def test_a_day_of_ibm(real_data: Path) -> None:
    """About a hundred events of most kinds, few counted out, both sides of the level, features of every one."""
    quotes, trades = market(real_data, TUESDAY)
    before, today = build_bars(*market(real_data, MONDAY)), build_bars(quotes, trades)
    events, counts = level_events(quotes, today, before, [IBM], TUESDAY)
    assert schema_failures(LEVEL_EVENTS, events) == []
    assert 40 <= counts["events"] <= 200
    assert counts["no_atr"] == counts["quote_gap"] == 0
    assert set(events["level_kind_name"].unique()) >= {"VWAP", "ROUND", "SESSION_LOW"}
    assert set(events["level_kind_name"].unique()) <= set(LEVEL_KINDS)
    shares = events["outcome"].value_counts(normalize=True)
    assert shares.filter(pl.col("outcome") != "CHOP")["proportion"].min() > 0.15
    features = build_features(
        load_manifest("v2.0_full_ensemble"),
        events,
        quotes=quotes,
        trades=trades,
        depth=DEPTH.empty(),
        bars_today=today,
        bars_before=before,
        instruments=[IBM],
        day=TUESDAY,
    )
    assert features.height == counts["events"]
    assert features["tape_imbalance_bps"].null_count() < features.height // 2
    assert features["tape_imbalance_bps"].abs().mean() < 9000
