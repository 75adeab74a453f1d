"""Integer kernels against Python's own big integers and fractions."""

import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import grinder_resources
from grinder_resources.market.compiled import COMPILED_FROM
from grinder_resources.market.flow import fold_flow, zscore_x1000
from grinder_resources.market.l1 import epsilon_in_lots, imbalance_bps, microprice_dev_x1000, spread_bps
from grinder_resources.market.rounding import (
    divide_half_even,
    ratio_half_even,
    wide,
    wide_add,
    wide_mul,
    wide_scale,
    wide_sub,
)
from grinder_resources.market.state import Memory, new_memory, new_rings
from tests.market.reference_snapshots import zscore

SIXTY_BITS = st.integers(0, (1 << 60) - 1)
SIZES = st.integers(0, (1 << 46) - 1)
FAST = settings(max_examples=300, deadline=None)


def value(pair):
    return pair[0] * (1 << 60) + pair[1]


@FAST
@given(SIXTY_BITS, SIXTY_BITS, SIXTY_BITS)
def test_wide_arithmetic_is_exact(left, right, third):
    """Products, sums and differences are those of Python's integers."""
    product = wide_mul(left, right)
    assert value(product) == left * right
    assert value(wide_add(product, wide(third))) == left * right + third
    assert value(wide_sub(wide(third), product)) == third - left * right
    assert value(wide_scale(wide(left), right)) == left * right


@FAST
@given(SIXTY_BITS, SIXTY_BITS, SIXTY_BITS.map(lambda n: n + 1), st.integers(1, (1 << 59)))
@example(5, 1, 2, 1)
@example(7, 1, 2, 1)
def test_division_rounds_half_even(left, right, one, other):
    """Quotients are the nearest integer, ties to even."""
    expected = round(Fraction(left * right, one * other))
    if expected < 1 << 49:
        assert divide_half_even(wide_mul(left, right), wide_mul(min(one, (1 << 60) - 1), other)) == round(
            Fraction(left * right, min(one, (1 << 60) - 1) * other)
        )


@FAST
@given(st.integers(1, 1 << 40), st.integers(-(10**6), 10**6))
def test_ties_go_to_even(denominator, whole):
    """Exact ties of either sign go to the even neighbour."""
    assert ratio_half_even((2 * whole + 1) * denominator, 1, 2 * denominator) == round(Fraction(2 * whole + 1, 2))


@FAST
@given(st.integers(0, 1 << 50), st.integers(0, (1 << 38) - 1))
def test_spread_is_the_bots_truncated_float(bid, spread):
    """Integer division gives int(float(Decimal ratio)), the bot's way."""
    ask = bid + spread
    mid = (Decimal(bid) + Decimal(ask)) / 2
    assert spread_bps(bid, ask) == (int(float((Decimal(ask) - Decimal(bid)) / mid * 10000)) if mid else 0)


@FAST
@given(SIZES, SIZES, st.sampled_from(["1", "0.001", "0.00001", "0.00000001", "0.0000000001", "0.25", "100", "0.3"]))
def test_imbalance_is_exact(bid, ask, lot):
    """For every lot size, epsilon included."""
    units = Fraction(Decimal(lot))
    exact = (bid - ask) * units / ((bid + ask) * units + Fraction(1, 10**8))
    assert imbalance_bps(bid, ask, *epsilon_in_lots(Decimal(lot))) == round(exact * 10_000)


@FAST
@given(st.integers(1, 1 << 49), st.integers(0, 1 << 37), SIZES, SIZES)
def test_microprice_deviation_is_exact(bid, spread, bid_lots, ask_lots):
    """Against the definition: the size-weighted price, minus mid, over mid."""
    ask = bid + spread
    if bid_lots + ask_lots:
        micro = Fraction(ask * bid_lots + bid * ask_lots, bid_lots + ask_lots)
        mid = Fraction(bid + ask, 2)
        assert microprice_dev_x1000(bid, bid_lots, ask, ask_lots) == round((micro - mid) / mid * 10_000_000)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-(1 << 36), 1 << 36) | st.integers(-3, 3), max_size=400), st.integers(0, 3 * 10**9))
@example([1, -1] * 20, 20 * 10**9)
@example([0] * 40, 1)
def test_zscore_is_exact(events, step):
    """For small and huge flows, over more updates than the history holds."""
    memory, rings = new_memory(0), new_rings(1, 500)
    history = []
    for i, event in enumerate(events):
        fold_flow(memory, rings.event_ts, rings.events, i * step, event)
        history.append(sum(event for j, event in enumerate(events[: i + 1]) if j * step >= i * step - 10 * 10**9))
    assert zscore_x1000(memory) == (zscore(history[-300:]) if history else 0)
    assert memory.inexact == 0


@pytest.mark.parametrize(("latest", "expected"), [(1, 0), (3, 2), (5, 2), (7, 4), (-1, 0), (-3, -2), (100_001, 5000)])
def test_zscore_ties_go_to_even(latest, expected):
    """100 values of mean 0 and sum of squares 4e8 deviate by 2000: a latest value of 1 scores exactly 0.5 / 1000."""
    memory = new_memory(0)
    memory.history_count, memory.squares_low, memory.latest_ofi = 100, 400_000_000, latest
    assert zscore_x1000(memory) == expected


def test_flows_beyond_the_exact_range_are_marked():
    """2^50 lots in 10 s set the mark that the engine refuses on."""
    memory, rings = new_memory(0), new_rings(1, 4)
    fold_flow(memory, rings.event_ts, rings.events, 1, 1 << 50)
    assert memory.inexact == 1


def test_memory_is_documented_field_by_field():
    """Every field of the record is explained in its class."""
    assert [name for name in Memory.__annotations__ if not re.search(rf"\b{name}\b", Memory.__doc__)] == []


def test_the_cache_stamp_covers_all_compiled_code():
    """Each module that compiles, and each project module that such a one imports constants from, is in the stamp."""
    package = Path(grinder_resources.__file__).parent
    compiling = [path for path in package.rglob("*.py") if "market.compiled import compiled" in path.read_text()]
    names = {str(path.relative_to(package)) for path in compiling}
    assert {"market/kernel.py", "market/rounding.py"} <= names
    assert names <= set(COMPILED_FROM)
    imports = re.findall(
        r"^from grinder_resources\.([a-z0-9_.]+) import", "".join(path.read_text() for path in compiling), re.MULTILINE
    )
    not_compiled = {"errors", "market.slices"}
    assert {f"{name.replace('.', '/')}.py" for name in set(imports) - not_compiled} <= set(COMPILED_FROM)


@pytest.mark.parametrize("lot", ["0.001", "1", "0.25"])
def test_epsilon_is_an_exact_fraction_of_lots(lot):
    """1e-8 base units, whatever the lot."""
    assert Fraction(*epsilon_in_lots(Decimal(lot))) * Fraction(lot) == Fraction(1, 10**8)
