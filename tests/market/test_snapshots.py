"""silver/snapshots against its slow twin, and the laws it keeps."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from grinder_resources.contracts.bronze import DEPTH, QUOTES, TRADES
from grinder_resources.contracts.instruments import Instrument
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.errors import OutOfRange, UnknownName
from grinder_resources.market.engine import SnapshotEngine
from grinder_resources.market.snapshots import SnapshotConfig, build_snapshots, quotes_from_depth
from tests.market.days import AAA, DAY, KEY, MIDNIGHT, SECOND, books_at, quotes_at, random_day, trades_at
from tests.market.reference_snapshots import comparable, reference_rows

FAST = SnapshotConfig(bar_interval_ms=20_000, atr_period=5, range_horizon=7, max_bars=30)


def build(quotes, trades=None, depth=None, config=None, instrument=AAA):
    trades = TRADES.empty() if trades is None else trades
    depth = DEPTH.empty() if depth is None else depth
    return build_snapshots(quotes, trades, depth, {KEY: instrument}, DAY, config=config)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("config", "lot"), [(FAST, "0.001"), (replace(FAST, grid_ms=500, max_gap_s=45), "0.03"), (FAST, "1")]
)
def test_every_row_equals_the_slow_twin(seed, config, lot):
    """Each column of each row equals the value computed from scratch in exact fractions."""
    instrument = replace(AAA, lot_size=Decimal(lot))
    quotes, trades, depth = random_day(seed, span_s=700, quotes=380)
    built = list(comparable(build(quotes, trades, depth, config, instrument), instrument, config))
    lots = config.qty_ref_lots(instrument.lot_size)
    expected = reference_rows(quotes, trades, depth, instrument, MIDNIGHT, config, lots)
    assert len(built) == len(expected) > 500
    for ours, theirs in zip(built, expected, strict=True):
        assert ours == theirs


@pytest.mark.parametrize("seed", range(3))
def test_batch_stream_and_chunks_give_the_same_rows(seed):
    """A day fed at once, in uneven pieces, or second by second, gives the same rows."""
    day = random_day(seed)
    whole = build(*day, config=FAST)
    for step in (7, 311):
        engine = SnapshotEngine(AAA, DAY, FAST)
        edges = [MIDNIGHT + second * SECOND for second in range(0, 1400, step)]
        pieces = []
        for begin, end in zip([0, *edges], [*edges, MIDNIGHT + 86_400 * SECOND - 1], strict=True):
            parts = [frame.filter(pl.col("ts_ns").is_between(begin, end, closed="right")) for frame in day]
            pieces.append(engine.feed(*parts, until_ns=end))
        assert_frame_equal(pl.concat(pieces), whole)


def test_tick_by_tick_gives_the_same_rows():
    """Fed quote by quote, each row comes out with the first event after its time."""
    quotes = random_day(5, span_s=200, quotes=150)[0].unique("ts_ns", keep="last").sort("ts_ns")
    engine = SnapshotEngine(AAA, DAY, FAST)
    rows = []
    for tick in quotes.iter_slices(1):
        ts = tick["ts_ns"].item()
        rows.append(engine.feed(until_ns=ts - 1))
        rows.append(engine.feed(tick, until_ns=ts))
        assert rows[-1]["ts_ns"].to_list() == ([ts] if ts % SECOND == 0 else [])
    rows.append(engine.feed())
    assert_frame_equal(pl.concat(rows), build(quotes, config=FAST))


@pytest.mark.parametrize("seed", range(4))
def test_rows_know_nothing_of_what_follows(seed):
    """Cutting off or changing everything after t leaves the rows up to t as they are."""
    day = random_day(seed)
    cut = MIDNIGHT + (200 + 150 * seed) * SECOND
    before = build(*day, config=FAST).filter(pl.col("ts_ns") <= cut)
    for later in ("dropped", "changed"):
        other = [_after(frame, cut, later) for frame in day]
        assert_frame_equal(build(*other, config=FAST).filter(pl.col("ts_ns") <= cut), before)


def _after(frame, cut, later):
    if later == "dropped":
        return frame.filter(pl.col("ts_ns") <= cut)
    names = [name for name in frame.columns if name.endswith(("_ticks", "_lots"))]
    doubled = [pl.when(pl.col("ts_ns") > cut).then(pl.col(name) * 2).otherwise(pl.col(name)) for name in names]
    return frame.with_columns(doubled)


def test_order_of_input_rows_does_not_matter():
    """Shuffled Bronze rows are brought into Bronze order first."""
    day = random_day(1)
    shuffled = [frame.sample(fraction=1, shuffle=True, seed=3) for frame in day]
    assert_frame_equal(build(*shuffled, config=FAST), build(*day, config=FAST))


def test_instruments_of_the_same_symbol_on_two_venues_stay_apart():
    """The key is (venue, symbol); each instrument's rows are those it has alone."""
    other = Instrument("other", "AAA", Decimal("0.01"), Decimal(1))
    first, second = random_day(1), random_day(2, instrument=other)
    both = [pl.concat(pair) for pair in zip(second, first, strict=True)]
    built = build_snapshots(*both, {KEY: AAA, ("other", "AAA"): other}, DAY, config=FAST)
    assert_frame_equal(built.filter(venue="demo"), build(*first, config=FAST))
    assert_frame_equal(
        built.filter(venue="other"), build_snapshots(*second, {("other", "AAA"): other}, DAY, config=FAST)
    )


def test_no_row_is_carried_over_a_gap():
    """Rows stop 60 s after the last quote, start again with the next one, and no window reaches over the gap."""
    frame = build(quotes_at([0, 100, 200], [1000, 1010, 1020], [1002, 1012, 1022]))
    seconds = ((frame["ts_ns"] - MIDNIGHT) // SECOND).to_list()
    assert seconds == [*range(61), *range(100, 161), *range(200, 261)]
    at = dict(zip(seconds, frame.to_dicts(), strict=True))
    assert (at[30]["ret_30s_x1000"], at[31]["ret_30s_x1000"], at[29]["ret_30s_x1000"]) == (0, 0, None)
    assert (at[129]["ret_30s_x1000"], at[130]["ret_30s_x1000"]) == (None, 0)
    assert (at[60]["gap"], at[100]["gap"], at[160]["quote_age_ms"]) == (False, True, 60_000)
    assert at[109]["ofi_10s_lots"] is None
    assert at[110]["ofi_10s_lots"] == 0


def test_a_longer_gap_limit_bridges_the_gap():
    """max_gap_s changes where rows stop and which windows are known."""
    quotes = quotes_at([0, 100], [1000, 1010], [1002, 1012])
    assert build(quotes).height == 122
    bridged = build(quotes, config=SnapshotConfig(max_gap_s=100))
    assert bridged.height == 201
    assert bridged.filter(ts_ns=MIDNIGHT + 100 * SECOND)["ret_60s_x1000"].to_list() == [99_900]


def test_a_book_is_not_carried_over_a_gap():
    """Book columns are null before the first book and when it is older than max_gap_s."""
    quotes = quotes_at(range(0, 200, 10), 1000, 1001)
    frame = build(quotes, depth=books_at([50], [[(1000, 5)]], [[(1001, 4)]]))
    known = frame.filter(pl.col("book_ts_ns").is_not_null())
    assert ((known["ts_ns"] - MIDNIGHT) // SECOND).to_list() == list(range(50, 111))
    assert known.select("depth", "depth_bid_lots", "qty_ref_lots").row(0) == (1, 5, 3)
    assert frame.filter(pl.col("book_ts_ns").is_null())["qty_ref_lots"].null_count() == frame.height - 61


def test_tape_windows_are_left_open_and_wait_for_the_first_trade():
    """A window (t - 10 s, t] leaves out the trade at its start; before it reaches the first trade it is null."""
    quotes = quotes_at(range(40), 1000, 1001)
    frame = build(quotes, trades_at([10, 15, 20], [5, 3, 1], [1, -1, 0]))
    at = frame.filter(pl.col("ts_ns").is_in([MIDNIGHT + second * SECOND for second in (19, 20, 25, 31)]))
    assert at["volume_10s_lots"].to_list() == [None, 4, 1, 0]
    assert at["trades_10s"].to_list() == [None, 2, 1, 0]
    assert at["trade_imbalance_10s_bps"].to_list() == [None, -10_000, 0, 0]
    assert build(quotes)["volume_10s_lots"].null_count() == 100


def test_rows_stay_inside_the_session_but_know_what_came_before():
    """Quotes before the open warm the bars up; rows are written from open to close."""
    quotes = quotes_at(range(0, 3600, 5), 1000, 1001)
    session = replace(AAA, session="00:30-00:40 UTC")
    frame = build(quotes, instrument=session)
    assert (frame["ts_ns"].min() - MIDNIGHT, frame["ts_ns"].max() - MIDNIGHT) == (1800 * SECOND, 2399 * SECOND)
    assert frame["warmup_bars"].to_list()[0] == 30


def test_quotes_are_taken_from_depth_where_there_are_none():
    """The best levels of two-sided books stand in for missing quotes."""
    depth = books_at([1, 2, 3], [[(999, 5), (998, 1)], [(998, 6)], []], [[(1001, 4)], [(1002, 3)], [(1001, 2)]])
    best = quotes_from_depth(depth)
    assert best.schema == QUOTES.schema
    assert best.select("bid_ticks", "bid_lots", "ask_ticks", "ask_lots").rows() == [
        (999, 5, 1001, 4),
        (998, 6, 1002, 3),
    ]
    assert_frame_equal(build(QUOTES.empty(), depth=depth), build(best, depth=depth))


def test_an_empty_day_has_no_rows():
    """No events, no rows, the contract's columns."""
    assert build(QUOTES.empty()).equals(SNAPSHOTS.empty())


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"grid_ms": 500}, "ts_ns"),
        ({"bar_interval_ms": 10_000}, "warmup_bars"),
        ({"atr_period": 4}, "natr_bps"),
        ({"range_horizon": 4}, "sum_abs_returns_bps"),
        ({"max_bars": 8}, "warmup_bars"),
        ({"max_gap_s": 20}, "ret_300s_x1000"),
        ({"qty_ref": Decimal("0.03")}, "impact_buy_topN_bps"),
    ],
)
def test_every_parameter_changes_the_result(change, column):
    """A documented parameter that does nothing is a lie."""
    day = random_day(2)
    assert not build(*day, config=FAST)[column].equals(build(*day, config=replace(FAST, **change))[column])


@pytest.mark.parametrize(
    ("lot", "expected"), [("0.001", 3), ("0.002", 2), ("0.00001", 300), ("0.01", 1), ("1", 100), ("10", 100)]
)
def test_the_reference_size_is_whole_lots(lot, expected):
    """0.003 base units, rounded up to a lot; a hundred lots where only whole units trade."""
    assert SnapshotConfig().qty_ref_lots(Decimal(lot)) == expected


@pytest.mark.parametrize("change", [{"grid_ms": 300}, {"max_bars": 0}, {"qty_ref": Decimal("NaN")}, {"max_gap_s": -1}])
def test_bad_parameters_are_refused(change):
    """Parameters that make no sense are refused when they are written down."""
    with pytest.raises(OutOfRange):
        SnapshotConfig(**change)


def test_an_instrument_without_units_is_refused():
    """Ticks without a tick size mean nothing."""
    with pytest.raises(UnknownName, match="demo:AAA"):
        build_snapshots(quotes_at([1], 1, 2), TRADES.empty(), DEPTH.empty(), {}, DAY)


def test_events_of_another_day_are_refused():
    """A day holds its own events only, and an engine takes no event twice."""
    with pytest.raises(OutOfRange, match="another day"):
        build_snapshots(quotes_at([1], 1, 2), TRADES.empty(), DEPTH.empty(), {KEY: AAA}, DAY - timedelta(days=1))
    engine = SnapshotEngine(AAA, DAY)
    engine.feed(quotes_at([5], 1000, 1001), until_ns=MIDNIGHT + 6 * SECOND)
    with pytest.raises(OutOfRange, match="late"):
        engine.feed(quotes_at([6], 1000, 1001))


@pytest.mark.parametrize("level", [(0, 5), (1000, 0), (1 << 50, 1), (1000, 1 << 46), (-5, 1)])
def test_book_levels_beyond_the_exact_range_are_refused(level):
    """A level that is not positive, or too large, stops the build."""
    with pytest.raises(OutOfRange, match="book level"):
        build(quotes_at([1, 2], 1000, 1001), depth=books_at([1], [[level]], [[(1001, 5)]]))


def test_events_out_of_order_are_refused():
    """The engine takes events in time order only; it never sorts what it is fed live."""
    with pytest.raises(OutOfRange, match="out of order"):
        SnapshotEngine(AAA, DAY).feed(quotes_at([3, 2, 4], 1000, 1001))


@pytest.mark.parametrize(
    "quotes",
    [
        quotes_at([1], 1000, 1 << 50),
        quotes_at([1], 1000, 1001, bid_lots=1 << 46),
        quotes_at([1], 1000, 1000 + (1 << 38)),
        quotes_at([1], 1000, 999),
        quotes_at([1], 1000, 1001, ask_lots=0),
    ],
)
def test_numbers_beyond_the_exact_range_are_refused(quotes):
    """No overflow is ever silent."""
    with pytest.raises(OutOfRange, match="exact range"):
        build(quotes)


@pytest.mark.parametrize(("trades", "refused"), [(8192, False), (8193, True)])
def test_a_days_volume_beyond_the_exact_range_is_refused(trades, refused):
    """The largest prints there are, one too many of them: 2^59 lots is the border, to the lot."""
    tape = trades_at(np.arange(trades) / 1000, (1 << 46) - 1, 1)
    expected = pytest.raises(OutOfRange, match="volume") if refused else nullcontext()
    with expected:
        build(quotes_at([1], 1000, 1001), tape)
