"""Model specs: which dataset, which inputs, which heads, which booster. Everything else follows from these facts.

A spec is data; training, export and reports have one path for all of them. Heads calibrate probabilities and sizes of
moves around a level or in the next minute; no head predicts where the price goes from here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from types import MappingProxyType
from typing import Literal

import polars as pl

from grinder_resources.contracts.events import CATEGORIES, REACH_HORIZONS_S, THRESHOLDS
from grinder_resources.contracts.gold import REGIME_DATASET, REGIME_LABEL, SIGNALS, SNAPSHOT_FEATURES
from grinder_resources.errors import UnknownName
from grinder_resources.learning.selection import ABLATIONS, STAGES, FeatureSet, select_features

Kind = Literal["binary", "multiclass", "regression"]
LabelIs = Literal["code", "name", "quantile"]


@dataclass(frozen=True)
class Match:
    """A row filter: rows whose `column` equals `value`."""

    column: str
    value: int


@dataclass(frozen=True)
class Head:
    """One question a model answers.

    label
        Column of the dataset. Rows where it is null, or a text that is no class, have no label and are not used.
    where
        Rows the question is asked of; None = all.
    classes
        Class names in the order of their codes. A binary head answers with the probability of the second. Empty for a
        regression.
    label_is
        'code': the label is the class code, or the number a regression learns. 'name': it is the class name.
        'quantile': it is a number, cut into classes of equal share at the quantiles of the training rows.
    unit
        A regression learns label / unit, so that its margins stay small enough for exact sums; answers are margin x
        unit.
    """

    name: str
    kind: Kind
    label: str
    where: Match | None = None
    classes: tuple[str, ...] = ()
    label_is: LabelIs = "code"
    unit: int = 1

    @property
    def outputs(self) -> tuple[str, ...]:
        """Classes whose probability is reported: one of a binary head, all of a multiclass one; '' for a regression."""
        match self.kind:
            case "binary":
                return self.classes[1:]
            case "multiclass":
                return self.classes
            case "regression":
                return ("",)


@dataclass(frozen=True)
class BoosterParams:
    """Settings of gradient boosting, in XGBoost's own names where it has one.

    rounds, early_stopping
        Trees at most, and rounds without a better validation loss after which fitting stops.
    max_bin
        Histogram bins a feature; the matrix and the booster must agree.
    nthread
        Threads of one fit. Any number gives the same bytes; more than one pays from about a million rows on an idle
        machine, and costs many times its gain on a small table or a busy one.
    """

    max_depth: int = 4
    eta: float = 0.05
    rounds: int = 300
    early_stopping: int = 30
    min_child_weight: float = 5.0
    subsample: float = 1.0
    max_bin: int = 64
    seed: int = 42
    nthread: int = 1


@dataclass(frozen=True)
class ModelSpec:
    """A model: `select` picks inputs from the dataset's schema, `heads` are the questions.

    dataset
        Lake table with `date`, `venue`, `symbol`, `ts_ns`, `label_end_ns`, the inputs and the labels.
    categories
        Values of every categorical input, in the order of their one-hot columns.
    row_id
        Columns that, joined by '_', name a dataset row in reports.
    """

    name: str
    doc: str
    dataset: str
    select: Callable[[pl.Schema], FeatureSet]
    heads: tuple[Head, ...]
    row_id: tuple[str, ...]
    categories: MappingProxyType[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    params: BoosterParams = BoosterParams()


NO_YES = ("no", "yes")


def _reach_heads() -> tuple[Head, ...]:
    """Whether threshold k is reached within h seconds of t1: on either side, beyond the level, or back from it."""
    return tuple(
        Head(f"t{threshold}{side}_{horizon}s", "binary", f"t{threshold}{side}_{horizon}", classes=NO_YES)
        for threshold, side, horizon in product(THRESHOLDS, ("", "_break", "_bounce"), REACH_HORIZONS_S)
    )


LEVEL_HEADS = (
    Head("tradeable_2", "binary", "tradeable_2", classes=NO_YES),
    Head("direction", "binary", "outcome", where=Match("tradeable_2", 1), classes=("BOUNCE", "BREAK"), label_is="name"),
    Head("strength", "regression", "strength_signed", unit=1000),
    *_reach_heads(),
)
"""The questions asked of a touched level: is it tradeable, does it break given that it is, how strong, and how soon."""


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
)

SPECS = MappingProxyType(
    {
        spec.name: spec
        for spec in (*(level_signals(stage, ablation) for stage, ablation in product(STAGES, ABLATIONS)), REGIME)
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
