"""Which columns of a feature table a model may see, by stage and ablation.

Selection is by name and type alone, so it gives the same list for a schema, a day or ten years. Stage A is everything
but order-book and tape columns, stage B is everything; the stage applies to categorical columns as well. What names an
event, tells its future, or is an amount in the instrument's own price unit is never an input.
"""

import re
from dataclasses import dataclass

import polars as pl

from grinder_resources.contracts.events import CATEGORIES, IDENTITY_NAMES, LABEL_NAMES, WATERMARK
from grinder_resources.errors import UnknownName

STAGES = ("stage_a", "stage_b")
ABLATIONS = ("ta", "mechanics", "full")

NEVER_INPUTS = frozenset((*IDENTITY_NAMES, WATERMARK.name, *LABEL_NAMES, "attempt_confirm_ts_ns", "level_kind"))
"""Identity, times, labels, and the code that `level_kind_name` says in words."""

LABEL_PATTERN = re.compile(
    r"t[12](_|$)|outcome|tradeable_|strength_|excursion_|time_to_|threshold_|label_|future_|anchor_|filled_"
    r"|optimal_|best_|earned_|chosen_|.*_forward(_|$)"
)
"""How every name that tells the future begins, or what it holds; today's labels and any later ones alike."""

PRICE_UNIT_SUFFIX = "_half_ticks"
"""Absolute prices and distances: they name the instrument and the day instead of describing the event."""

STAGE_B_ONLY = re.compile(
    r"(barrier_|tape_|wall_ratio|liquidity_pressure|tape_pressure|net_break_pressure|sweep_detected)|.*_trend$"
    r"|spread_|imbalance_l1_|depth_imbalance_|impact_|ofi_"
)
"""Order book and tape, quotes and their flow."""

TECHNICAL = re.compile(
    r"approach_|dist_|distance|sma_|mean_reversion_|confluence_|bars_since_open|is_first_15m|atr"
    r"|level_price_pct|direction_sign|attempt_|prior_touches|natr_|range_score_"
)
MECHANICAL = re.compile(
    r"barrier_|tape_|fuel_|gamma_|wall_ratio|liquidity_pressure|tape_pressure|gamma_pressure|dealer_pressure"
    r"|net_break_pressure|reversion_pressure|spread_|imbalance_l1_|depth_imbalance_|impact_|ofi_"
)
BASE_CATEGORIES = ("level_kind_name", "direction")
"""Categorical columns that say which level it is; every ablation sees them."""


@dataclass(frozen=True)
class FeatureSet:
    """Inputs of a model: names in the order of the table, numeric ones first in a design matrix."""

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]


def select_features(schema: pl.Schema, stage: str, ablation: str = "full") -> FeatureSet:
    """Return the inputs among the columns of `schema` for a stage and an ablation.

    stage
        'stage_a': everything but order book and tape; 'stage_b': everything.
    ablation
        'ta': approach, distance, averages, confluence; 'mechanics': order book, tape, pressures; 'full': all.

    Numeric inputs are integers, floats and booleans; categorical ones are those of `contracts.events.CATEGORIES`, whose
    values are fixed there and never learned from data. Raises UnknownName for another stage or ablation.
    """
    _known(stage, STAGES, "stage")
    _known(ablation, ABLATIONS, "ablation")
    names = [name for name in schema if _may_be_input(name) and (stage == "stage_b" or not STAGE_B_ONLY.match(name))]
    return FeatureSet(
        numeric=tuple(name for name in names if _is_numeric(schema[name]) and _in_ablation(name, ablation)),
        categorical=tuple(
            name for name in names if name in CATEGORIES and (name in BASE_CATEGORIES or ablation != "ta")
        ),
    )


def _known(got: str, names: tuple[str, ...], what: str) -> None:
    if got not in names:
        raise UnknownName(f"no such {what}", where="select_features", got=got, expected=", ".join(names))


def _may_be_input(name: str) -> bool:
    return not (name in NEVER_INPUTS or LABEL_PATTERN.match(name) or name.endswith(PRICE_UNIT_SUFFIX))


def _is_numeric(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype == pl.Boolean()


def _in_ablation(name: str, ablation: str) -> bool:
    patterns = {"ta": TECHNICAL, "mechanics": MECHANICAL}
    return ablation == "full" or patterns[ablation].match(name) is not None
