"""The compiled simulator and a slow, obvious one agree to the last unit on any small market."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.contracts.simulation import Costs, Episode, GridParameters, Step
from grinder_resources.simulation.grid import simulate
from tests.simulation.reference_grid import in_order, simulate_slowly
from tests.simulation.tapes import MS, SECOND, Row, tape

START = 1_000 * SECOND


def market_of(seed: int) -> tuple[list[Row], list[Row], list[Row]]:
    """Return a random walk of quotes that often stand still, with prints around the best prices and a few fundings."""
    random = Random(seed)
    quotes: list[Row] = []
    prints: list[Row] = []
    funding: list[Row] = []
    ts, bid, ask = START + random.randint(-3, 3) * 100 * MS, 1000, 1002
    largest = random.choice([3, 9, 30])
    for kind in random.choices("qpf", weights=[4, 4, 1], k=random.randint(1, 120)):
        ts += random.choice([0, 0, 1, 2 * MS, 7 * MS, 40 * MS, 300 * MS])
        if kind == "q":
            bid = max(1, bid + random.choice([0, 0, 0, 0, -1, 1, -2, 2, -6, 6]))
            ask = bid + random.randint(0, 3)
            quotes.append((ts, bid, random.randint(1, 9), ask, random.randint(1, 9)))
        elif kind == "p":
            price = random.choice([bid, bid, ask, ask, random.randint(bid - 2, ask + 2)])
            prints.append((ts, max(1, price), random.randint(1, largest), random.choice([-1, 0, 1])))
        else:
            funding.append((ts, random.randint(-1000, 1000)))
    return quotes, prints, funding


markets = st.integers(0, 1_000_000).map(market_of)
grids = st.builds(
    GridParameters,
    spacing_x1000=st.sampled_from([3_000, 10_000, 15_000, 30_000]),
    levels=st.integers(1, 4),
    size_lots=st.integers(1, 6),
    recentre_x1000=st.sampled_from([5_000, 60_000, 10_000_000]),
    max_position_lots=st.integers(3, 24),
    price_step_ticks=st.sampled_from([1, 1, 2, 5]),
)
latencies = st.sampled_from([0, 1, 3 * MS, 30 * MS, 500 * MS])
costs_of = st.builds(
    Costs,
    maker_fee_ppm=st.sampled_from([-50, 0, 200]),
    taker_fee_ppm=st.sampled_from([0, 400]),
    feed_latency_ns=latencies,
    order_latency_ns=latencies,
)


@st.composite
def episodes(draw: st.DrawFn) -> Episode:
    """Draw a start near that of the market, and up to four steps, some of them flat, some the same as before."""
    start = START + draw(st.integers(-2, 4)) * 100 * MS
    end = start + draw(st.integers(1, 80)) * 100 * MS
    few = [*draw(st.lists(grids, min_size=1, max_size=2)), None]
    times = sorted(draw(st.sets(st.integers(1, 60), max_size=3)))
    steps = [Step(start, draw(st.sampled_from(few[:1] * 3 + few)))]
    steps += [Step(start + place * 50 * MS, draw(st.sampled_from(few))) for place in times]
    return Episode(start, end, tuple(steps))


@settings(max_examples=150)
@given(markets, st.lists(episodes(), min_size=1, max_size=3), costs_of, st.integers(1, 3))
def test_every_summary_sample_and_fill_is_that_of_the_reference(
    market: Any, schedule: list[Episode], costs: Costs, nav_every_s: int
) -> None:
    """Over prints at and through prices, part fills, equal times, any latency, any schedule."""
    fast = simulate(tape(*market), schedule, costs, nav_every_s=nav_every_s, with_fills=True)
    summary, nav, fills = simulate_slowly(in_order(*market), schedule, costs, nav_every_s)
    assert fast.fills.rows() == fills
    assert fast.nav.rows() == nav
    assert fast.summary.rows() == summary
