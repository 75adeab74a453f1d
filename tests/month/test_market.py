"""The month's market: calm until the drift day, shifted by the stated factors from it on, landed day by day."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from grinder_assets.month.market import land, shifted_market, write_market
from grinder_assets.month.plan import MonthPlan, Shift
from grinder_resources.errors import OutOfRange
from grinder_resources.simulation.demo_config import DemoConfig


def test_a_shift_multiplies_what_it_is_named_after() -> None:
    """Volatility, spread and depth of every regime move, nothing else does."""
    calm = DemoConfig()
    shifted = shifted_market(calm, Shift(volatility=2.0, half_spread=3.0, depth=0.5))
    for before, after in zip(calm.regimes, shifted.regimes, strict=True):
        assert after.volatility_bps == 2 * before.volatility_bps
        assert after.half_spread_bps == 3 * before.half_spread_bps
        assert after.depth_lots == 0.5 * before.depth_lots
        assert after.event_rate == before.event_rate


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[MonthPlan, Path]:
    plan = MonthPlan(days=8, drift_day=8, hours=0.5, symbols=("DEMOUSDT",))
    aside = tmp_path_factory.mktemp("month") / "aside"
    write_market(plan, aside)
    return plan, aside


def spread(aside: Path, day: date) -> float:
    quotes = pl.read_csv(aside / f"demo_quotes_{day}_DEMOUSDT.csv.gz")
    return float((quotes["ask_price"] - quotes["bid_price"]).median() or 0)  # type: ignore[arg-type]


def test_the_drift_day_is_the_first_of_the_shifted_market(written: tuple[MonthPlan, Path]) -> None:
    """Spreads are wider on day 8 than on any of the seven days before it."""
    plan, aside = written
    spreads = [spread(aside, plan.day(number)) for number in range(1, 9)]
    assert spreads[7] > max(spreads[:7])


def test_a_day_lands_alone(written: tuple[MonthPlan, Path], tmp_path: Path) -> None:
    """Its three files, and those of no other day, are moved."""
    plan, aside = written
    landing = tmp_path / "landing"
    size = land(plan, 2, aside, landing)
    names = sorted(path.name for path in landing.iterdir())
    assert [name.split("_2025")[0] for name in names] == ["demo_book_snapshot_25", "demo_quotes", "demo_trades"]
    assert {"2025-01-07" in name for name in names} == {True}
    assert size == sum(path.stat().st_size for path in landing.iterdir())
    for path in landing.iterdir():
        path.rename(aside / path.name)


def test_a_month_needs_a_first_model() -> None:
    """Seven days do not reach the first Monday on which a model can be made."""
    with pytest.raises(OutOfRange, match="got 7; expected >= 8"):
        MonthPlan(days=7)
