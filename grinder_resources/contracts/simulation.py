"""What the grid simulator is told: one grid, what trading costs, and what it answers with.

Money is exact: a price in ticks times a size in lots is an amount in *tick-lots*, and every amount here is an integer
of 10^-6 tick-lots, "micros". Fees are parts per million of the traded amount, so that they are whole micros.
"""

from dataclasses import dataclass

import polars as pl

from grinder_resources.contracts.table import Table, optional, required
from grinder_resources.errors import OutOfRange

MICROS = 1_000_000
"""Micros in one tick-lot."""

WHOLE_X1000 = 10_000_000
"""100 %, bps x 1000."""

NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class GridParameters:
    """A grid of limit orders around a centre.

    spacing_x1000
        Distance between two lines, bps x 1000 of the centre.
    levels
        Lines on each side.
    size_lots
        Size of each order, lots.
    recentre_x1000
        The grid is taken down and built again around the mid once that is further than this from its centre, bps x
        1000. What it holds by then is sold or bought back at the market.
    max_position_lots
        Orders that could make the position, long or short, larger than this are held back.
    price_step_ticks
        Step of the venue's prices: orders stand on multiples of it. Ticks may be finer, and an order between two steps
        would stand in front of everybody, where nobody can stand.
    """

    spacing_x1000: int
    levels: int
    size_lots: int
    recentre_x1000: int
    max_position_lots: int
    price_step_ticks: int = 1

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise OutOfRange(f"{name} of a grid", got=str(value), expected=">= 1")


@dataclass(frozen=True)
class Costs:
    """What trading costs, in money and in time.

    maker_fee_ppm, taker_fee_ppm
        Parts per million of the traded amount; 100 ppm are one bps. A negative maker fee is a rebate.
    feed_latency_ns, order_latency_ns
        From an event to the strategy, and from the strategy to the book.
    """

    maker_fee_ppm: int = 200
    taker_fee_ppm: int = 400
    feed_latency_ns: int = 10 * NS_PER_MS
    order_latency_ns: int = 10 * NS_PER_MS

    def __post_init__(self) -> None:
        for name in ("feed_latency_ns", "order_latency_ns"):
            if getattr(self, name) < 0:
                raise OutOfRange(f"{name} of a simulation", got=str(getattr(self, name)), expected=">= 0")

    @property
    def reaction_ns(self) -> int:
        """From an event to the order that answers it standing in the book."""
        return self.feed_latency_ns + self.order_latency_ns


@dataclass(frozen=True)
class Step:
    """From `from_ns` on the grid is this one; None = no grid, flat."""

    from_ns: int
    grid: GridParameters | None


@dataclass(frozen=True)
class Episode:
    """One run of a strategy: flat at `start_ns`, flat again at `end_ns`, with steps in the order of their times.

    The first step starts with the episode.
    """

    start_ns: int
    end_ns: int
    steps: tuple[Step, ...]


_INT = pl.Int64()

SUMMARY = Table(
    name="simulation/summary",
    doc="One row an episode: what it earned, what that cost, and how it got there.",
    columns=(
        required("episode", _INT, "number of the episode, from 0"),
        required("start_ns", _INT, "its start"),
        required("end_ns", _INT, "its end"),
        required("capital_micros", _INT, "largest max_position_lots of its steps at the first mid; 0 without a mid"),
        required("pnl_micros", _INT, "money at the end, after every fee and after the position was closed"),
        required("fees_micros", _INT, "fees paid, less rebates"),
        required("funding_micros", _INT, "funding paid, less received"),
        required("maker_fills", _INT, "fills of resting orders, part fills included"),
        required("taker_fills", _INT, "fills at the market, when a grid is taken down"),
        required("maker_lots", _INT, "lots of the one"),
        required("taker_lots", _INT, "lots of the other"),
        required("orders", _INT, "limit orders that came to stand in the book"),
        required("orders_filled", _INT, "of them, filled whole"),
        required("round_trips", _INT, "lines that were bought and sold back, or sold and bought back, by limit orders"),
        required("round_trip_micros", _INT, "what these earned, after their fees"),
        required("round_trip_tick_lots", _INT, "amount of their first orders, tick-lots"),
        required("recentres", _INT, "times the grid was built again because the mid had left it"),
        required("max_drawdown_micros", _INT, "largest fall of the money from an earlier height, over the NAV samples"),
        required("max_position_lots", _INT, "largest position, long or short"),
    ),
    sort_by=("episode",),
    key=("episode",),
)

NAV = Table(
    name="simulation/nav",
    doc="Money and position of every episode on a grid of seconds: cash and position at the mid, less fees so far.",
    columns=(
        required("episode", _INT, "number of the episode"),
        required("ts_ns", _INT, "time of the sample: all events with ts <= it have happened; the last one is the end"),
        required("nav_micros", _INT, "cash + position x mid - fees - funding; 0 at the start"),
        required("fees_micros", _INT, "fees so far"),
        required("position_lots", _INT, "position, short below 0"),
        required("mid_half_ticks", _INT, "mid in force; 0 before the first quote"),
    ),
    sort_by=("episode", "ts_ns"),
    key=("episode", "ts_ns"),
)

FILLS = Table(
    name="simulation/fills",
    doc="Every fill of every episode, in the order they happened.",
    columns=(
        required("episode", _INT, "number of the episode"),
        required("fill", _INT, "number within the episode, from 0"),
        required("ts_ns", _INT, "time of the event that filled; at the market, when the grid was taken down"),
        optional("line", _INT, "line of the grid, below 0 under the centre; null at the market"),
        required("side", pl.Int8(), "+1 bought, -1 sold"),
        required("price_ticks", _INT, "price, ticks"),
        required("size_lots", _INT, "size, lots"),
        required("is_maker", pl.Boolean(), "whether a resting order was filled"),
        required("fee_micros", _INT, "fee, below 0 a rebate"),
        required("position_lots", _INT, "position after it"),
    ),
    sort_by=("episode", "fill"),
    key=("episode", "fill"),
)

FUNDING = Table(
    name="simulation/funding",
    doc="Funding of one instrument: at each time the position at the mid, times the rate, is paid.",
    columns=(
        required("ts_ns", _INT, "time"),
        required(
            "rate_ppm", _INT, "rate, parts per million; longs pay a positive one", at_least=-MICROS, at_most=MICROS
        ),
    ),
    sort_by=("ts_ns",),
)

PERFORMANCE = Table(
    name="simulation/performance",
    doc="One row an episode: what it was worth. All integers, each rounded half-even once.",
    columns=(
        required("episode", _INT, "number of the episode"),
        optional("pnl_x1000", _INT, "money at the end, bps x 1000 of the capital; null without capital"),
        optional("fees_x1000", _INT, "fees, bps x 1000 of the capital; null without capital"),
        optional(
            "max_drawdown_x1000", _INT, "largest fall of the money, bps x 1000 of the capital; null without capital"
        ),
        optional(
            "sharpe_x1000", _INT, "mean / population std of NAV changes x sqrt(samples a day) x 1000; null if std = 0"
        ),
        optional("sortino_x1000", _INT, "the same over the root of the mean square of the losses; null without a loss"),
        optional("fill_rate_bps", _INT, "orders filled whole / orders, bps; null without orders"),
        optional(
            "round_trip_x1000", _INT, "what round trips earned / amount of their first orders, bps x 1000; or null"
        ),
        optional(
            "inventory_bps", _INT, "mean |position| x mid / capital inside the episode, bps; null without samples"
        ),
    ),
    sort_by=("episode",),
    key=("episode",),
)
