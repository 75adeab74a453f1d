"""The grid as a tunable component: what past windows earned, and what those held out did."""

from pathlib import Path

import polars as pl
import pytest

from grinder_resources.cli import main
from grinder_resources.contracts.bronze import INSTRUMENTS, QUOTES, TRADES
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.contracts.simulation import Costs
from grinder_resources.errors import NoData
from grinder_resources.lake import Lake
from grinder_resources.simulation.grid import tape_of
from grinder_resources.tuning.component import score_of
from grinder_resources.tuning.grid import (
    GRID_SPACE,
    Market,
    grid_component,
    held_out,
    parameters_of,
    read_grid_markets,
    split_windows,
)
from grinder_resources.tuning.loop import tune
from grinder_resources.tuning.parameters import Value, defaults
from tests.market_days import DAY
from tests.proofs.small_lake import small_day
from tests.tuning.toy_component import Bench
from tests.usecases.guard_market import OPEN, SECOND, quotes

WINDOW = 600 * SECOND
HOURS = 3
DEFAULTS = defaults(GRID_SPACE)


def lake_of_an_hour(root: Path) -> Lake:
    """Return a lake with an hour of two instruments, one of which rests at both ends of it."""
    lake, day = Lake(str(root)), small_day()
    units = [(DAY, venue, symbol, str(unit.tick_size), str(unit.lot_size), unit.session)
             for (venue, symbol), unit in day.instruments.items()]  # fmt: skip
    known = pl.DataFrame(units, schema=INSTRUMENTS.schema, orient="row")
    for table, rows in ((QUOTES, day.quotes), (TRADES, day.trades), (SNAPSHOTS, day.snapshots()), (INSTRUMENTS, known)):
        lake.commit(table, rows, day=DAY, code_version="1")
    return lake


def market(question: str = "demo:A", windows: int = 6 * HOURS) -> Market:
    """Return three hours of a market that swings by 15 ticks every 80 seconds, a window every ten minutes."""
    starts = [OPEN + WINDOW * number for number in range(windows)]
    rows = {
        "ts_ns": starts,
        "label_end_ns": [start + WINDOW for start in starts],
        "unit": [10_000] * windows,
        "step_ticks": [1] * windows,
    }
    return Market(question, tape_of(quotes(600 * windows), TRADES.empty()), pl.DataFrame(rows))


def score(markets: list[Market], **changed: Value) -> float:
    component = grid_component(markets, Costs(maker_fee_ppm=0))
    component.apply({**DEFAULTS, **changed})
    list(component.run())
    return component.telemetry()["pnl_bps"]


def test_later_windows_are_held_out() -> None:
    """The last third; a window that reaches over the cut is in neither part."""
    past, later = split_windows([market()])
    assert past[0].windows["ts_ns"].to_list() == [OPEN + WINDOW * number for number in range(12)]
    assert later[0].windows["ts_ns"].to_list() == [OPEN + WINDOW * number for number in range(12, 18)]
    longer = market().windows.with_columns(pl.col("label_end_ns") + WINDOW)
    past, _ = split_windows([Market("demo:A", market().tape, longer)])
    assert past[0].windows.height == 11
    with pytest.raises(NoData):
        split_windows([market(windows=1)])


def test_the_score_is_what_past_windows_earn() -> None:
    """A grid that fits the swing earns, one beyond it never trades; what is held out has no part in it."""
    fitting, idle = score([market()], spacing_bps=5), score([market()], spacing_bps=50)
    assert fitting > 0.0 == idle
    ends_early = Market("demo:A", tape_of(quotes(600 * 12), TRADES.empty()), market().windows)
    assert score([ends_early], spacing_bps=5) == fitting
    later = held_out([market()], {**DEFAULTS, "spacing_bps": 5}, Costs(maker_fee_ppm=0))
    assert later.value == pytest.approx(fitting, rel=0.05)
    dear = held_out([market()], {**DEFAULTS, "spacing_bps": 5}, Costs(maker_fee_ppm=1_000))
    assert dear.value < 0.0


def test_it_is_the_mean_a_window_of_every_instrument() -> None:
    """Two instruments count the same; what they earned by hour is what the score is made of."""
    component = grid_component([market("demo:A"), market("demo:B")], Costs(maker_fee_ppm=0))
    component.apply({**DEFAULTS, "spacing_bps": 5})
    first, second = component.run()
    assert first == pytest.approx(second) == pytest.approx(component.telemetry()["pnl_bps"])
    assert component.scales == {"demo:A": 12_000, "demo:B": 12_000}
    assert [list(earned) for earned in component.earned().values()] == 2 * [
        [OPEN // (3_600 * SECOND) + n for n in (0, 1)]
    ]
    assert score_of(component.earned(), component.scales) == second


@pytest.mark.parametrize(
    ("name", "value"), [("spacing_bps", 8), ("levels", 1), ("size_units", 1), ("recentre", "sooner")]
)
def test_every_parameter_is_a_parameter_of_the_grid(name: str, value: Value) -> None:
    """In lots, ticks and bps x 1000; the share of the width counts where the grid is built again sooner."""
    configuration = {**DEFAULTS, "spacing_bps": 12, name: value}
    share = {"recentre_share": 0.25} if value == "sooner" else {}
    assert parameters_of({**configuration, **share}, 10, 2) != parameters_of(DEFAULTS, 10, 2)
    found = parameters_of({**DEFAULTS, "recentre": "sooner", "recentre_share": 0.25}, 10, 2)
    assert (found.spacing_x1000, found.levels, found.size_lots, found.recentre_x1000) == (12_000, 4, 20, 12_000)
    assert (found.max_position_lots, found.price_step_ticks) == (160, 2)


def test_a_study_of_the_grid_finds_the_swing(tmp_path: Path) -> None:
    """The defaults, 12 bps, stand at the edge of the swing; a few trials find a narrower grid."""
    bench = Bench(tmp_path)
    outcomes = tune(grid_component([market()], Costs(maker_fee_ppm=0)), bench.backend(), bench.ledger, max_iterations=6)
    assert max(outcome.score or 0.0 for outcome in outcomes) > (outcomes[0].score or 0.0)
    assert len(bench.ledger.read()) == 6


def test_markets_are_the_windows_of_the_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Inside the session and whole; the command tells what the settings in force and the best earn held out."""
    markets = read_grid_markets(lake_of_an_hour(tmp_path / "data" / "lake"), [DAY])
    assert {market.question: market.windows.height for market in markets} == {"demo:AAA": 10, "demo:BBB": 8}
    assert main(["tune", "grid", "--trials", "2", "--data", str(tmp_path / "data"), "--models", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:2] == ["0", "complete"]
    assert [line.partition(":")[0] for line in lines[-3:]] == [
        "held-out windows, in force",
        "held-out windows, best",
        "held-out windows, no grid",
    ]


def test_days_without_a_window_are_refused(tmp_path: Path) -> None:
    """Nothing can be tuned on no days."""
    with pytest.raises(NoData):
        read_grid_markets(Lake(str(tmp_path)), [])
