"""Sharpe, Sortino, drawdown and shares of a run, worked out by hand."""

import pytest

from grinder_resources.contracts.simulation import Episode, Step
from grinder_resources.errors import OutOfRange
from grinder_resources.simulation.grid import simulate
from grinder_resources.simulation.performance import performance, sharpe_x1000, sortino_x1000
from tests.simulation.tapes import SECOND, tape
from tests.simulation.test_grid import CALM, GRID, ROUND_TRIP, START

DAY_S = 86_400


@pytest.mark.parametrize(
    ("changes", "sharpe", "sortino"),
    [
        ([1, -1, 3], 612, 1732),  # 1 / sqrt(8 / 3), 1 / sqrt(1 / 3)
        ([-1, 1, -3], -612, -548),  # -1 / sqrt(8 / 3), -1 / sqrt(10 / 3)
        ([1, 3], 2000, None),
        ([-2, -2], None, -1000),
        ([5, 5], None, None),
        ([3, -3], 0, 0),
        ([], None, None),
        ([10**17, -(10**17), 3 * 10**17], 612, 1732),
    ],
)
def test_ratios_of_daily_changes(changes: list[int], sharpe: int | None, sortino: int | None) -> None:
    """Mean over population deviation, mean over the root mean square of the losses; no deviation, no ratio."""
    assert sharpe_x1000(changes, DAY_S) == sharpe
    assert sortino_x1000(changes, DAY_S) == sortino


def test_a_ratio_of_minutes_is_scaled_to_a_day() -> None:
    """1440 samples a day: sqrt(1440) times as large."""
    assert sharpe_x1000([1, -1, 3], 60) == 23_238


def test_the_row_of_a_round_trip() -> None:
    """8.002 of 10,000 are 8.002 bps; 5 of 10 lots held at 997 and 1000 in two of three samples are 33.3 %.

    The changes are -5.998, 15, -1 and 0: mean 2.0005, deviation 7.8417, root mean square of the losses 3.0404; a day
    has 86,400 of them.
    """
    episode = Episode(START, START + 4 * SECOND, (Step(START, GRID),))
    run = simulate(tape([CALM, *ROUND_TRIP]), [episode], nav_every_s=1)
    assert performance(run.nav, run.summary, nav_every_s=1).to_dicts() == [
        {
            "episode": 0,
            "pnl_x1000": 8_002,
            "fees_x1000": 1_998,
            "max_drawdown_x1000": 5_998,
            "sharpe_x1000": 74_987,
            "sortino_x1000": 193_404,
            "fill_rate_bps": 5_000,
            "round_trip_x1000": 16_036,
            "inventory_bps": 3_328,
        }
    ]


def test_what_cannot_be_divided_is_null() -> None:
    """Without a quote there is no capital, no order, no change."""
    episode = Episode(START, START + SECOND, (Step(START, GRID),))
    run = simulate(tape([]), [episode])
    assert performance(run.nav, run.summary).row(0) == (0, *(None,) * 8)


def test_an_episode_without_samples_is_refused() -> None:
    """A NAV frame of other episodes is no frame for these."""
    episode = Episode(START, START + SECOND, (Step(START, GRID),))
    run = simulate(tape([CALM]), [episode])
    with pytest.raises(OutOfRange, match="1 episodes without"):
        performance(run.nav.clear(), run.summary)
