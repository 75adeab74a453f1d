"""Model specs: which dataset, which inputs, which heads, which booster. Everything else follows from these facts.

A spec is data; training, export and reports have one path for all of them. Heads calibrate probabilities and sizes of
moves around a level or in the next minute; no head predicts where the price goes from here.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import product
from types import MappingProxyType
from typing import Any, Literal

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
    settled_when_zero
        Column with the time from the decision to the answer: 0 where the answer was known by then, null where it never
        came. Rows at 0 are settled, all others open; only open rows are fitted on and judged, for a settled one needs
        no model. None = every row is open.
    """

    name: str
    kind: Kind
    label: str
    where: Match | None = None
    classes: tuple[str, ...] = ()
    label_is: LabelIs = "code"
    unit: int = 1
    settled_when_zero: str | None = None

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
    reference
        Numeric dataset columns that a trader looks at anyway. A booster on them alone is what the model has to beat
        (`learning.reference`); without any it is the base rate. They decide reports, never the model.
    reference_name
        What those columns say, in words that fit after "better than".
    caveat
        What a reader has to know before believing its scores.
    """

    name: str
    doc: str
    dataset: str
    select: Callable[[pl.Schema], FeatureSet]
    heads: tuple[Head, ...]
    row_id: tuple[str, ...]
    categories: MappingProxyType[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    params: BoosterParams = BoosterParams()
    reference: tuple[str, ...] = ()
    reference_name: str = "the training average"
    caveat: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """What decides the model besides data and code, as JSON values: equal facts, equal boosters."""
        return {
            "model": self.name,
            "dataset": self.dataset,
            "select": _identity(self.select),
            "heads": [{**asdict(head), "classes": list(head.classes)} for head in self.heads],
            "row_id": list(self.row_id),
            "categories": {column: list(values) for column, values in self.categories.items()},
            "params": asdict(self.params),
        }


def _identity(select: Callable[[pl.Schema], FeatureSet]) -> dict[str, str]:
    """Return the name of a selection and the settings it was given, if any."""
    if isinstance(select, partial):
        return {"function": select.func.__name__, **select.keywords}
    return {"function": select.__name__}


NO_YES = ("no", "yes")

SIDES = MappingProxyType({"": "threshold", "_break": "break", "_bounce": "bounce"})
"""Sides of a level as reach labels name them, and as the times of first passage do: either, beyond, back."""


def _reach_heads() -> tuple[Head, ...]:
    """Whether threshold k is reached within h seconds of t1: on either side, beyond the level, or back from it.

    A head is settled by its own side alone: a price far beyond the level may still come back within the horizon.
    """
    return tuple(
        Head(
            f"t{threshold}{side}_{horizon}s",
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
