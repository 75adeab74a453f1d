from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.contracts.bronze import QUOTES, TRADES
from grinder_resources.contracts.simulation import Costs, Episode, GridParameters, Step
from grinder_resources.errors import OutOfRange
from grinder_resources.simulation.grid import simulate
from grinder_resources.simulation.probes import probe
from tests.simulation.probe_reference import watched
from tests.simulation.tapes import tape

FOREVER = 10**6
Quote = tuple[int, int, int, int, int]
Print = tuple[int, int, int, int]


def quotes_of(rows: list[Quote]) -> pl.DataFrame:
    """Return bronze/quotes of (ts, bid, bid lots, ask, ask lots)."""
    names = ("ts_ns", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
    return _frame(QUOTES.schema, names, rows)


def trades_of(rows: list[Print]) -> pl.DataFrame:
    """Return bronze/trades of (ts, price, size, aggressor)."""
    return _frame(TRADES.schema, ("ts_ns", "price_ticks", "size_lots", "aggressor"), rows)


def _frame(schema: pl.Schema, names: tuple[str, ...], rows: list[tuple[int, ...]]) -> pl.DataFrame:
    fixed = {"date": date(1970, 1, 1), "venue": "demo", "symbol": "A", "recv_ns": None, "trade_id": None}
    columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {name: [] for name in names}
    columns |= {"seq": list(range(len(rows)))} | {name: [value] * len(rows) for name, value in fixed.items()}
    return pl.DataFrame({name: columns[name] for name in schema}, schema=schema)


def probed(
    quotes: list[Quote],
    trades: list[Print],
    *orders: tuple[int, int, int, int],
    horizon: int = FOREVER,
    end: int = FOREVER,
    gap: int = FOREVER,
) -> list[tuple[int | None, int | None, int]]:
    """Return (lots in front, filled after, watched) of orders (ts, side, price, size)."""
    placed = pl.DataFrame(orders, schema=["ts_ns", "side", "price_ticks", "size_lots"], orient="row")
    answer = probe(quotes_of(quotes), trades_of(trades), placed, horizon_ns=horizon, end_ns=end, max_gap_ns=gap)
    return answer.rows()


BOOK = [(10, 100, 5, 102, 7), (1_000, 100, 5, 102, 7)]


def test_a_print_at_the_price_takes_what_stands_in_front_first() -> None:
    """5 lots stand at 100: after prints of 4 and 2 one lot of ours is filled, after 1 more both."""
    trades = [(20, 100, 4, -1), (30, 100, 2, -1), (40, 100, 1, -1)]
    assert probed(BOOK, trades, (10, 1, 100, 2)) == [(5, 30, 990)]


def test_only_those_who_take_from_our_side_reach_us() -> None:
    """A buyer lifts no bid; a print of unknown side may have."""
    trades = [(20, 100, 9, 1), (30, 100, 9, 0)]
    assert probed(BOOK, trades, (10, 1, 100, 2)) == [(5, 20, 990)]
    assert probed(BOOK, [(20, 102, 9, -1), (30, 102, 9, 1)], (10, -1, 102, 2)) == [(7, 20, 990)]


def test_a_print_beyond_the_price_fills_whole() -> None:
    """Whatever stood in front, and whoever took."""
    assert probed(BOOK, [(25, 99, 1, 1)], (10, 1, 100, 50)) == [(5, 15, 990)]
    assert probed(BOOK, [(25, 103, 1, -1)], (10, -1, 102, 50)) == [(7, 15, 990)]


def test_the_other_side_coming_to_the_price_fills_whole() -> None:
    """Nobody offers at what somebody bids."""
    quotes = [(10, 100, 5, 102, 7), (50, 98, 5, 99, 7), (1_000, 98, 5, 99, 7)]
    assert probed(quotes, [], (10, 1, 99, 50)) == [(None, 40, 990)]


def test_an_order_of_its_own_price_stands_first() -> None:
    """Between the quotes nobody is in front."""
    assert probed(BOOK, [(20, 101, 2, -1)], (10, 1, 101, 2)) == [(0, 10, 990)]


def test_what_others_cancel_is_seen_when_less_is_shown() -> None:
    """Of 5 lots 1 is left: it and the order are taken by a print of 3."""
    quotes = [(10, 100, 5, 102, 7), (20, 100, 1, 102, 7), (25, 100, 90, 102, 7), (1_000, 100, 90, 102, 7)]
    assert probed(quotes, [(30, 100, 3, -1)], (10, 1, 100, 2)) == [(5, 20, 990)]


def test_nobody_knows_what_stands_deeper_until_it_is_shown() -> None:
    """A print at 99 says nothing while the best bid is 100; once 99 is shown with 3 lots, those come first."""
    quotes = [(10, 100, 5, 102, 7), (50, 99, 3, 102, 7), (1_000, 99, 3, 102, 7)]
    trades = [(20, 99, 500, -1), (60, 99, 3, -1), (70, 99, 1, -1)]
    assert probed(quotes, trades, (10, 1, 99, 1)) == [(None, 60, 990)]


def test_at_one_time_prints_come_before_quotes() -> None:
    """The print takes from what the older quote showed; with the newer quote first it would be a fill."""
    quotes = [(10, 100, 5, 102, 7), (20, 100, 1, 102, 7), (1_000, 100, 1, 102, 7)]
    assert probed(quotes, [(20, 100, 5, -1)], (10, 1, 100, 1)) == [(5, None, 990)]


def test_an_order_stands_after_all_events_of_its_own_time() -> None:
    """A print of the same nanosecond is gone."""
    assert probed(BOOK, [(10, 99, 5, -1)], (10, 1, 100, 1)) == [(5, None, 990)]


def test_watching_ends_with_the_horizon_the_session_and_the_last_quote() -> None:
    """A fill at the very end counts, one after it does not."""
    trades = [(30, 99, 1, -1)]
    assert probed(BOOK, trades, (10, 1, 100, 1), horizon=20) == [(5, 20, 20)]
    assert probed(BOOK, trades, (10, 1, 100, 1), horizon=19) == [(5, None, 19)]
    assert probed(BOOK, trades, (10, 1, 100, 1), end=25) == [(5, None, 15)]
    assert probed(BOOK[:1], trades, (10, 1, 100, 1)) == [(5, None, 0)]


def test_watching_ends_where_the_quotes_stop() -> None:
    """The market is known up to the quote before a gap; an order placed into it is not watched at all."""
    quotes = [(10, 100, 5, 102, 7), (40, 100, 5, 102, 7), (141, 100, 5, 102, 7), (200, 100, 5, 102, 7)]
    trades = [(60, 99, 1, -1), (150, 99, 1, -1)]
    orders = [(20, 1, 100, 1), (50, 1, 100, 1), (141, 1, 100, 1)]
    assert probed(quotes, trades, *orders, gap=100) == [(5, None, 20), (5, None, 0), (5, 9, 59)]


def test_an_order_before_the_first_quote_is_refused() -> None:
    """Nothing is known of its queue."""
    with pytest.raises(OutOfRange, match="before the first quote"):
        probed(BOOK, [], (9, 1, 100, 1))


TIMES = st.integers(1, 40)
MARKET_QUOTES = st.lists(
    st.tuples(TIMES, st.integers(96, 104), st.integers(1, 6), st.integers(1, 3), st.integers(1, 6)), min_size=1
).map(lambda rows: [(ts, bid, bid_lots, bid + gap, ask_lots) for ts, bid, bid_lots, gap, ask_lots in sorted(rows)])
MARKET_TRADES = st.lists(
    st.tuples(TIMES, st.integers(95, 107), st.integers(1, 8), st.integers(-1, 1)), max_size=30
).map(sorted)


ORDERS = st.tuples(TIMES, st.sampled_from([1, -1]), st.integers(0, 5), st.integers(1, 9))


@settings(max_examples=150)
@given(MARKET_QUOTES, MARKET_TRADES, ORDERS, st.integers(1, 50))
def test_the_kernel_agrees_with_the_slow_way(
    quotes: list[Quote], trades: list[Print], placed: tuple[int, int, int, int], horizon: int
) -> None:
    """In any market, for any order that does not cross: what stands in front, and when it is filled."""
    ts, side, behind, size = placed
    ts = max(ts, quotes[0][0])
    _, bid, _, ask, _ = [quote for quote in quotes if quote[0] <= ts][-1]
    order = (ts, side, ask - 1 - behind if side == 1 else bid + 1 + behind, size)
    until = min(ts + horizon, max(quotes[-1][0], ts))
    front, filled = watched(quotes_of(quotes), trades_of(trades), order, until)
    after = None if filled is None else filled - ts
    assert probed(quotes, trades, order, horizon=horizon) == [(front, after, max(0, min(horizon, quotes[-1][0] - ts)))]


@settings(max_examples=60)
@given(MARKET_QUOTES, MARKET_TRADES, st.integers(1, 4), st.sampled_from([1, -1]))
def test_a_farther_order_is_filled_no_sooner(quotes: list[Quote], trades: list[Print], size: int, side: int) -> None:
    """What fills it has filled the nearer one before: this is why a model of fills may be monotone in distance."""
    ts = quotes[0][0]
    last = [quote for quote in quotes if quote[0] == ts][-1]
    near = last[3] - 1 if side == 1 else last[1] + 1
    orders = [(ts, side, near - side * behind, size) for behind in range(4)]
    times = [after for _, after, _ in probed(quotes, trades, *orders)]
    assert times == sorted(times, key=lambda after: FOREVER if after is None else after)


FIRST = (1, 100, 5, 102, 5)
"""Mid 101."""


@settings(max_examples=60)
@given(MARKET_QUOTES, MARKET_TRADES, st.integers(97, 100), st.integers(1, 6))
def test_a_probe_is_filled_when_the_grid_simulator_fills_its_order(
    quotes: list[Quote], trades: list[Print], price: int, size: int
) -> None:
    """The first buy of a grid of two lines, without latency, at times that no two events share."""
    later = [(100 * ts + 2 * number, *rest) for number, (ts, *rest) in enumerate(quotes)]
    prints = [(100 * ts + 2 * number + 1, *rest) for number, (ts, *rest) in enumerate(trades)]
    end = max(row[0] for row in (*later, *prints)) + 1
    market = tape([FIRST, *later, (end, *later[-1][1:])], prints)
    grid = GridParameters(int((100.5 - price) / 101 * 10**7), 1, size, 9_000_000, 10_000)
    episode = Episode(1, end + 1, (Step(1, grid),))
    fills = simulate(market, [episode], Costs(0, 0, 0, 0), nav_every_s=1, with_fills=True).fills
    bought = fills.filter(pl.col("line") == -1, pl.col("side") == 1, pl.col("is_maker"))
    whole = bought.filter(pl.col("size_lots").cum_sum() >= size)["ts_ns"].head(1).to_list()
    _, after, _ = probed([FIRST, *later, (end, *later[-1][1:])], prints, (1, 1, price, size))[0]
    assert whole == ([] if after is None else [1 + after])
