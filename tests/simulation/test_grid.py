"""What a grid earns, worked out by hand: round trips, queues, re-centres, limits, latency, funding, schedules."""

from dataclasses import replace
from typing import Any

from grinder_resources.contracts.simulation import Costs, Episode, GridParameters, Step
from grinder_resources.simulation.grid import Simulation, simulate
from tests.simulation.tapes import MS, SECOND, Row, tape

START = 1_000 * SECOND
CALM = (START, 999, 10, 1001, 10)
"""Mid 1000: a spacing of 20 bps puts lines at 998, 996, ... and 1002, 1004, ..."""

GRID = GridParameters(spacing_x1000=20_000, levels=1, size_lots=5, recentre_x1000=100_000, max_position_lots=10)
CENT_WIDE = GridParameters(spacing_x1000=10_000, levels=1, size_lots=5, recentre_x1000=100_000, max_position_lots=10)
"""Lines at 999 and 1001: at the best prices of CALM."""


def at(seconds: float) -> int:
    return START + round(seconds * SECOND)


def run(
    quotes: list[Row],
    prints: list[Row] | None = None,
    *steps: tuple[float, GridParameters | None],
    funding: list[Row] | None = None,
    costs: Costs | None = None,
    until: float = 4,
) -> Simulation:
    schedule = steps or ((0, GRID),)
    episode = Episode(START, at(until), tuple(Step(at(second), grid) for second, grid in schedule))
    market = tape([CALM, *quotes], prints or [], funding or [])
    return simulate(market, [episode], costs or Costs(), nav_every_s=1, with_fills=True)


def facts(simulation: Simulation, *names: str) -> tuple[Any, ...]:
    return simulation.summary.select(names).row(0)


def fills(simulation: Simulation) -> list[tuple[Any, ...]]:
    """(seconds, line, side, price, lots), in order."""
    rows = simulation.fills.select("ts_ns", "line", "side", "price_ticks", "size_lots").rows()
    return [((ts - START) / SECOND, *rest) for ts, *rest in rows]


ROUND_TRIP = [(at(1), 996, 10, 998, 10), (at(2), 999, 10, 1001, 10), (at(3), 1000, 10, 1002, 10)]
"""The ask comes down to the buy at 998; the bid goes up to the sell at the centre."""


def test_a_round_trip_earns_the_way_to_the_centre_less_two_fees() -> None:
    """5 lots bought at 998 and sold at 1000: 10 tick-lots less 0.02 % of 4990 and of 5000."""
    simulation = run(ROUND_TRIP)
    assert fills(simulation) == [(1, -1, 1, 998, 5), (3, -1, -1, 1000, 5)]
    assert simulation.fills["fee_micros"].to_list() == [998_000, 1_000_000]
    assert facts(simulation, "pnl_micros", "fees_micros", "round_trips") == (8_002_000, 1_998_000, 1)
    assert facts(simulation, "round_trip_micros", "round_trip_tick_lots") == (8_002_000, 4_990)
    assert facts(simulation, "capital_micros", "max_position_lots") == (10_000_000_000, 5)
    assert facts(simulation, "orders", "orders_filled") == (4, 2)


def test_the_money_of_every_second_is_cash_and_position_at_the_mid() -> None:
    """After the buy the mid is 997: a tick below its price; a second later two above it."""
    simulation = run(ROUND_TRIP)
    rows = simulation.nav.select("nav_micros", "fees_micros", "position_lots", "mid_half_ticks").rows()
    assert rows == [
        (0, 0, 0, 2000),
        (-5_998_000, 998_000, 5, 1994),
        (9_002_000, 998_000, 5, 2000),
        (8_002_000, 1_998_000, 0, 2002),
        (8_002_000, 1_998_000, 0, 2002),
    ]
    assert facts(simulation, "max_drawdown_micros") == (5_998_000,)


def test_a_print_first_serves_those_who_stood_there_before() -> None:
    """10 lots are ahead at 999; a sale of 4 and a quote of 3 leave 3, so a sale of 5 gives us 2, then the rest."""
    prints = [
        (at(0.5), 999, 4, -1),
        (at(0.7), 999, 50, 1),
        (at(1.0), 999, 5, -1),
        (at(1.5), 999, 1, 0),
        (at(2.0), 999, 9, -1),
    ]
    simulation = run([(at(0.6), 999, 3, 1001, 10)], prints, (0, CENT_WIDE))
    assert fills(simulation)[:3] == [(1.0, -1, 1, 999, 2), (1.5, -1, 1, 999, 1), (2.0, -1, 1, 999, 2)]
    assert facts(simulation, "maker_fills", "maker_lots", "orders_filled") == (3, 5, 1)


def test_nobody_knows_who_stands_ahead_at_a_price_never_shown() -> None:
    """At 998, below the best bid, prints fill nothing until a quote shows the price, and 6 lots there."""
    prints = [(at(1), 998, 90, -1), (at(3), 998, 8, -1)]
    simulation = run([(at(2), 998, 6, 1001, 10)], prints)
    assert fills(simulation)[0] == (3, -1, 1, 998, 2)


def test_a_print_beyond_an_order_must_have_met_it() -> None:
    """A sale at 997 fills the buy at 998 whole, at 998, whoever stood ahead."""
    assert fills(run([], [(at(1), 997, 1, -1)]))[0] == (1, -1, 1, 998, 5)


def test_alone_at_the_best_price_an_order_is_served_first() -> None:
    """The bid falls to 998 while we stay at 999: nobody is ahead any more."""
    simulation = run([(at(1), 998, 10, 1001, 10)], [(at(2), 999, 3, -1)], (0, CENT_WIDE))
    assert fills(simulation)[0] == (2, -1, 1, 999, 3)


def test_two_orders_at_one_price_share_a_print() -> None:
    """Lines 1 bps apart round to one tick, 999: a sale of 7 fills the first order of 5 and 2 lots of the second."""
    grid = GridParameters(spacing_x1000=1_000, levels=2, size_lots=5, recentre_x1000=100_000, max_position_lots=10)
    quotes = [(at(0.5), 998, 10, 1001, 10)]
    assert fills(run(quotes, [(at(1), 999, 7, -1)], (0, grid)))[:2] == [(1, -1, 1, 999, 5), (1, -2, 1, 999, 2)]


def test_a_coarse_tick_still_gives_a_line_one_tick() -> None:
    """Lines -1 and -2 both lie at 999: the second one sells at 1000, not where it bought."""
    grid = GridParameters(spacing_x1000=1_000, levels=2, size_lots=1, recentre_x1000=200_000, max_position_lots=10)
    quotes = [(at(1), 997, 10, 998, 10), (at(2), 997, 10, 999, 10), (at(3), 1001, 10, 1002, 10)]
    assert [fill for fill in fills(run(quotes, [], (0, grid))) if fill[1] == -2] == [
        (1, -2, 1, 999, 1),
        (3, -2, -1, 1000, 1),
    ]


def test_leaving_the_grid_closes_the_position_and_builds_it_around_the_new_mid() -> None:
    """30 bps away the 5 lots are sold: 2 are shown at 996, 3 go one spread worse; the next buy stands at 995."""
    near = GridParameters(spacing_x1000=20_000, levels=1, size_lots=5, recentre_x1000=20_000, max_position_lots=10)
    quotes = [(at(1), 996, 2, 998, 10), (at(2), 993, 10, 995, 10)]
    simulation = run(quotes, [], (0, near), until=2.01)
    assert fills(simulation) == [
        (1, -1, 1, 998, 5),
        (1.02, None, -1, 996, 2),
        (1.02, None, -1, 994, 3),
        (2, -1, 1, 995, 5),
        (2.01, None, -1, 993, 5),
    ]
    assert simulation.fills["fee_micros"].to_list() == [998_000, 796_800, 1_192_800, 995_000, 1_986_000]
    assert facts(simulation, "recentres", "taker_fills", "taker_lots") == (1, 3, 10)
    assert facts(simulation, "pnl_micros") == (-26_000_000 - 5_968_600,)


def test_what_fills_before_a_recentre_is_in_force_counts() -> None:
    """The mid leaves at 1 s; a sale at 1.01 s still meets the buy at 998, one at 1.03 s the new one."""
    near = GridParameters(spacing_x1000=20_000, levels=1, size_lots=5, recentre_x1000=20_000, max_position_lots=10)
    quotes = [(at(1), 1001, 10, 1009, 10)]
    soon = run(quotes, [(at(1.01), 997, 1, -1)], (0, near), until=2)
    assert fills(soon) == [(1.01, -1, 1, 998, 5), (1.02, None, -1, 1001, 5)]
    late = run(quotes, [(at(1.03), 999, 1, -1)], (0, near), until=2)
    assert fills(late)[:1] == [(1.03, -1, 1, 1002, 5)]


def test_orders_that_could_hold_too_much_wait() -> None:
    """Of three buys of 5 only two may stand with a limit of 10; room that a sell frees goes to the nearer line."""
    grid = GridParameters(spacing_x1000=20_000, levels=3, size_lots=5, recentre_x1000=1_000_000, max_position_lots=10)
    crash = [(at(1), 980, 10, 982, 10), (at(2), 993, 10, 995, 10)]
    simulation = run(crash, [], (0, grid))
    assert fills(simulation)[:2] == [(1, -1, 1, 998, 5), (1, -2, 1, 996, 5)]
    assert facts(simulation, "max_position_lots", "orders") == (10, 6)
    relief = [*crash, (at(3), 999, 10, 1001, 10), (at(3.01), 999, 10, 1001, 10), (at(3.5), 980, 10, 982, 10)]
    simulation = run(relief, [], (0, grid))
    assert fills(simulation)[2:4] == [(3, -2, -1, 998, 5), (3.5, -2, 1, 996, 5)]


def test_an_order_stands_in_the_book_a_reaction_after_its_reason() -> None:
    """A dip 10 ms after the start is over when the order arrives at 20 ms, unless there is no latency."""
    dip = [(at(0.010), 996, 10, 998, 10), (at(0.015), 999, 10, 1001, 10)]
    assert fills(run(dip)) == []
    at_once = Costs(feed_latency_ns=0, order_latency_ns=0)
    assert fills(run(dip, costs=at_once))[0] == (0.010, -1, 1, 998, 5)


def test_what_is_decided_in_an_instant_does_not_act_in_it() -> None:
    """Without latency, a rise at the very time of the buy does not fill the sell that answers it."""
    quotes = [(at(1), 996, 10, 998, 10), (at(1), 1000, 10, 1001, 10), (at(2), 996, 10, 999, 10)]
    at_once = Costs(feed_latency_ns=0, order_latency_ns=0)
    assert fills(run(quotes, costs=at_once)) == [(1, -1, 1, 998, 5), (4, None, -1, 996, 5)]


def test_an_order_that_would_cross_is_refused_and_sent_again() -> None:
    """The sell of the buy at 998 belongs at 1000, the bid is 1003 by then and 997 at 2 s: it stands 20 ms later."""
    quotes = [(at(1), 996, 10, 998, 10), (at(1.01), 1003, 10, 1005, 10), (at(2), 997, 10, 1005, 10)]
    simulation = run(quotes, [(at(1.5), 1001, 99, 1), (at(2.01), 1001, 99, 1), (at(3), 1000, 2, 1)])
    assert [fill for fill in fills(simulation) if fill[1] == -1] == [(1, -1, 1, 998, 5), (3, -1, -1, 1000, 2)]


def test_a_refused_order_does_not_jump_into_a_moment() -> None:
    """The bid falls below 1000 at 2 s, but is back in the same instant or 10 ms later: the sell is refused again."""
    up = [(at(1), 996, 10, 998, 10), (at(1.01), 1003, 10, 1005, 10)]
    for back in (2, 2.01):
        moment = [(at(2), 997, 10, 1005, 10), (at(back), 1003, 10, 1005, 10), (at(3), 1003, 9, 1005, 10)]
        assert [fill for fill in fills(run(up + moment)) if fill[1] == -1] == [(1, -1, 1, 998, 5)]


def test_orders_stand_on_price_steps() -> None:
    """At steps of 5 the lines of 998 and 1002 lie at 995 and 1005; what is bought at 995 is sold at 1000."""
    grid = replace(GRID, price_step_ticks=5)
    there_and_back = [(at(1), 985, 10, 995, 10), (at(2), 1000, 10, 1005, 10), (at(3), 1005, 10, 1010, 10)]
    assert fills(run(there_and_back, [], (0, grid)))[:2] == [(1, -1, 1, 995, 5), (2, -1, -1, 1000, 5)]


def test_how_often_money_is_looked_at_changes_no_fill() -> None:
    """The buy at 996 has no room and is not sent, so an ask below it at 0.8 s refuses nothing, seen or not.

    The sell at 1000 makes room at 2.2 s: the buy stands at 2.4 s, and a print fills it.
    """
    grid = GridParameters(spacing_x1000=20_000, levels=2, size_lots=1, recentre_x1000=1_000_000, max_position_lots=1)
    quotes = [CALM, (at(0.5), 995, 50, 997, 50), (at(0.8), 993, 50, 995, 50), (at(2.3), 995, 50, 997, 50)]
    market = tape(quotes, [(at(2.2), 1001, 5, 1), (at(2.45), 995, 5, -1)])
    slow = Costs(feed_latency_ns=100 * MS, order_latency_ns=100 * MS)
    for every_s in (1, 60):
        episode = Episode(START, at(3), (Step(START, grid),))
        simulation = simulate(market, [episode], slow, nav_every_s=every_s, with_fills=True)
        assert fills(simulation)[:3] == [(0.5, -1, 1, 998, 1), (2.2, -1, -1, 1000, 1), (2.45, -2, 1, 996, 1)]


def test_funding_is_paid_on_the_position_at_the_mid() -> None:
    """5 lots at 997 and 101 ppm: 503.485 millionths; a short would receive it."""
    quotes = [(at(1), 996, 10, 998, 10)]
    simulation = run(quotes, funding=[(at(0.5), 900), (at(2), 101)])
    assert facts(simulation, "funding_micros") == (503_485,)
    cash = 5 * (996 - 998) * 1_000_000
    assert facts(simulation, "pnl_micros", "fees_micros") == (cash - 998_000 - 1_992_000 - 503_485, 2_990_000)


def test_at_one_instant_a_print_comes_before_the_quote() -> None:
    """The sale of 12 empties the queue of 10 that the older quote showed, although the new quote says 90."""
    simulation = run([(at(1), 999, 90, 1001, 10)], [(at(1), 999, 12, -1)], (0, CENT_WIDE))
    assert fills(simulation)[0] == (1, -1, 1, 999, 2)


def test_a_schedule_changes_grids_and_goes_flat() -> None:
    """The same grid again is no change; None closes the position; then nothing is traded until another grid comes."""
    quotes = [(at(1), 996, 10, 998, 10), (at(2.5), 990, 10, 992, 10), (at(3.5), 988, 10, 990, 10)]
    simulation = run(quotes, [], (0, GRID), (1.5, GRID), (2, None), (3, CENT_WIDE))
    assert fills(simulation) == [
        (1, -1, 1, 998, 5),
        (2.02, None, -1, 996, 5),
        (3.5, -1, 1, 990, 5),
        (4, None, -1, 988, 5),
    ]
    assert facts(simulation, "recentres", "orders") == (0, 6)


def test_a_sample_sees_what_is_in_force_at_its_time() -> None:
    """Flat is decided at 1.5 s and in force at 2 s: the sample of 2 s holds nothing any more."""
    slow = Costs(feed_latency_ns=250 * MS, order_latency_ns=250 * MS)
    simulation = run([(at(1), 996, 10, 998, 10)], [], (0, GRID), (1.5, None), costs=slow)
    assert simulation.nav["position_lots"].to_list() == [0, 5, 0, 0, 0]


def test_the_grid_of_a_step_lies_around_the_mid_at_its_time() -> None:
    """The mid is 1000 at the start and 990 when the orders arrive: the sell at 1002 is where 1000 put it."""
    quotes = [(at(0.01), 989, 10, 991, 10), (at(1), 1002, 10, 1003, 10)]
    assert fills(run(quotes))[0] == (1, 1, -1, 1002, 5)


def test_before_the_first_quote_there_is_neither_mid_nor_grid() -> None:
    """The episode starts 2 s before the market: its grid is decided on the first quote, at 0 s."""
    episode = Episode(START - 2 * SECOND, START + 2 * SECOND, (Step(START - 2 * SECOND, GRID),))
    simulation = simulate(tape([CALM, (at(1), 996, 10, 998, 10)]), [episode], nav_every_s=1, with_fills=True)
    assert simulation.nav["mid_half_ticks"].to_list() == [0, 0, 2000, 1994, 1994]
    assert fills(simulation) == [(1, -1, 1, 998, 5), (2, None, -1, 996, 5)]
    assert facts(simulation, "capital_micros") == (10_000_000_000,)


def test_an_empty_tape_earns_nothing() -> None:
    """No quote, no order, no capital; samples all the same."""
    simulation = simulate(tape([]), [Episode(START, START + 90 * SECOND, (Step(START, GRID),))])
    assert set(simulation.summary.row(0)[3:]) == {0}
    assert simulation.nav["ts_ns"].to_list() == [START, START + 60 * SECOND, START + 90 * SECOND]
    assert simulation.fills.is_empty()


def test_no_episodes_give_no_rows() -> None:
    """An empty sweep is a sweep."""
    simulation = simulate(tape([CALM]), [], with_fills=True)
    assert simulation.summary.is_empty()
    assert simulation.nav.is_empty()
