"""What holds for any market: money is conserved, episodes do not know of each other, nothing knows what comes later."""

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.contracts.simulation import MICROS, Costs, Episode, GridParameters, Step
from grinder_resources.errors import OutOfRange
from grinder_resources.simulation.grid import Simulation, simulate
from grinder_resources.simulation.tape import tape_of
from tests.simulation.tapes import MS, SECOND, prints_frame, quotes_frame, tape
from tests.simulation.test_grid import CALM, GRID, START
from tests.simulation.test_grid_against_reference import costs_of, episodes, market_of

seeds = st.integers(0, 1_000_000)
schedules = st.lists(episodes(), min_size=1, max_size=4)
laws = settings(max_examples=60)


def run(seed: int, schedule: list[Episode], costs: Costs) -> Simulation:
    return simulate(tape(*market_of(seed)), schedule, costs, nav_every_s=1, with_fills=True)


def of(frame: pl.DataFrame, episode: int) -> list[tuple[int, ...]]:
    """Return the rows of an episode, without its number."""
    return frame.filter(pl.col("episode") == episode).drop("episode").rows()


@laws
@given(seeds, schedules, costs_of)
def test_the_money_of_the_fills_is_the_money_of_the_summary(seed: int, schedule: list[Episode], costs: Costs) -> None:
    """Sales less purchases less fees and funding are the result and the last NAV, and nothing is held at the end."""
    simulation = run(seed, schedule, costs)
    for row in simulation.summary.iter_rows(named=True):
        fills = simulation.fills.filter(pl.col("episode") == row["episode"])
        cash = sum(
            -side * price * lots for side, price, lots in fills.select("side", "price_ticks", "size_lots").rows()
        )
        assert fills["fee_micros"].sum() == row["fees_micros"]
        assert cash * MICROS - row["fees_micros"] - row["funding_micros"] == row["pnl_micros"]
        nav = simulation.nav.filter(pl.col("episode") == row["episode"])
        assert nav.select("nav_micros", "position_lots").row(-1) == (row["pnl_micros"], 0)
        assert (fills["side"] * fills["size_lots"]).sum() == 0
        assert fills["is_maker"].sum() == row["maker_fills"] == fills.height - row["taker_fills"]


@laws
@given(seeds, schedules, costs_of)
def test_doubled_fees_cost_exactly_the_fees(seed: int, schedule: list[Episode], costs: Costs) -> None:
    """Fees change no fill, so the second helping of them is all that is lost."""
    doubled = replace(costs, maker_fee_ppm=2 * costs.maker_fee_ppm, taker_fee_ppm=2 * costs.taker_fee_ppm)
    once, twice = run(seed, schedule, costs), run(seed, schedule, doubled)
    assert once.fills.drop("fee_micros").rows() == twice.fills.drop("fee_micros").rows()
    lost = once.summary["pnl_micros"] - twice.summary["pnl_micros"]
    assert lost.to_list() == once.summary["fees_micros"].to_list()


@laws
@given(seeds, schedules, costs_of)
def test_an_episode_alone_is_what_it_is_among_others(seed: int, schedule: list[Episode], costs: Costs) -> None:
    """Nothing is left over from the episode before, and rows carry their own numbers."""
    together = run(seed, schedule, costs)
    for number, episode in enumerate(schedule):
        alone = run(seed, [episode], costs)
        for name in ("summary", "nav", "fills"):
            assert of(getattr(together, name), number) == of(getattr(alone, name), 0)


@laws
@given(seeds, schedules, costs_of, st.integers(1, 80))
def test_what_comes_later_changes_nothing_before(seed: int, schedule: list[Episode], costs: Costs, tenths: int) -> None:
    """Cut the tape at any time: samples and fills up to it are the same."""
    cut = START + tenths * 100 * MS
    quotes, prints, funding = market_of(seed)
    known = [[row for row in rows if row[0] <= cut] for rows in (quotes, prints, funding)]
    before = simulate(tape(*known), schedule, costs, nav_every_s=1, with_fills=True)
    whole = simulate(tape(quotes, prints, funding), schedule, costs, nav_every_s=1, with_fills=True)
    ends = [episode.end_ns for episode in schedule]
    running = pl.col("ts_ns") < pl.col("episode").replace_strict(dict(enumerate(ends)), return_dtype=pl.Int64)
    for name in ("nav", "fills"):
        frames = [getattr(run, name).filter(running & (pl.col("ts_ns") <= cut)) for run in (before, whole)]
        assert frames[0].rows() == frames[1].rows()


@laws
@given(seeds, schedules, costs_of)
def test_a_print_in_two_pieces_is_worth_the_whole(seed: int, schedule: list[Episode], costs: Costs) -> None:
    """The market may report one trade as two of the same instant: as many lots are filled, for the same money."""
    quotes, prints, funding = market_of(seed)
    pieces = [
        (ts, price, piece, aggressor)
        for ts, price, size, aggressor in prints
        for piece in (size // 2, size - size // 2)
        if piece
    ]
    whole = simulate(tape(quotes, prints, funding), schedule, costs).summary
    split = simulate(tape(quotes, pieces, funding), schedule, costs).summary
    assert whole.drop("maker_fills").rows() == split.drop("maker_fills").rows()


EPISODE = Episode(START, START + SECOND, (Step(START, GRID),))
WIDE = GridParameters(spacing_x1000=100_000, levels=100, size_lots=1, recentre_x1000=1, max_position_lots=1)


@pytest.mark.parametrize(
    ("episode", "says"),
    [
        (replace(EPISODE, end_ns=START), "an episode ends after it starts"),
        (replace(EPISODE, start_ns=-1), "an episode ends after it starts"),
        (replace(EPISODE, steps=()), "steps follow each other"),
        (replace(EPISODE, steps=(Step(START + 1, GRID),)), "steps follow each other"),
        (replace(EPISODE, steps=(Step(START, GRID), Step(START, None))), "steps follow each other"),
        (replace(EPISODE, steps=(Step(START, WIDE),)), "a grid's lines"),
        (replace(EPISODE, steps=(Step(START, replace(GRID, size_lots=1 << 50)),)), "amounts of a simulation"),
        (replace(EPISODE, steps=(Step(START, replace(GRID, recentre_x1000=1 << 52)),)), "prices of a simulation"),
    ],
)
def test_what_has_no_meaning_or_no_room_is_refused(episode: Episode, says: str) -> None:
    """One line says which episode and what was expected; good episodes beside it do not help."""
    with pytest.raises(OutOfRange, match=says):
        simulate(tape([CALM]), [EPISODE, episode])


@pytest.mark.parametrize("costs", [Costs(maker_fee_ppm=2 * MICROS), Costs(feed_latency_ns=1 << 62)])
def test_costs_beyond_reason_are_refused(costs: Costs) -> None:
    """A fee of 200 %, a latency of a century."""
    with pytest.raises(OutOfRange, match="costs of a simulation"):
        simulate(tape([CALM]), [EPISODE], costs)


def test_money_that_grows_out_of_int64_is_refused() -> None:
    """Each amount fits, but what is bought at 998 is sold at 1 again and again: the episode is named."""
    round_of_losses = [(999, 1001), (996, 998), (1, 1001)]
    quotes = [
        (START + place * SECOND, bid, 1 << 40, ask, 1 << 40) for place, (bid, ask) in enumerate(round_of_losses * 6)
    ]
    huge = replace(GRID, size_lots=1 << 28, max_position_lots=1 << 28)
    episode = Episode(START, START + 20 * SECOND, (Step(START, huge),))
    with pytest.raises(OutOfRange, match=r"left the exact range \(episode 1\)"):
        simulate(tape(quotes), [EPISODE, episode])


def test_a_funding_rate_beyond_all_is_refused() -> None:
    """200 % at once is a unit gone wrong."""
    with pytest.raises(OutOfRange, match="funding rates"):
        tape([CALM], [], [(START, 2 * MICROS)])


def test_a_tape_is_of_one_instrument() -> None:
    """Quotes of one and prints of another are no market."""
    with pytest.raises(OutOfRange, match="one instrument"):
        tape_of(quotes_frame([CALM]), prints_frame([(START, 999, 1, 0)], "BBB"))


@pytest.mark.parametrize(
    ("quotes", "prints", "says"),
    [
        ([CALM, (START - 1, 999, 1, 1001, 1)], [], "forward in time"),
        ([CALM], [(START, 999, 1, 0), (START - 1, 999, 1, 0)], "forward in time"),
        ([(START, 1002, 1, 1001, 1)], [], "not crossed"),
        ([(START, 999, 0, 1001, 1)], [], "below 1"),
        ([CALM], [(START, 999, 0, 0)], "below 1"),
    ],
)
def test_a_tape_refuses_rows_that_are_no_market(quotes: list, prints: list, says: str) -> None:
    """Out of order, crossed, or without a size."""
    with pytest.raises(OutOfRange, match=says):
        tape_of(quotes_frame(quotes), prints_frame(prints))
