"""Every policy in every out-of-fold window: which grid it took, and what that grid earned there.

All policies are scored on the same windows, those that the model answered in the expanding walk-forward: each day by a
model fitted on earlier days. What a policy took was known when the window started; hindsight alone looks further.
"""

from collections.abc import Callable, Iterator
from datetime import date

import polars as pl

from grinder_resources.contracts.artifacts import LEAF_GRID_BITS
from grinder_resources.contracts.exact import half_even
from grinder_resources.contracts.gold_grid import PAUSE, RULES
from grinder_resources.contracts.grid_report import WINDOWS
from grinder_resources.gold.calibration_target import TARGET, CalibrationTarget, totals
from grinder_resources.gold.grid_spacing import WINDOW, choices
from grinder_resources.gold.lattice import GridChoice
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.usecases.grid_spacing.decision import HEADS, OPTIMUM, Answers, expected, nearest

MODE = "expanding"
_INSTRUMENT = ("venue", "symbol")
_EARNED = ("pnl_x1000", "fees_x1000", "max_drawdown_x1000", "round_trips", "orders", "orders_filled")


def policy_windows(
    spec: ModelSpec, predictions: pl.DataFrame, sweep: pl.DataFrame, target: CalibrationTarget = TARGET
) -> pl.DataFrame:
    """Return `reports/grid_spacing/windows`.

    predictions
        Rows of `reports/predictions/grid_spacing`.
    sweep
        Rows of `gold/grid_sweep` of all days. Windows that it does not hold are left out.
    """
    answers = model_answers(spec, predictions)
    scored = sweep.join(answers.select(WINDOW), on=WINDOW, how="semi")
    every = scored.select("date", *WINDOW).unique()
    taken = {
        "pause": every.select(*WINDOW, grid=pl.lit(PAUSE)),
        "static": static_grids(sweep, every, target),
        "rules": every.select(*WINDOW, grid=pl.lit(RULES)),
        "past": choices(sweep, target).select(*WINDOW, "grid"),
        "optimum": answers.select(*WINDOW, grid=_names(answers, nearest)),
        "model": answers.select(*WINDOW, grid=_names(answers, expected)),
        "hindsight": hindsight_grids(scored),
    }
    parts = [_earned(policy, every, grids, scored) for policy, grids in taken.items()]
    return WINDOWS.conform(pl.concat(parts).select(WINDOWS.schema.names()))


def model_answers(spec: ModelSpec, predictions: pl.DataFrame) -> pl.DataFrame:
    """Return venue, symbol, ts_ns and a column a head, one row a window whose optimum was answered out of fold.

    The answers are the integers that an exported graph would give: margin x unit, half-even.
    """
    units = {head.name: head.unit for head in spec.heads}
    unit = pl.col("head").replace_strict(units, return_dtype=pl.Int64)
    answer = half_even(pl.col("margin_q16") * unit, 1 << LEAF_GRID_BITS)
    of_mode = predictions.filter(pl.col("mode") == MODE).select(*WINDOW, "head", answer=answer)
    return of_mode.pivot("head", on_columns=HEADS, index=WINDOW, values="answer").drop_nulls(OPTIMUM)


def _names(answers: pl.DataFrame, choose: Callable[[Answers], GridChoice | None]) -> pl.Series:
    """Return the name of the grid that is chosen on every row, null for none."""
    choices = (choose(row) for row in answers.select(HEADS).iter_rows(named=True))
    return pl.Series([choice.name if choice else None for choice in choices], dtype=pl.String)


def static_grids(sweep: pl.DataFrame, windows: pl.DataFrame, target: CalibrationTarget) -> pl.DataFrame:
    """Return for every window the grid that is best over all days before its own, instrument by instrument."""
    grids = [
        windows.filter(pl.col("date") == day).join(best, on=_INSTRUMENT, how="inner").select(*WINDOW, "grid")
        for day, best in _static(sweep, windows["date"].unique().sort().to_list(), target)
    ]
    return pl.concat(grids) if grids else windows.select(*WINDOW, grid=pl.lit(PAUSE))


def hindsight_grids(sweep: pl.DataFrame) -> pl.DataFrame:
    """Return for every window the grid that earned most in it, the rules' included; no row where none earned."""
    ranked = sweep.filter(pl.col("pnl_x1000") > 0).sort(pl.col("pnl_x1000").neg(), "grid")
    return ranked.unique(WINDOW, keep="first", maintain_order=True).select(*WINDOW, "grid")


def _static(sweep: pl.DataFrame, days: list[date], target: CalibrationTarget) -> Iterator[tuple[date, pl.DataFrame]]:
    for day in days:
        yield day, target.best_by(totals(sweep.filter(pl.col("date") < day), _INSTRUMENT), _INSTRUMENT)


def _earned(policy: str, every: pl.DataFrame, grids: pl.DataFrame, sweep: pl.DataFrame) -> pl.DataFrame:
    """Return what a policy earned in every window; it pauses where it takes no grid."""
    taken = every.join(grids, on=WINDOW, how="left").with_columns(pl.col("grid").fill_null(PAUSE))
    earned = taken.join(sweep.select(*WINDOW, "grid", *_EARNED), on=[*WINDOW, "grid"], how="left")
    return earned.with_columns(pl.col(_EARNED).fill_null(0), policy=pl.lit(policy))
