"""Silver market tables: one-minute bars and one-second snapshots, integers only.

Units. Prices are half ticks of the mid (`bid_ticks + ask_ticks`, so mid = half ticks x tick_size / 2), sizes are lots,
ratios are integer bps or bps x 1000, times are ns UTC. A column is null only where its text says so; nothing is filled
forward over a gap in the quotes.
"""

import polars as pl

from grinder_resources.contracts.table import DAY, SYMBOL, VENUE, Column, Table, optional, required

RETURN_WINDOWS_S = (1, 5, 10, 30, 60, 300)
"""Look-back, in seconds, of the `ret_*` columns."""

FLOW_WINDOWS_S = (10, 60, 300)
"""Look-back, in seconds, of the volume, trade count and trade imbalance columns."""

RANGE_WINDOWS_S = (60, 300)
"""Look-back, in seconds, of the `range_*` columns."""

LONGEST_WINDOW_S = max(RETURN_WINDOWS_S + FLOW_WINDOWS_S + RANGE_WINDOWS_S)
"""The `gap` column looks this far back."""

_INT = pl.Int64()
_NO_QUOTE = "null in a minute without quotes"


def _bar_columns() -> tuple[Column, ...]:
    return (
        DAY,
        VENUE,
        SYMBOL,
        required("ts_ns", _INT, "start of the bar, ns UTC; the bar covers [ts_ns, ts_ns + 1 minute)"),
        optional("open_half_ticks", _INT, f"first mid, half ticks; {_NO_QUOTE}"),
        optional("high_half_ticks", _INT, f"highest mid, half ticks; {_NO_QUOTE}"),
        optional("low_half_ticks", _INT, f"lowest mid, half ticks; {_NO_QUOTE}"),
        optional("close_half_ticks", _INT, f"last mid, half ticks; {_NO_QUOTE}"),
        required("quote_ticks", _INT, "quote updates in the minute"),
        required("volume_lots", _INT, "traded size, lots"),
        required("buy_lots", _INT, "traded size with a buying aggressor, lots"),
        required("sell_lots", _INT, "traded size with a selling aggressor, lots"),
        required("notional_tick_lots", _INT, "sum of price_ticks x size_lots; VWAP in ticks = this / volume_lots"),
        required("trades", _INT, "number of prints"),
    )


BARS = Table(
    name="silver/bars",
    doc="One row a minute that holds at least one quote or trade; minutes without either have no row.",
    columns=_bar_columns(),
    sort_by=("venue", "symbol", "ts_ns"),
    key=("venue", "symbol", "ts_ns"),
)


def _l1_columns() -> tuple[Column, ...]:
    return (
        required("mid_half_ticks", _INT, "mid in force, half ticks"),
        required("spread_bps", _INT, "(ask - bid) / mid in bps, truncated"),
        required("imbalance_l1_bps", _INT, "(bid size - ask size) / (sum + 1e-8 base units), bps, half-even"),
        required("thin_l1_lots", _INT, "smaller of the two best sizes, lots"),
        required("natr_bps", _INT, "ATR / last closed bar's close, bps, half-even; 0 in warm-up"),
        optional(
            "atr_sum_half_ticks",
            _INT,
            "sum of the last atr_period true ranges, half ticks; ATR = it x tick / 2 / atr_period; null in warm-up",
        ),
        required("sum_abs_returns_bps", _INT, "sum of absolute close-to-close returns, bps; 0 in warm-up"),
        required("net_return_bps", _INT, "absolute return over the whole horizon, bps; 0 in warm-up"),
        required("range_score", _INT, "sum_abs_returns_bps // (net_return_bps + 1); 0 in warm-up"),
        required("warmup_bars", _INT, "closed bars held, at most max_bars"),
    )


def _l2_columns() -> tuple[Column, ...]:
    rule = "null before the first book of the day and where it is older than max_gap_s"
    return (
        optional("book_ts_ns", _INT, f"event time of the book in force; {rule}"),
        optional("depth", _INT, f"levels that both sides hold; {rule}"),
        optional("depth_bid_lots", _INT, f"sum of bid sizes, lots; {rule}"),
        optional("depth_ask_lots", _INT, f"sum of ask sizes, lots; {rule}"),
        optional("depth_imbalance_topN_bps", _INT, f"(bid - ask) / (sum + 1e-8 base units), bps, half-even; {rule}"),
        optional("impact_buy_topN_bps", _INT, f"cost of buying qty_ref over the best ask, bps; 500 if short; {rule}"),
        optional(
            "impact_sell_topN_bps", _INT, f"cost of selling qty_ref under the best bid, bps; 500 if short; {rule}"
        ),
        optional("impact_buy_topN_insufficient_depth", _INT, f"1 where impact_buy_topN_bps is 500, else 0; {rule}"),
        optional("impact_sell_topN_insufficient_depth", _INT, f"1 where impact_sell_topN_bps is 500, else 0; {rule}"),
        optional("wall_bid_score_topN_x1000", _INT, f"largest / median bid size x 1000; 1000 below 3 levels; {rule}"),
        optional("wall_ask_score_topN_x1000", _INT, f"largest / median ask size x 1000; 1000 below 3 levels; {rule}"),
        optional("qty_ref_lots", _INT, f"reference size of the impact columns, lots; {rule}"),
    )


def _flow_columns() -> tuple[Column, ...]:
    windows = "null where the window starts before the first quote or reaches over a gap"
    tape = f"{windows}, or starts before the first trade"
    return (
        required("microprice_dev_x1000", _INT, "(microprice - mid) / mid, bps x 1000, half-even"),
        optional("ofi_10s_lots", _INT, f"order flow imbalance of quotes in [t - 10 s, t], lots; {windows}"),
        required("ofi_zscore_x1000", _INT, "z-score x 1000 at the last quote, within +-5000; 0 below 30 updates"),
        *(
            optional(f"ret_{seconds}s_x1000", _INT, f"mid / mid {seconds} s ago - 1, bps x 1000, half-even; {windows}")
            for seconds in RETURN_WINDOWS_S
        ),
        *(optional(f"volume_{seconds}s_lots", _INT, f"traded size, lots; {tape}") for seconds in FLOW_WINDOWS_S),
        *(optional(f"trades_{seconds}s", _INT, f"number of prints; {tape}") for seconds in FLOW_WINDOWS_S),
        *(
            optional(f"trade_imbalance_{seconds}s_bps", _INT, f"(buy - sell) / (buy + sell), bps; 0 if none; {tape}")
            for seconds in FLOW_WINDOWS_S
        ),
        *(
            optional(f"range_{seconds}s_x1000", _INT, f"(highest - lowest mid) / mid, bps x 1000; {windows}")
            for seconds in RANGE_WINDOWS_S
        ),
        required("quote_age_ms", _INT, "age of the quote in force, whole ms"),
        required("gap", pl.Boolean(), f"true where a gap in the quotes ended within {LONGEST_WINDOW_S} s before"),
    )


SNAPSHOTS = Table(
    name="silver/snapshots",
    doc="One row a grid second inside the session while the quote is fresh: all that is known at ts_ns, nothing later.",
    columns=(
        DAY,
        VENUE,
        SYMBOL,
        required("ts_ns", _INT, "grid time, ns UTC; the row holds every event with ts <= ts_ns"),
        required("quote_ts_ns", _INT, "event time of the quote in force"),
        optional("trade_ts_ns", _INT, "event time of the last print; null before the first print of the day"),
        *_l1_columns(),
        *_l2_columns(),
        *_flow_columns(),
    ),
    sort_by=("venue", "symbol", "ts_ns"),
    key=("venue", "symbol", "ts_ns"),
)

SILVER_MARKET = (BARS, SNAPSHOTS)
"""Silver tables that are built from Bronze alone."""
