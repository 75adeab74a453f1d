"""Policies in a few numbers: means with intervals, differences window by window, and a surface of the lattice.

Windows are not independent: they overlap, and instruments move together. The bootstrap draws whole hours, all
instruments of an hour at once, as `evaluation.scores` does.
"""

import numpy as np
import polars as pl

from grinder_resources.contracts.gold_grid import PAUSE, RULES
from grinder_resources.contracts.grid_report import POLICIES, SCORES, SURFACE
from grinder_resources.evaluation.scores import Estimate, mean_estimate, time_blocks
from grinder_resources.gold.grid_spacing import WINDOW

REGIMES = ("calm", "usual", "wild")
REGIME_INPUT = "range_300s_x1000"
BPS = 1_000
"""Bps x 1000 in one bps."""


def scores(windows: pl.DataFrame) -> pl.DataFrame:
    """Return `reports/grid_spacing/scores` of `reports/grid_spacing/windows`; no rows where there is no window."""
    if windows.is_empty():
        return SCORES.empty()
    of_policy = {policy: windows.filter(pl.col("policy") == policy).sort(WINDOW) for policy in POLICIES}
    static, rules = of_policy["static"]["pnl_x1000"], of_policy["rules"]["pnl_x1000"]
    records = [_score(policy, rows, static, rules) for policy, rows in of_policy.items()]
    return SCORES.conform(pl.DataFrame(records, schema=SCORES.schema))


def mean_bps(x1000: pl.Series, ts_ns: pl.Series) -> Estimate:
    """Return the mean in bps of numbers in bps x 1000, with a 95 % interval of a bootstrap over hours."""
    return mean_estimate(x1000.to_numpy() / BPS, ts_ns.to_numpy())


def surface(sweep: pl.DataFrame, ranges: pl.DataFrame) -> pl.DataFrame:
    """Return `reports/grid_spacing/surface`.

    sweep
        Rows of `gold/grid_sweep`, of the windows that are to be shown.
    ranges
        venue, symbol, ts_ns and REGIME_INPUT at the start of every window; a window where that is null is left out.
    """
    known = ranges.select(*WINDOW, REGIME_INPUT).drop_nulls().join(sweep.select(WINDOW).unique(), on=WINDOW, how="semi")
    if known.is_empty():
        return SURFACE.empty()
    first, second = (known[REGIME_INPUT].quantile(share, "lower") for share in (1 / 3, 2 / 3))
    value = pl.col(REGIME_INPUT)
    regime = pl.when(value <= first).then(pl.lit(REGIMES[0])).when(value <= second).then(pl.lit(REGIMES[1]))
    named = known.select(*WINDOW, regime=regime.otherwise(pl.lit(REGIMES[2])))
    lattice = sweep.filter(pl.col("grid") != RULES).join(named, on=WINDOW, how="inner")
    cells = lattice.group_by("regime", spacing_bps=pl.col("spacing_x1000") // 1_000).agg(
        windows=pl.struct(WINDOW).n_unique().cast(pl.Int64), pnl=pl.col("pnl_x1000").sum() / pl.len() / BPS
    )
    return SURFACE.conform(cells.select(SURFACE.schema.names()))


def _score(policy: str, rows: pl.DataFrame, static: pl.Series, rules: pl.Series) -> dict[str, object]:
    pnl, ts = rows["pnl_x1000"], rows["ts_ns"]
    orders, filled = int(rows["orders"].sum()), int(rows["orders_filled"].sum())
    return {
        "policy": policy,
        "windows": rows.height,
        "hours": len(np.unique(time_blocks(ts.to_numpy()))),
        **_named("pnl", mean_bps(pnl, ts)),
        **_named("over_static", mean_bps(pnl - static, ts)),
        **_named("over_rules", mean_bps(pnl - rules, ts)),
        "fees": float(rows["fees_x1000"].sum()) / rows.height / BPS,
        "worst": int(pnl.min() or 0) / BPS,  # type: ignore[arg-type]
        "max_drawdown": int(rows["max_drawdown_x1000"].max() or 0) / BPS,  # type: ignore[arg-type]
        "quoted": int((rows["grid"] != PAUSE).sum()) / rows.height,
        "earning": int((pnl > 0).sum()) / rows.height,
        "round_trips": int(rows["round_trips"].sum()) / rows.height,
        "fill_rate": filled / orders if orders else None,
    }


def _named(name: str, found: Estimate) -> dict[str, float | None]:
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
