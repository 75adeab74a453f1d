"""Orders put together from their events: when each was placed, when and how it ended, and what of it was filled."""

import polars as pl

from grinder_resources.contracts.bronze import ORDER_EVENTS

_ORDER = ("venue", "symbol", "order_id")
_TERMS = ("side", "price_ticks", "size_lots")

ASSEMBLED = pl.Schema(
    {
        "venue": pl.String(),
        "symbol": pl.String(),
        "order_id": pl.String(),
        "side": pl.Int8(),
        "price_ticks": pl.Int64(),
        "size_lots": pl.Int64(),
        "outcome": pl.String(),
        "placed_ns": pl.Int64(),
        "first_fill_ns": pl.Int64(),
        "finished_ns": pl.Int64(),
        "filled_lots": pl.Int64(),
        "time_to_fill_ns": pl.Int64(),
        "fault": pl.String(),
    }
)
"""Columns of `assemble_orders`."""

_EVENT, _FILLED = pl.col("event"), pl.col("filled_lots")
_IS_FILL, _IS_END = _EVENT.is_in(["part", "filled"]), _EVENT.is_in(["filled", "cancelled"])


def assemble_orders(events: pl.DataFrame) -> pl.DataFrame:
    """Return one row an order (columns of ASSEMBLED), sorted by venue, symbol and order id.

    events
        Rows of `bronze/orders`, of as many days as the orders' lives last, in any order.

    outcome is 'filled' (whole), 'part' (cancelled after a fill), 'cancelled' (without one) or 'open' (no end among the
    events; what is filled so far stands in filled_lots). first_fill_ns is null without a fill, finished_ns while open,
    time_to_fill_ns (finished - placed) unless filled whole.

    fault is null, or why the events cannot all be true; such an order is no evidence of anything: 'not_placed' (its
    first event is not its placement), 'placed_twice', 'terms_differ' (side, price or size), 'after_end' (something
    happened after it was filled or cancelled), 'fills_disagree' (a fill that adds nothing, or a cancelled order whose
    fills do not add up to what it says).
    """
    rank = _EVENT.replace_strict(dict(zip(ORDER_EVENTS, (0, 1, 2, 2), strict=True)), return_dtype=pl.Int8)
    # What happened at one time is told in the only order in which it may have happened; the rest makes the order total.
    lives = events.sort(*_ORDER, "ts_ns", rank, "filled_lots", *_TERMS)
    time = pl.col("ts_ns")
    orders = lives.group_by(_ORDER, maintain_order=True).agg(
        pl.col(_TERMS).first(),
        placed_ns=time.filter(_EVENT == "placed").first(),
        first_fill_ns=time.filter(_IS_FILL).first(),
        finished_ns=time.filter(_IS_END).first(),
        end=_EVENT.filter(_IS_END).first(),
        filled_lots=_FILLED.max(),
        fault=_fault(),
    )
    whole = (pl.col("end") == "filled") & pl.col("fault").is_null()
    return orders.with_columns(
        outcome=pl.when(pl.col("end").is_null())
        .then(pl.lit("open"))
        .when((pl.col("end") == "cancelled") & (pl.col("filled_lots") > 0))
        .then(pl.lit("part"))
        .otherwise("end"),
        time_to_fill_ns=pl.when(whole).then(pl.col("finished_ns") - pl.col("placed_ns")),
    ).select(ASSEMBLED.names())


def _fault() -> pl.Expr:
    """Return the first reason why the events of one order, sorted, cannot all be true."""
    added = _FILLED.diff()
    disagree = (_IS_FILL & (added <= 0)) | ((_EVENT == "cancelled") & (added != 0))
    return (
        pl.when(_EVENT.first() != "placed")
        .then(pl.lit("not_placed"))
        .when((_EVENT == "placed").sum() > 1)
        .then(pl.lit("placed_twice"))
        .when(pl.struct(_TERMS).n_unique() > 1)
        .then(pl.lit("terms_differ"))
        .when(_IS_END.slice(0, pl.len() - 1).any())
        .then(pl.lit("after_end"))
        .when(disagree.any())
        .then(pl.lit("fills_disagree"))
    )
