"""The bot's feature snapshots: equality with its engine on every row, golden scenarios, strict lines."""

import json
from dataclasses import astuple, fields
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.errors import CorruptFile, GrinderError, LimitExceeded, OutOfRange, SchemaMismatch
from grinder_resources.market.bot_features import iter_feature_snapshots, iter_l2_feature_snapshots
from grinder_resources.market.bot_lines import parse_book, parse_tick
from grinder_resources.market.settings import SnapshotConfig
from tests.market.reference_engine import ReferenceEngine, reference_l2

FAST = SnapshotConfig(bar_interval_ms=1000, atr_period=3, range_horizon=4, max_bars=6)


def line(ts, bid, ask, bid_qty="1", ask_qty="2", *, symbol="BTCUSDT"):
    facts = {"type": "SNAPSHOT", "ts": ts, "symbol": symbol, "bid_price": bid, "ask_price": ask}
    return json.dumps(facts | {"bid_qty": bid_qty, "ask_qty": ask_qty, "last_price": bid, "last_qty": "1"})


def texts(snapshot):
    """Decimals by their text, so that a lost trailing zero counts."""
    return [str(value) if isinstance(value, Decimal) else value for value in snapshot]


def decimals(low, high, places):
    """Numbers of changing scale, trailing zeros included."""
    return st.integers(0, places).flatmap(
        lambda digits: st.integers(low * 10**digits, high * 10**digits).map(
            lambda units: format(Decimal(units).scaleb(-digits), "f")
        )
    )


TICKS = st.lists(
    st.builds(
        line,
        ts=st.integers(0, 40_000),
        bid=decimals(90, 110, 4),
        ask=decimals(90, 110, 3),
        bid_qty=decimals(0, 50, 8),
        ask_qty=decimals(0, 50, 3),
        symbol=st.sampled_from(["A", "B"]),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(TICKS, st.booleans())
def test_every_row_equals_the_bots_engine(lines, is_sorted):
    """All twelve values agree on every tick, Decimal texts included, for late ticks and growing scales too."""
    lines = sorted(lines, key=lambda text: json.loads(text)["ts"]) if is_sorted else lines
    engine = ReferenceEngine(interval_ms=1000, atr_period=3, horizon=4, max_bars=6)
    expected = [texts(engine.process(parse_tick(json.loads(text), "line"))) for text in lines]
    assert [texts(astuple(snapshot)) for snapshot in iter_feature_snapshots(lines, FAST)] == expected


def test_a_long_walk_equals_the_bots_engine():
    """With the bot's own parameters, over more bars than it holds."""
    import numpy as np

    random = np.random.default_rng(8)
    bid = 5_000_000 + np.cumsum(random.integers(-400, 401, 2300))
    lines = [
        line(30_000 * index, f"{price / 100:.2f}", f"{(price + int(gap)) / 100:.2f}")
        for index, (price, gap) in enumerate(zip(bid.tolist(), random.integers(0, 300, bid.size), strict=True))
    ]
    engine = ReferenceEngine()
    expected = [texts(engine.process(parse_tick(json.loads(text), "line"))) for text in lines]
    ours = [texts(astuple(snapshot)) for snapshot in iter_feature_snapshots(lines)]
    assert ours == expected
    assert ours[-1][-1] == 1000


@pytest.mark.parametrize(
    ("high", "low", "close", "bars", "natr_bps"),
    [
        ("105", "95", "100", 15, 1000),
        ("100.5", "99.5", "100", 15, 100),
        ("50002.5", "49997.5", "50000", 15, 1),
        ("105", "95", "100", 14, 0),
    ],
)
def test_golden_natr(high, low, close, bars, natr_bps):
    """Fifteen equal bars give NATR = range / close in bps; fourteen give 0."""
    lines = [
        line(60_000 * bar + 10 * tick, price, price)
        for bar in range(bars)
        for tick, price in enumerate((close, high, low, close))
    ]
    snapshot = list(iter_feature_snapshots([*lines, line(60_000 * bars, close, close)]))[-1]
    assert (snapshot.warmup_bars, snapshot.natr_bps, snapshot.is_warmed_up) == (bars, natr_bps, bars == 15)


def test_golden_l1():
    """A dollar of spread at 50,000 truncates to 0 bps, and the mid keeps its zero."""
    snapshot = next(iter_feature_snapshots([line(0, "50000.00", "50001.00", "3", "1")]))
    assert texts(astuple(snapshot)) == [0, "BTCUSDT", "50000.50", 0, 5000, "1", 0, None, 0, 0, 0, 0]


BOOKS = {
    "normal": (
        "70810.90 .120 70810.50 .250 70810.00 .600 70809.50 .900 70809.00 1.200",
        "70811.10 .110 70811.50 .230 70812.00 .550 70812.50 .850 70813.00 1.100",
    ),
    "ultra_thin": (
        "70829.50 .001 70808.25 .002 70800.00 .010 70790.00 .015 70780.00 .020",
        "70830.00 .001 70851.25 .002 70860.00 .010 70870.00 .015 70880.00 .020",
    ),
    "wall_bid": (
        "70810.90 .120 70810.50 2.500 70810.00 .140 70809.50 .160 70809.00 .180",
        "70811.10 .110 70811.50 .130 70812.00 .150 70812.50 .170 70813.00 .190",
    ),
    "thin": (
        "70790.00 .010 70780.00 .012 70770.00 .015 70760.00 .020 70750.00 .030",
        "70830.00 .009 70840.00 .011 70850.00 .014 70860.00 .019 70870.00 .028",
    ),
}


def book(bids, asks, **changes):
    facts = {"type": "l2_snapshot", "v": 0, "ts_ms": 7, "symbol": "S", "venue": "V", "depth": len(bids)}
    return facts | {"bids": bids, "asks": asks, "meta": {}} | changes


def levels(text):
    words = [f"0{word}" if word.startswith(".") else word for word in text.split()]
    return [list(pair) for pair in zip(words[::2], words[1::2], strict=True)]


@pytest.mark.parametrize(
    ("name", "qty_ref", "expected"),
    [
        ("normal", "0.003", ["3.070", "2.840", 389, 0, 0, 0, 0, 2000, 2000]),
        ("ultra_thin", "0.003", ["0.048", "0.048", 0, 2, 2, 0, 0, 2000, 2000]),
        ("wall_bid", "0.003", ["3.100", "0.750", 6104, 0, 0, 0, 0, 15625, 1267]),
        ("thin", "0.003", ["0.087", "0.081", 357, 0, 0, 0, 0, 2000, 2000]),
        ("ultra_thin", "0.1", ["0.048", "0.048", 0, 500, 500, 1, 1, 2000, 2000]),
        ("thin", "0.1", ["0.087", "0.081", 357, 500, 500, 1, 1, 2000, 2000]),
        ("normal", "1", ["3.070", "2.840", 389, 0, 0, 0, 0, 2000, 2000]),
        ("wall_bid", "1", ["3.100", "0.750", 6104, 500, 0, 1, 0, 15625, 1267]),
        ("ultra_thin", "1", ["0.048", "0.048", 0, 500, 500, 1, 1, 2000, 2000]),
    ],
)
def test_golden_books(name, qty_ref, expected):
    """The contract's scenarios at three reference sizes."""
    text = json.dumps(book(*(levels(side) for side in BOOKS[name])))
    snapshot = next(iter_l2_feature_snapshots([text], Decimal(qty_ref)))
    assert texts(astuple(snapshot)) == [7, "S", "V", 5, *expected, qty_ref]


def side(sign):
    steps = st.lists(st.tuples(decimals(1, 3, 2), decimals(1, 90, 4)), min_size=5, max_size=5)
    return steps.map(lambda pairs: _cumulated(sign, pairs))


def _cumulated(sign, pairs):
    price, ordered = Decimal(1000), []
    for step, size in pairs:
        price += sign * Decimal(step)
        ordered.append([str(price), size])
    return ordered


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 5), side(-1), side(1), decimals(1, 200, 3))
def test_every_book_equals_the_bots_formulas(depth, bids, asks, qty_ref):
    """All fourteen values agree, whatever the scales, the depth and the reference size."""
    facts = book(bids[:depth], asks[:depth])
    expected = reference_l2(parse_book(facts, "line"), Decimal(qty_ref))
    snapshot = next(iter_l2_feature_snapshots([json.dumps(facts)], Decimal(qty_ref)))
    assert texts(astuple(snapshot)) == texts(expected)


PAIR = (["99", "1"], ["101", "1"])


@pytest.mark.parametrize(
    "change",
    [
        {"v": 1},
        {"v": False},
        {"type": "trade"},
        {"ts_ms": "7"},
        {"ts_ms": True},
        {"symbol": None},
        {"depth": 2},
        {"depth": True},
        {"bids": [["99", 1]]},
        {"bids": [["99", "1", "1"]]},
        {"bids": ["99"]},
        {"bids": [["99", "0"]]},
        {"bids": [["99", "NaN"]]},
        {"bids": [["Infinity", "1"]]},
        {"bids": [["-99", "1"]]},
        {"bids": [["9_9", "1"]]},
        {"bids": [["101", "1"]]},
        {"bids": [["98", "1"], ["99", "1"]], "asks": [["101", "1"], ["102", "1"]], "depth": 2},
        {"asks": [["102", "1"], ["101", "1"]], "bids": [["99", "1"], ["98", "1"]], "depth": 2},
        {"meta": []},
    ],
)
def test_bad_books_are_refused_by_line(change):
    """Whatever breaks the line format is refused, and the refusal names the file and the line."""
    good = json.dumps(book([PAIR[0]], [PAIR[1]]))
    with pytest.raises(SchemaMismatch, match=r"book\.jsonl:3"):
        list(
            iter_l2_feature_snapshots([good, "", json.dumps(book([PAIR[0]], [PAIR[1]]) | change)], source="book.jsonl")
        )


@pytest.mark.parametrize(
    "name", ["ts", "symbol", "bid_price", "ask_price", "bid_qty", "ask_qty", "last_price", "last_qty"]
)
def test_ticks_lacking_a_value_are_refused(name):
    """Every one of the eight values of a tick is required."""
    facts = json.loads(line(0, "1", "2"))
    del facts[name]
    with pytest.raises(SchemaMismatch, match=f"{name} is missing.*ticks:1"):
        list(iter_feature_snapshots([json.dumps(facts)], source="ticks"))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{", CorruptFile),
        ("[]", CorruptFile),
        ("[" * 100_000, CorruptFile),
        (" " * 999_999 + "{}", LimitExceeded),
        ('{"type": "FILL"}', SchemaMismatch),
        (line(0, "1.5", "2", bid_qty="-1"), SchemaMismatch),
        (line(0, "1e4000", "2"), SchemaMismatch),
        (line(1 << 63, "1", "2"), OutOfRange),
        (line(0, "1e200", "2"), OutOfRange),
        (line(0, "0.00000001", "100000"), OutOfRange),
        (line(0, "1", "2", "0." + "1" * 40), OutOfRange),
        (line(0, "1", "2", "1e-20", "1e20"), OutOfRange),
    ],
)
def test_bad_lines_are_one_line_refusals(text, error):
    """No bad line becomes a wrong number or a traceback."""
    with pytest.raises(error, match="lines:1") as caught:
        list(iter_feature_snapshots([text]))
    assert isinstance(caught.value, GrinderError)
    assert "\n" not in caught.value.line()


def test_each_feature_reads_its_own_lines_of_a_mixed_file():
    """Ticks and books may share a file; each reader passes over the other's lines."""
    lines = [line(0, "1", "2"), json.dumps(book([PAIR[0]], [PAIR[1]])), "\n", line(1, "1", "2")]
    assert [snapshot.ts for snapshot in iter_feature_snapshots(lines)] == [0, 1]
    assert [snapshot.ts_ms for snapshot in iter_l2_feature_snapshots(lines)] == [7]


@pytest.mark.parametrize("qty_ref", ["0", "-1", "NaN", "Infinity"])
def test_the_reference_size_is_positive(qty_ref):
    """A reference size that is not positive is refused before any line is read."""
    with pytest.raises(OutOfRange, match="qty_ref"):
        list(iter_l2_feature_snapshots([], Decimal(qty_ref)))


def test_contract_field_counts():
    """Twelve and fourteen fields, in the contract's order."""
    first = next(iter_feature_snapshots([line(0, "1", "2")]))
    second = next(iter_l2_feature_snapshots([json.dumps(book([PAIR[0]], [PAIR[1]]))]))
    assert [field.name for field in fields(first)] == list(json.loads(first.to_json()))
    assert (len(fields(first)), len(fields(second))) == (12, 14)
