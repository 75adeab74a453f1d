"""What people read instead of column names, and the report in one sentence."""

from types import MappingProxyType
from typing import Any

import polars as pl

from grinder_resources.contracts.gold_toxicity import ADVERSE, SCORE, VOLATILITY
from grinder_resources.evaluation.cells import number
from grinder_resources.usecases.toxicity.hits import ALL

_NAMES = MappingProxyType(
    {
        "model": "Model",
        "reference": "Volatility and spread",
        VOLATILITY: "Volatility",
        ADVERSE: "Adverse selection",
        SCORE: "Composite",
        "vpin_x1000": "VPIN",
        "kyle_x1000": "Kyle",
        "amihud_x1000": "Amihud",
        "spread_excess_x1000": "Spread excess",
        "ofi_strength_x1000": "OFI",
    }
)


def name_of(column: str) -> str:
    """Return what a score or an input is called on the page."""
    return _NAMES[column]


def measure(hit_rates: pl.DataFrame, name: str, current: str = ALL) -> dict[str, Any] | None:
    """Return one row of `reports/toxicity/hit_rates`; None where there is none."""
    found = hit_rates.filter(pl.col("current") == current, pl.col("measure") == name)
    return found.row(0, named=True) if found.height else None


def percent(value: float) -> str:
    """Return a share as percent with one digit."""
    return number(100 * value, 1)


def points(row: dict[str, Any]) -> str:
    """Return `+v points [low, high]` of a difference of shares, in percentage points; it says so without bounds."""
    sign = "" if row["value"] < 0 else "+"
    bounds = "(no interval)" if row["low"] is None else f"[{percent(row['low'])}, {percent(row['high'])}]"
    return f"{sign}{percent(row['value'])} points {bounds}"


def beats_staying(hit_rates: pl.DataFrame, current: str = ALL) -> bool:
    """Return whether the whole interval of the difference to 'nothing changes' lies above 0."""
    row = measure(hit_rates, "over_staying", current)
    return row is not None and row["low"] is not None and row["low"] > 0.0


def sentence(hit_rates: pl.DataFrame) -> str:
    """Return the report in one sentence, from at least one minute."""
    right, stay, gain = (measure(hit_rates, name) for name in ("right", "stay_right", "over_staying"))
    assert right is not None
    assert stay is not None
    assert gain is not None
    facts = (
        f"the most likely next regime came in {percent(right['value'])} % of {right['rows']:,} minutes out of fold, "
        f"the current one in {percent(stay['value'])} %: {points(gain)}"
    )
    if beats_staying(hit_rates):
        return f"{facts[0].upper()}{facts[1:]}."
    return f"No better than saying that nothing changes: {facts}."
