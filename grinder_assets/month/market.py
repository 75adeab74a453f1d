"""The month's market: all its days are made beforehand and kept aside, and each lands on its morning."""

import zlib
from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

from grinder_assets.month.plan import MonthPlan, Shift
from grinder_resources.progress import track
from grinder_resources.simulation import tardis_files
from grinder_resources.simulation.demo_config import DemoConfig, RegimeConfig, demo_instrument

_KINDS = ("trades", "quotes", "book_snapshot_25")


def write_market(plan: MonthPlan, aside: Path) -> None:
    """Write the files of every day into `aside`; price and levels go on from day to day, through the shift too."""
    aside.mkdir(parents=True, exist_ok=True)
    for symbol in plan.symbols:
        _write_symbol(plan, symbol, aside)


def _write_symbol(plan: MonthPlan, symbol: str, aside: Path) -> None:
    from grinder_resources.simulation.demo_day import first_memory, make_day

    instrument = demo_instrument(symbol)
    memory, shifted = first_memory(instrument), shifted_market(plan.calm, plan.shift)
    for number in track(range(1, plan.days + 1), f"market of the month: {symbol}", total=plan.days):
        rng = np.random.default_rng([plan.seed, zlib.crc32(symbol.encode()), number])
        made = make_day(plan.day(number), instrument, shifted if plan.drifted(number) else plan.calm, memory, rng)
        for kind in _KINDS:
            tardis_files.write_csv_gz(getattr(made, kind), aside / tardis_files.file_name(kind, made.day, symbol))


def land(plan: MonthPlan, number: int, aside: Path, landing: Path) -> int:
    """Move the files of day `number` into the landing folder; return their bytes."""
    landing.mkdir(parents=True, exist_ok=True)
    landed = [(aside / name).rename(landing / name) for name in _names(plan, number)]
    return sum(path.stat().st_size for path in landed)


def shifted_market(calm: DemoConfig, shift: Shift) -> DemoConfig:
    """Return the market after the change: every regime more volatile, wider and thinner by the same factors."""
    calmer, normal, toxic = calm.regimes
    return replace(calm, regimes=(_shifted(calmer, shift), _shifted(normal, shift), _shifted(toxic, shift)))


def _shifted(regime: RegimeConfig, shift: Shift) -> RegimeConfig:
    return replace(
        regime,
        volatility_bps=regime.volatility_bps * shift.volatility,
        half_spread_bps=regime.half_spread_bps * shift.half_spread,
        depth_lots=regime.depth_lots * shift.depth,
    )


def _names(plan: MonthPlan, number: int) -> Iterable[str]:
    return (tardis_files.file_name(kind, plan.day(number), symbol) for symbol, kind in product(plan.symbols, _KINDS))
