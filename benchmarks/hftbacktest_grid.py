"""A fixed grid whose orders change sides when they are filled, traded in hftbacktest.

The lines, the flips and the latency are those of grinder_resources.simulation; the grid is never moved and its position
has no limit. The strategy is compiled and wakes up on every event that reaches it: with a feed on quotes and prints
too, without one only on answers to its orders. An order that was refused because it would have crossed is sent again
on the first quote that it would not; without a feed it never is.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
import polars as pl
from hftbacktest import (
    EXPIRED,
    FILLED,
    GTX,
    LIMIT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
    ROIVectorMarketDepthBacktest,
)
from numpy.typing import NDArray

from benchmarks.hftbacktest_feed import Events
from grinder_resources.contracts.simulation import Costs, GridParameters
from grinder_resources.simulation.grid_orders import line_ticks

Ints, Floats = NDArray[np.int64], NDArray[np.float64]

FOREVER_NS = 10**18
FEED, ANSWER = 2, 3
"""What ends a wait, in hftbacktest's numbers."""


class Slots(NamedTuple):
    """The orders of a grid, one row a line, and when they are sent.

    line: its number; side: +1 if it buys first; prices: (lines, 2), at first and after the flip; size_lots: of each.
    """

    line: Ints
    side: Ints
    prices: Floats
    size_lots: float
    sent_ns: int


@dataclass(frozen=True)
class Exchange:
    """How hftbacktest is set up: partial fills or whole ones, and a book in a vector, which is quicker, or in a map."""

    partial: bool = False
    vector: bool = False


def slots_of(centre_half_ticks: int, grid: GridParameters, sent_ns: int) -> Slots:
    """Return the orders of a grid around a centre, by the simulator's own rule for lines."""
    rows = []
    for level in range(1, grid.levels + 1):
        for side in (1, -1):
            opening = line_ticks(centre_half_ticks, -side * level, grid.spacing_x1000, 1)
            # A line is rounded away from the centre, and the centre away from the order that opens.
            inner = -(side * -centre_half_ticks // 2) * side
            if level > 1:
                inner = line_ticks(centre_half_ticks, -side * (level - 1), grid.spacing_x1000, 1)
            closing = max(side * inner, side * opening + 1) * side
            rows.append((-side * level, side, opening, closing))
    columns = np.array(rows).T
    return Slots(columns[0].copy(), columns[1].copy(), columns[2:].T.astype(np.float64), float(grid.size_lots), sent_ns)


def trade(events: Events, slots: Slots, costs: Costs, exchange: Exchange) -> tuple[pl.DataFrame, int]:
    """Return the fills of one run (ts_ns, line, side, price_ticks, size_lots), and the code of what ended it.

    1 = the end of the data. Orders stand in the book one nanosecond earlier than the latency says, because ours stand
    before events of that very time and theirs after them.
    """
    fills = np.zeros((events.size, 5), np.int64)
    backtest = _backtest(events, costs, exchange)
    count, ended = _trade(backtest, slots, fills)
    backtest.close()
    frame = pl.DataFrame(fills[:count], schema=["ts_ns", "line", "side", "price_ticks", "size_lots"])
    return frame.with_columns(line=pl.Series(slots.line[fills[:count, 1]])), ended


def _backtest(events: Events, costs: Costs, exchange: Exchange) -> object:
    low, high = events["px"].min(), events["px"].max()
    asset = (
        BacktestAsset()
        .data([events])
        .linear_asset(1.0)
        .constant_order_latency(costs.order_latency_ns - 1, costs.feed_latency_ns)
        .risk_adverse_queue_model()
        .tick_size(1.0)
        .lot_size(1.0)
        .trading_value_fee_model(costs.maker_fee_ppm / 1e6, costs.taker_fee_ppm / 1e6)
        .last_trades_capacity(0)
    )
    asset = asset.partial_fill_exchange() if exchange.partial else asset.no_partial_fill_exchange()
    if exchange.vector:
        return ROIVectorMarketDepthBacktest([asset.roi_lb(low).roi_ub(high)])
    return HashMapMarketDepthBacktest([asset])


class _Orders(NamedTuple):
    """What the strategy knows of each line.

    number: of its order; flipped: 1 if that is the second one; left: its lots not filled yet; refused: 1 while it waits
    for a quote that it does not cross; waiting: how many are refused.
    """

    number: Ints
    flipped: Ints
    left: Floats
    refused: Ints
    waiting: Ints


@numba.njit
def _trade(backtest: object, slots: Slots, fills: Ints) -> tuple[int, int]:
    """Trade until the data end, or hftbacktest's patience; write rows of fills and return how many there are."""
    size = slots.line.size
    zeros, left = np.zeros((4, size), np.int64), np.full(size, slots.size_lots)
    orders = _Orders(zeros[0], zeros[1], left, zeros[2], zeros[3])
    count = 0
    backtest.elapse(0)
    backtest.elapse(slots.sent_ns - backtest.current_timestamp)
    for slot in range(size):
        _send(backtest, slots, orders, slot)
    while True:
        woken = backtest.wait_next_feed(True, FOREVER_NS)
        if woken not in (FEED, ANSWER):
            return count, woken
        if orders.waiting[0] > 0:
            _send_again(backtest, slots, orders)
        if woken == ANSWER:
            for slot in range(size):
                count = _answer(backtest, slots, orders, slot, fills, count)
            backtest.clear_inactive_orders(0)


@numba.njit
def _send(backtest: object, slots: Slots, orders: _Orders, slot: int) -> None:
    """Send the order that a line has now; its number never meets that of another line's."""
    orders.number[slot] += slot + 1 if orders.number[slot] == 0 else slots.line.size
    price = slots.prices[slot, orders.flipped[slot]]
    if slots.side[slot] * (1 - 2 * orders.flipped[slot]) > 0:
        backtest.submit_buy_order(0, orders.number[slot], price, slots.size_lots, GTX, LIMIT, False)
    else:
        backtest.submit_sell_order(0, orders.number[slot], price, slots.size_lots, GTX, LIMIT, False)


@numba.njit
def _send_again(backtest: object, slots: Slots, orders: _Orders) -> None:
    """Send the orders that were refused because they would have crossed, and no longer would."""
    depth = backtest.depth(0)
    for slot in range(slots.line.size):
        price = slots.prices[slot, orders.flipped[slot]]
        buys = slots.side[slot] * (1 - 2 * orders.flipped[slot]) > 0
        if orders.refused[slot] == 1 and (price < depth.best_ask if buys else price > depth.best_bid):
            orders.refused[slot] = 0
            orders.waiting[0] -= 1
            _send(backtest, slots, orders, slot)


@numba.njit
def _answer(backtest: object, slots: Slots, orders: _Orders, slot: int, fills: Ints, count: int) -> int:  # noqa: PLR0917 - compiled
    """Take what the exchange says of a line's order: note its fills, and turn it once it is filled whole."""
    order = backtest.orders(0).get(orders.number[slot])
    if order is None:
        return count
    if order.leaves_qty < orders.left[slot]:
        row = fills[count]
        row[0], row[1] = order.exch_timestamp, slot
        row[2], row[3] = slots.side[slot] * (1 - 2 * orders.flipped[slot]), order.price_tick
        row[4] = round(orders.left[slot] - order.leaves_qty)
        orders.left[slot] = order.leaves_qty
        count += 1
    if order.status == FILLED:
        orders.flipped[slot] = 1 - orders.flipped[slot]
        orders.left[slot] = slots.size_lots
        _send(backtest, slots, orders, slot)
    elif order.status == EXPIRED and orders.refused[slot] == 0:
        orders.refused[slot] = 1
        orders.waiting[0] += 1
    return count
