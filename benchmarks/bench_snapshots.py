"""How fast silver/snapshots is built: against plain pandas, plain polars, and a mere copy of the bytes.

    python benchmarks/bench_snapshots.py [--quick]

A synthetic day of two symbols is written as Parquet. Then, in one run and on the same rows:

ours       build_snapshots: all 44 value columns
pandas     the subset below with groupby, merge_asof and rolling
polars     the same subset with group_by, join_asof and rolling expressions
copy       read the Bronze Parquet files and write a frame of the output's size as Parquet

The subset is what both libraries can say in their own words: mid, spread, top imbalance, microprice deviation,
returns over 1 to 300 s, volumes and trade counts over 10 to 300 s, ranges over 60 and 300 s, order flow imbalance and
its z-score, depth sums, depth imbalance and walls. Bars, ATR, trend, trade imbalance and impact are ours alone, so
ours does more work in the time shown. Polars uses every core, the others one. Where the definitions coincide the
numbers are compared: integers must be equal, rounded ratios may differ by 1 where float64 rounds the other way.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import polars as pl

from grinder_resources.contracts.bronze import DEPTH, DEPTH_LEVELS, QUOTES, TRADES
from grinder_resources.contracts.instruments import Instrument
from grinder_resources.market.snapshots import build_snapshots

DAY = date(2024, 8, 8)
MIDNIGHT = int(datetime(2024, 8, 8, tzinfo=UTC).timestamp()) * 1_000_000_000
SECOND = 1_000_000_000
SYMBOLS = ("AAA", "BBB")
INSTRUMENTS = {("demo", name): Instrument("demo", name, Decimal("0.1"), Decimal("0.001")) for name in SYMBOLS}
RETURNS_S, FLOWS_S, RANGES_S = (1, 5, 10, 30, 60, 300), (10, 60, 300), (60, 300)
KEYS = ["symbol", "ts_ns"]


def synthetic_day(hours: float, quotes_per_s: int, trades_per_s: int, books_per_s: int) -> dict[str, pl.DataFrame]:
    """Return bronze/quotes, trades and depth of two symbols over the first hours of a day."""
    parts: dict[str, list[pl.DataFrame]] = {"quotes": [], "trades": [], "depth": []}
    for number, symbol in enumerate(SYMBOLS):
        random = np.random.default_rng(number)
        span = int(hours * 3600)
        for name, rate in (("quotes", quotes_per_s), ("trades", trades_per_s), ("depth", books_per_s)):
            count = span * rate
            ts_ns = MIDNIGHT + np.sort(random.integers(0, span * SECOND, count))
            best = 600_000 + np.cumsum(random.integers(-3, 4, count))
            columns = {"quotes": _quotes, "trades": _trades, "depth": _depth}[name](random, best)
            parts[name].append(_bronze(symbol, ts_ns, columns))
    tables = {"quotes": QUOTES, "trades": TRADES, "depth": DEPTH}
    return {name: table.conform(pl.concat(parts[name]).select(table.schema.names())) for name, table in tables.items()}


def _quotes(random: np.random.Generator, best: np.ndarray) -> dict[str, object]:
    lots = [random.integers(1, 5000, best.size) for _ in range(2)]
    return {
        "bid_ticks": best,
        "bid_lots": lots[0],
        "ask_ticks": best + random.integers(1, 5, best.size),
        "ask_lots": lots[1],
    }


def _trades(random: np.random.Generator, best: np.ndarray) -> dict[str, object]:
    sides = np.where(random.random(best.size) < 0.5, 1, -1).astype(np.int8)
    return {"price_ticks": best, "size_lots": random.integers(1, 900, best.size), "aggressor": sides}


def _depth(random: np.random.Generator, best: np.ndarray) -> dict[str, object]:
    steps = np.arange(DEPTH_LEVELS)
    sides = {"bid_ticks": best[:, None] - steps, "ask_ticks": best[:, None] + 1 + steps}
    sides |= {f"{side}_lots": random.integers(1, 9000, (best.size, DEPTH_LEVELS)) for side in ("bid", "ask")}
    lists = {name: pl.Series(values).cast(pl.List(pl.Int64)) for name, values in sides.items()}
    return lists | {"is_snapshot": True}


def _bronze(symbol: str, ts_ns: np.ndarray, columns: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame({"ts_ns": ts_ns, **columns}).with_columns(
        date=pl.lit(DAY),
        venue=pl.lit("demo"),
        symbol=pl.lit(symbol),
        recv_ns=pl.lit(None, pl.Int64),
        seq=pl.int_range(pl.len(), dtype=pl.Int64),
        trade_id=pl.lit(None, pl.String),
    )


def with_pandas(quotes: pd.DataFrame, trades: pd.DataFrame, depth: pd.DataFrame) -> pd.DataFrame:
    """Return the subset in plain pandas; depth comes with its four list columns as they are."""
    return pd.concat(
        [
            _pandas_symbol(rows, trades[trades["symbol"] == name], depth[depth["symbol"] == name])
            for name, rows in quotes.groupby("symbol")
        ],
        ignore_index=True,
    )


def _pandas_symbol(quotes: pd.DataFrame, trades: pd.DataFrame, depth: pd.DataFrame) -> pd.DataFrame:
    grid = _grid(quotes["ts_ns"].iloc[0], quotes["ts_ns"].iloc[-1])
    quotes = quotes.assign(mid=quotes["bid_ticks"] + quotes["ask_ticks"])
    rows = pd.merge_asof(pd.DataFrame({"ts_ns": grid}), quotes.drop(columns="symbol"), on="ts_ns")
    out = pd.DataFrame({"symbol": quotes["symbol"].iloc[0], "ts_ns": grid, "mid_half_ticks": rows["mid"]})
    bid, ask, bid_lots, ask_lots = (rows[name] for name in ("bid_ticks", "ask_ticks", "bid_lots", "ask_lots"))
    out["spread_bps"] = (ask - bid) * 20_000 // (bid + ask)
    out["imbalance_l1_bps"] = ((bid_lots - ask_lots) / (bid_lots + ask_lots + 1e-5) * 1e4).round()
    out["microprice_dev_x1000"] = (
        (ask - bid) * (bid_lots - ask_lots) / ((ask + bid) * (bid_lots + ask_lots)) * 1e7
    ).round()
    for seconds in RETURNS_S:
        out[f"ret_{seconds}s_x1000"] = (out["mid_half_ticks"].pct_change(seconds) * 1e7).round()
    bucket = -(-quotes["ts_ns"] // SECOND) * SECOND
    per_second = quotes.groupby(bucket)["mid"].agg(["max", "min"]).reindex(grid)
    before = out["mid_half_ticks"].shift(1)
    high = np.fmax(per_second["max"].to_numpy(), before.to_numpy())
    low = np.fmin(per_second["min"].to_numpy(), before.to_numpy())
    for seconds in RANGES_S:
        spread = pd.Series(high).rolling(seconds).max() - pd.Series(low).rolling(seconds).min()
        out[f"range_{seconds}s_x1000"] = (spread / out["mid_half_ticks"] * 1e7).round()
    tape = (
        trades.groupby(-(-trades["ts_ns"] // SECOND) * SECOND)["size_lots"]
        .agg(["sum", "count"])
        .reindex(grid, fill_value=0)
    )
    for seconds in FLOWS_S:
        out[f"volume_{seconds}s_lots"] = tape["sum"].rolling(seconds).sum().to_numpy()
        out[f"trades_{seconds}s"] = tape["count"].rolling(seconds).sum().to_numpy()
    out = pd.concat([out, _pandas_flow(quotes, grid)], axis=1)
    books = pd.merge_asof(out[["ts_ns"]], depth[["ts_ns", "bid_lots", "ask_lots"]], on="ts_ns")
    for side in ("bid", "ask"):
        known = books[f"{side}_lots"].notna()
        lots = np.stack(books.loc[known, f"{side}_lots"].to_numpy())
        out.loc[known, f"depth_{side}_lots"] = lots.sum(axis=1)
        out.loc[known, f"wall_{side}_score_topN_x1000"] = (lots.max(axis=1) / np.median(lots, axis=1) * 1000).round()
    total = out["depth_bid_lots"] + out["depth_ask_lots"]
    out["depth_imbalance_topN_bps"] = ((out["depth_bid_lots"] - out["depth_ask_lots"]) / (total + 1e-5) * 1e4).round()
    return out


def _pandas_flow(quotes: pd.DataFrame, grid: np.ndarray) -> pd.DataFrame:
    old = quotes.shift(1)
    bid_move, ask_move = quotes["bid_ticks"] - old["bid_ticks"], old["ask_ticks"] - quotes["ask_ticks"]
    event = pd.Series(0.0, quotes.index)
    for sign, side, move in ((1, "bid", bid_move), (-1, "ask", ask_move)):
        event += sign * (quotes[f"{side}_lots"].where(move >= 0, 0) - old[f"{side}_lots"].where(move <= 0, 0))
    event = event.fillna(0)
    times = pd.to_datetime(quotes["ts_ns"])
    flow = event.set_axis(times).rolling("10s", closed="both").sum()
    history = flow.rolling(300, min_periods=30)
    scores = ((flow - history.mean()) / history.std(ddof=0)).clip(-5, 5).fillna(0)
    updates = pd.DataFrame(
        {"ts_ns": quotes["ts_ns"], "total": event.cumsum(), "score": (scores.to_numpy() * 1000).round()}
    )
    now = pd.merge_asof(pd.DataFrame({"ts_ns": grid}), updates, on="ts_ns")
    before = pd.merge_asof(pd.DataFrame({"ts_ns": grid - 10 * SECOND}), updates, on="ts_ns", allow_exact_matches=False)
    return pd.DataFrame({"ofi_10s_lots": now["total"] - before["total"], "ofi_zscore_x1000": now["score"]})


def with_polars(quotes: pl.DataFrame, trades: pl.DataFrame, depth: pl.DataFrame) -> pl.DataFrame:
    """Return the subset in plain polars expressions, all symbols in one lazy query."""
    mid = (pl.col("bid_ticks") + pl.col("ask_ticks")).alias("mid_half_ticks")
    bucket = -(-pl.col("ts_ns") // SECOND) * SECOND
    book = quotes.lazy().select(*KEYS, "bid_ticks", "ask_ticks", "bid_lots", "ask_lots", mid)
    span = pl.int_ranges(-(-pl.col("ts_ns").min() // SECOND) * SECOND, pl.col("ts_ns").max() + 1, SECOND)
    grid = (
        book.group_by("symbol")
        .agg(span.first().alias("ts_ns"))
        .explode("ts_ns", empty_as_null=False, keep_nulls=False)
        .sort(KEYS)
    )
    tape = (
        trades.lazy()
        .group_by("symbol", bucket.alias("ts_ns"))
        .agg(pl.col("size_lots").sum().alias("volume"), pl.len().cast(pl.Int64).alias("prints"))
    )
    swing = book.group_by("symbol", bucket.alias("ts_ns")).agg(
        pl.col("mid_half_ticks").max().alias("high"), pl.col("mid_half_ticks").min().alias("low")
    )
    lots = depth.lazy().select(*KEYS, pl.col("bid_lots").alias("book_bid"), pl.col("ask_lots").alias("book_ask"))
    flow = _polars_flow(book)
    rows = (
        grid.join_asof(book, on="ts_ns", by="symbol", check_sortedness=False)
        .join_asof(lots, on="ts_ns", by="symbol", check_sortedness=False)
        .join_asof(flow, on="ts_ns", by="symbol", check_sortedness=False)
        .with_columns(start=pl.col("ts_ns") - 10 * SECOND)
        .join_asof(
            flow.select("symbol", "ts_ns", before="total"),
            left_on="start",
            right_on="ts_ns",
            by="symbol",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .drop("ts_ns_right", strict=False)
        .join(tape, on=KEYS, how="left", maintain_order="left")
        .join(swing, on=KEYS, how="left", maintain_order="left")
    )
    bid_lots, ask_lots, bid, ask = (pl.col(name) for name in ("bid_lots", "ask_lots", "bid_ticks", "ask_ticks"))
    now, before = pl.col("mid_half_ticks"), pl.col("mid_half_ticks").shift(1).over("symbol")
    rows = rows.with_columns(
        pl.max_horizontal("high", before), pl.min_horizontal("low", before), pl.col("volume", "prints").fill_null(0)
    )
    windows = [((now / now.shift(s).over("symbol") - 1) * 1e7).round().alias(f"ret_{s}s_x1000") for s in RETURNS_S]
    for seconds in RANGES_S:
        spread = pl.col("high").rolling_max(seconds).over("symbol") - pl.col("low").rolling_min(seconds).over("symbol")
        windows.append((spread / now * 1e7).round().alias(f"range_{seconds}s_x1000"))
    for seconds in FLOWS_S:
        windows.append(pl.col("volume").rolling_sum(seconds).over("symbol").alias(f"volume_{seconds}s_lots"))
        windows.append(pl.col("prints").rolling_sum(seconds).over("symbol").alias(f"trades_{seconds}s"))
    bid_sum, ask_sum = pl.col("book_bid").list.sum(), pl.col("book_ask").list.sum()
    walls = [
        (pl.col(f"book_{side}").list.max() / pl.col(f"book_{side}").list.median() * 1000)
        .round()
        .alias(f"wall_{side}_score_topN_x1000")
        for side in ("bid", "ask")
    ]
    micro = (ask - bid) * (bid_lots - ask_lots) / ((ask + bid) * (bid_lots + ask_lots))
    return rows.select(
        *KEYS,
        "mid_half_ticks",
        ((ask - bid) * 20_000 // (bid + ask)).alias("spread_bps"),
        ((bid_lots - ask_lots) / (bid_lots + ask_lots + 1e-5) * 1e4).round().alias("imbalance_l1_bps"),
        (micro * 1e7).round().alias("microprice_dev_x1000"),
        *windows,
        *walls,
        (pl.col("total") - pl.col("before")).alias("ofi_10s_lots"),
        pl.col("score").alias("ofi_zscore_x1000"),
        bid_sum.alias("depth_bid_lots"),
        ask_sum.alias("depth_ask_lots"),
        ((bid_sum - ask_sum) / (bid_sum + ask_sum + 1e-5) * 1e4).round().alias("depth_imbalance_topN_bps"),
    ).collect()


def _polars_flow(book: pl.LazyFrame) -> pl.LazyFrame:
    """Return running total and z-score of the order flow at each quote."""

    def side(name: str, move: pl.Expr) -> pl.Expr:
        lots = pl.col(f"{name}_lots")
        return pl.when(move >= 0).then(lots).otherwise(0) - pl.when(move <= 0).then(lots.shift(1)).otherwise(0)

    bid, ask = pl.col("bid_ticks"), pl.col("ask_ticks")
    event = (side("bid", bid - bid.shift(1)) - side("ask", ask.shift(1) - ask)).over("symbol").fill_null(0)
    recent = pl.col("event").rolling_sum_by(pl.from_epoch("ts_ns", time_unit="ns"), "10s", closed="both").over("symbol")
    mean = pl.col("recent").rolling_mean(300, min_samples=30).over("symbol")
    deviation = pl.col("recent").rolling_std(300, min_samples=30, ddof=0).over("symbol")
    score = (((pl.col("recent") - mean) / deviation).clip(-5, 5).fill_nan(0).fill_null(0) * 1000).round()
    return (
        book.select(*KEYS, event.alias("event"))
        .with_columns(recent.alias("recent"), pl.col("event").cum_sum().over("symbol").alias("total"))
        .select(*KEYS, "total", score.alias("score"))
    )


def _grid(first: int, last: int) -> np.ndarray:
    return np.arange(-(-first // SECOND) * SECOND, last + 1, SECOND)


def check_equal(ours: pl.DataFrame, theirs: pl.DataFrame) -> tuple[int, int]:
    """Return (numbers compared, ratios that differ by 1); stop on anything else."""
    theirs = theirs.with_columns(pl.all().exclude("symbol").cast(pl.Float64).fill_nan(None)).with_columns(
        pl.col("ts_ns").cast(pl.Int64)
    )
    pairs = theirs.join(ours, on=KEYS, suffix="_ours")
    compared = off_by_one = 0
    for name in theirs.columns[2:]:
        both = pairs.select(theirs=name, ours=f"{name}_ours").drop_nulls()
        difference = (both["theirs"] - both["ours"]).abs()
        allowed = 1 if name.endswith(("bps", "x1000")) else 0
        if difference.len() == 0 or difference.max() > allowed:
            message = f"{name} differs by {difference.max()}"
            raise AssertionError(message)
        compared += difference.len()
        off_by_one += int((difference > 0).sum())
    return compared, off_by_one


def best_of(runs: int, work: Callable[[], object]) -> float:
    """Return the shortest time of some runs, in seconds."""
    times = []
    for _ in range(runs):
        started = perf_counter()
        work()
        times.append(perf_counter() - started)
    return min(times)


def copy(folder: Path, size_of: pl.DataFrame) -> None:
    """Read the Bronze files and write a frame of the output's size."""
    for name in ("quotes", "trades", "depth"):
        pl.read_parquet(folder / f"{name}.parquet")
    size_of.write_parquet(folder / "copy.parquet")


def peak_memory(folder: Path) -> tuple[float, float]:
    """Return GiB at peak and GiB of Bronze rows, of a fresh process that reads the files and builds the snapshots."""
    script = [sys.executable, __file__, "--build-only", str(folder)]
    # The command is this very file.
    done = subprocess.run(script, check=True, capture_output=True, text=True)  # noqa: S603
    peak, rows = done.stdout.split()
    return float(peak), float(rows)


def build_only(folder: Path) -> None:
    """Build once and print this process's peak memory and its Bronze rows' size, GiB."""
    day = [pl.read_parquet(folder / f"{name}.parquet") for name in ("quotes", "trades", "depth")]
    build_snapshots(*day, INSTRUMENTS, DAY)
    # Linux keeps ru_maxrss over exec, so the parent's peak would show there.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(int(status["VmHWM"].split()[0]) / 1024**2, sum(frame.estimated_size("gb") for frame in day))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two hours instead of a day")
    parser.add_argument("--build-only", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.build_only:
        build_only(arguments.build_only)
        return
    with tempfile.TemporaryDirectory() as name:
        compare(Path(name), hours=2 if arguments.quick else 24, runs=3)


def compare(folder: Path, hours: float, runs: int) -> None:
    """Measure, check and print."""
    day = synthetic_day(hours, quotes_per_s=10, trades_per_s=2, books_per_s=10)
    for name, frame in day.items():
        frame.write_parquet(folder / f"{name}.parquet")
    started = perf_counter()
    ours = build_snapshots(*day.values(), INSTRUMENTS, DAY)
    first = perf_counter() - started
    print(f"first call (compilation or its cache included): {first:.1f} s; {ours.height} rows")
    subset = [*KEYS, "bid_ticks", "ask_ticks", "bid_lots", "ask_lots"]
    slim = [day["quotes"].select(subset), day["trades"].select(*KEYS, "size_lots"), day["depth"].select(subset)]
    frames = [frame.to_pandas() for frame in slim]
    times = {
        "ours": best_of(runs, lambda: build_snapshots(*day.values(), INSTRUMENTS, DAY)),
        "ours + read + write": best_of(runs, lambda: _ours_with_files(folder)),
        "pandas (subset)": best_of(1, lambda: with_pandas(*frames)),
        "polars (subset)": best_of(runs, lambda: with_polars(*slim)),
        "copy (read + write)": best_of(runs, lambda: copy(folder, ours)),
    }
    for label, theirs in (("pandas", pl.from_pandas(with_pandas(*frames))), ("polars", with_polars(*slim))):
        compared, off = check_equal(ours, theirs)
        print(f"equal to {label}: {compared} numbers, {off} ratios off by 1 (float64 rounding)")
    print(f"{'':22}{'seconds':>9}{'rows/s':>12}{'x ours':>9}")
    for label, seconds in times.items():
        print(f"{label:22}{seconds:9.3f}{ours.height / seconds:12,.0f}{seconds / times['ours']:9.2f}")
    print(f"ours with files / copy: {times['ours + read + write'] / times['copy (read + write)']:.2f}")
    peak, rows = peak_memory(folder)
    print(f"peak memory of a fresh process: {peak:.2f} GiB, of which Bronze rows {rows:.2f} GiB")


def _ours_with_files(folder: Path) -> None:
    day = [pl.read_parquet(folder / f"{name}.parquet") for name in ("quotes", "trades", "depth")]
    build_snapshots(*day, INSTRUMENTS, DAY).write_parquet(folder / "snapshots.parquet")


if __name__ == "__main__":
    main()
