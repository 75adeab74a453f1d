"""The model specs: the questions that are asked, and of which rows.

Heads calibrate probabilities and sizes of moves around a level, in the next minute or after a gate; no head predicts
where the price goes from here.
"""

from dataclasses import replace
from functools import partial
from itertools import product
from types import MappingProxyType

import polars as pl

from grinder_resources.contracts.bot import FEATURE_ORDER
from grinder_resources.contracts.events import CATEGORIES, REACH_HORIZONS_S, THRESHOLDS
from grinder_resources.contracts.gates import GATE_HORIZONS_MIN, GATE_INPUTS, GATE_REGIMES, GATE_ROC_DATASET
from grinder_resources.contracts.gold import REGIME_DATASET, REGIME_LABEL, SIGNALS, SNAPSHOT_FEATURES
from grinder_resources.contracts.gold_bot import REGIME_BOT_DATASET
from grinder_resources.contracts.gold_fills import FILL_DATASET
from grinder_resources.contracts.gold_grid import (
    EARNED_LABELS,
    GRID_SPACING,
    GRID_SWEEP,
    LEVELS_LABEL,
    SIZE_LABEL,
    SPACING_LABEL,
)
from grinder_resources.contracts.gold_toxicity import (
    ADVERSE_LABEL,
    TOXICITY_DATASET,
    TOXICITY_INPUTS,
    VOLATILITY,
    VOLATILITY_LABEL,
)
from grinder_resources.contracts.signals import REGIMES
from grinder_resources.errors import UnknownName
from grinder_resources.learning.fills import FILL_COHERENCE, FILL_HEADS, FILL_MONOTONE, select_fill_inputs
from grinder_resources.learning.model_spec import BoosterParams, Head, Match, ModelSpec
from grinder_resources.learning.reach import LEVEL_COHERENCE, SIDES, reach_head
from grinder_resources.learning.selection import ABLATIONS, STAGES, FeatureSet, select_features

NO_YES = ("no", "yes")


def _reach_heads() -> tuple[Head, ...]:
    """Whether threshold k is reached within h seconds of t1: on either side, beyond the level, or back from it.

    A head is settled by its own side alone: a price far beyond the level may still come back within the horizon.
    """
    return tuple(
        Head(
            reach_head(threshold, side, horizon),
            "binary",
            f"t{threshold}{side}_{horizon}",
            classes=NO_YES,
            settled_when_zero=f"time_to_{SIDES[side]}_{threshold}_ms",
        )
        for threshold, side, horizon in product(THRESHOLDS, SIDES, REACH_HORIZONS_S)
    )


LEVEL_HEADS = (
    Head("tradeable_2", "binary", "tradeable_2", classes=NO_YES, settled_when_zero="time_to_threshold_2_ms"),
    Head(
        "direction",
        "binary",
        "outcome",
        where=Match("tradeable_2", 1),
        classes=("BOUNCE", "BREAK"),
        label_is="name",
        settled_when_zero="time_to_threshold_2_ms",
    ),
    Head("strength", "regression", "strength_signed", unit=1000),
    *_reach_heads(),
)
"""The questions asked of a touched level: is it tradeable, does it break given that it is, how strong, and how soon.

Labels are measured from the level, but the decision is taken at t1, when the price may already stand beyond a
threshold: those questions are settled. Strength has no such moment, so part of it is the displacement at t1.
"""

LEVEL_REFERENCE = ("distance_atr_x1000", "distance_beyond_atr_x1000")
"""Displacement of the price from the level at t1, in ATR: its size, and how far it is beyond the level.

A threshold that is near is reached more often, and strength contains the move so far: both can be read off these two.
"""

LEVEL_CAVEAT = (
    "AUC flatters: a threshold that is near is reached more often, so where the price stands ranks the rows already. "
    "Skill does not: it counts only what is known beyond that."
)


def level_signals(stage: str, ablation: str) -> ModelSpec:
    """Return the level model of one stage and ablation, over one row per touched level, known at its confirmation."""
    return ModelSpec(
        name=f"level_signals_{stage}_{ablation}",
        doc=f"Break, bounce and reach probabilities of touched levels; inputs: {stage}, {ablation}.",
        dataset=SIGNALS,
        select=partial(select_features, stage=stage, ablation=ablation),
        heads=LEVEL_HEADS,
        row_id=("event_id",),
        categories=CATEGORIES,
        reference=LEVEL_REFERENCE,
        reference_name="where the price stands at t1",
        caveat=LEVEL_CAVEAT,
        coherence=LEVEL_COHERENCE,
    )


def select_snapshot_features(schema: pl.Schema) -> FeatureSet:
    """Return the inputs of the regime model that `schema` has: the snapshot's own columns, all numeric."""
    return FeatureSet(
        numeric=tuple(column.name for column in SNAPSHOT_FEATURES if column.name in schema), categorical=()
    )


REGIME = ModelSpec(
    name="regime",
    doc="How far the mid will range in the next minute, in terciles of the training days.",
    dataset=REGIME_DATASET.name,
    select=select_snapshot_features,
    heads=(Head("regime", "multiclass", REGIME_LABEL, classes=("LOW", "MID", "HIGH"), label_is="quantile"),),
    row_id=("venue", "symbol", "ts_ns"),
    params=BoosterParams(min_child_weight=20.0),
    reference=("range_60s_x1000",),
    reference_name="the last minute's range",
    # Volatility clusters over many minutes (Corsi 2009): its next range is no hard question, and 0.78 has been honest.
    alarm_auc=0.85,
    spacing_head="regime",
    spacing_dataset=GRID_SWEEP.name,
)


def select_bot_features(_schema: pl.Schema) -> FeatureSet:
    """Return the inputs the bot feeds, in its order, prices among them: what it feeds is not ours to choose."""
    return FeatureSet(numeric=FEATURE_ORDER, categorical=())


REGIME_BOT = replace(
    REGIME,
    name="regime_bot",
    doc="The regime model on the 15 numbers that the bot's own runtime feeds; what `grinder export-bundle` hands over.",
    dataset=REGIME_BOT_DATASET.name,
    select=select_bot_features,
)


def select_toxicity_features(schema: pl.Schema) -> FeatureSet:
    """Return the inputs of the toxicity model that `schema` has: snapshot, look-backs, flow, cost and score."""
    return FeatureSet(numeric=tuple(column.name for column in TOXICITY_INPUTS if column.name in schema), categorical=())


TOXICITY = ModelSpec(
    name="toxicity",
    doc="How volatile the next minute is, and what its prints cost whoever rests, in terciles of the training days.",
    dataset=TOXICITY_DATASET.name,
    select=select_toxicity_features,
    heads=(
        Head("toxicity", "multiclass", VOLATILITY_LABEL, classes=REGIMES, label_is="quantile"),
        Head("adverse", "multiclass", ADVERSE_LABEL, classes=REGIMES, label_is="quantile"),
    ),
    row_id=("venue", "symbol", "ts_ns"),
    params=BoosterParams(min_child_weight=20.0),
    reference=(VOLATILITY, "spread_bps"),
    reference_name="the last minute's volatility and the spread",
    # As for the regime: volatility clusters over many minutes, so what one minute leaves unsaid longer ones still say.
    alarm_auc=REGIME.alarm_auc,
)


GATE_CATEGORIES = MappingProxyType({"regime": GATE_REGIMES})


def select_gate_features(schema: pl.Schema) -> FeatureSet:
    """Return the inputs of the gate model that `schema` has; the regime is the only one in words."""
    names = tuple(column.name for column in GATE_INPUTS if column.name in schema)
    return FeatureSet(
        numeric=tuple(name for name in names if name not in GATE_CATEGORIES),
        categorical=tuple(name for name in names if name in GATE_CATEGORIES),
    )


def _gate_heads() -> tuple[Head, ...]:
    """Sign of the change after a gate, and its size in terciles of the training days, at every horizon."""
    sizes = ("SMALL", "MID", "LARGE")
    return (
        *(Head(f"sign_{m}m", "binary", f"sign_forward_{m}m", classes=("down", "up")) for m in GATE_HORIZONS_MIN),
        *(
            Head(f"size_{m}m", "multiclass", f"size_forward_{m}m_pct_x1e6", classes=sizes, label_is="quantile")
            for m in GATE_HORIZONS_MIN
        ),
    )


GATE_ROC = ModelSpec(
    name="gate_roc",
    doc="Size of the price change after a gate; and its sign, which nothing should foretell: a test of honesty.",
    dataset=GATE_ROC_DATASET.name,
    select=select_gate_features,
    heads=_gate_heads(),
    row_id=("venue", "symbol", "ts_ns"),
    categories=GATE_CATEGORIES,
    params=BoosterParams(min_child_weight=20.0),
    reference=("roc_prev_pct_x1e6", "return_60m_pct_x1e6", "range_240m_pct_x1e6"),
    reference_name="the last moves and their range",
    caveat="Instruments share a currency and label windows overlap: there are far fewer independent rows than rows. "
    "Windows of 60 and 240 minutes reach beyond the hourly blocks of the bootstrap, so their intervals are too narrow.",
)

GRID_SPACING_SPEC = ModelSpec(
    name="grid_spacing",
    doc="Which grid will turn out best in the next ten minutes, and what each distance between lines will earn.",
    dataset=GRID_SPACING.name,
    select=select_snapshot_features,
    heads=(
        Head("spacing", "regression", SPACING_LABEL, unit=1_000),
        Head("levels", "regression", LEVELS_LABEL),
        Head("size", "regression", SIZE_LABEL),
        *(Head(f"earned_{bps}", "regression", label, unit=1_000) for bps, label in EARNED_LABELS.items()),
    ),
    row_id=("venue", "symbol", "ts_ns"),
    # what a grid earns in ten minutes is mostly luck: shallow trees on many rows
    params=BoosterParams(max_depth=2, min_child_weight=50.0),
    reference=("range_60s_x1000", "range_300s_x1000"),
    reference_name="the range of the last minutes",
    caveat="Windows overlap by half, so there are fewer independent rows than rows. What a grid so chosen earns is not "
    "in these scores: see the report of the use case.",
)


FILL_PROBABILITY = ModelSpec(
    name="fill_probability",
    doc="Whether a limit order is filled within 10, 30, 60 and 300 seconds, and how long the filled ones take.",
    dataset=FILL_DATASET.name,
    select=select_fill_inputs,
    heads=FILL_HEADS,
    row_id=("venue", "symbol", "ts_ns", "source", "order_id"),
    params=BoosterParams(eta=0.15, rounds=150, early_stopping=15, min_child_weight=50.0),
    reference=("distance_bps_x1000", "spread_bps_x1000"),
    reference_name="distance and spread",
    caveat="Orders of a minute share the path of one price, and label windows overlap five times over: there are far "
    "fewer independent rows than rows. Beyond distance and spread a model can know how wild the market is, not where "
    "the price goes.",
    # How far a price moves can be told from how far it moved (Corsi 2009), and a distance is reached or not by that.
    alarm_auc=0.85,
    coherence=FILL_COHERENCE,
    monotone=FILL_MONOTONE,
)


SPECS = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            *(level_signals(stage, ablation) for stage, ablation in product(STAGES, ABLATIONS)),
            REGIME,
            GATE_ROC,
            REGIME_BOT,
            GRID_SPACING_SPEC,
            FILL_PROBABILITY,
            TOXICITY,
        )
    }
)
"""Every model that can be trained, by name."""


def spec_named(name: str) -> ModelSpec:
    """Return the spec of that name. Raises UnknownName if there is none."""
    if name not in SPECS:
        raise UnknownName(
            "no such model spec", where="grinder_resources/learning/specs.py", got=name, expected=", ".join(SPECS)
        )
    return SPECS[name]
