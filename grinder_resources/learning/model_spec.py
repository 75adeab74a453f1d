"""What a model is: which dataset, which inputs, which heads, which booster. Everything else follows from these facts.

A spec is data; training, export and reports have one path for all of them.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

import polars as pl

from grinder_resources.contracts.calibration import Rule, rule_facts
from grinder_resources.learning.selection import FeatureSet

ALARM_AUC = 0.65
"""Nobody orders hard questions this much better than a trader does; a head that seems to has read the answer."""

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
    alarm_auc
        AUC beyond the reference above which a head is not believed but taken for a leak (`evaluation.ranking`).
    monotone
        Inputs whose rise alone may not raise (-1) or lower (+1) the probability of a binary head's second class,
        whatever else is known. Boosters keep it, and so do calibration and coherence. Other heads are free.
    coherence
        Relations between the calibrated probabilities of binary heads, applied in this order
        (`learning.coherence.rules_for` says which are left where a head is missing).
    spacing_head
        Multiclass head whose probabilities say how much wider than usual a grid should be (`learning.spacing`); '' =
        the model says nothing about that.
    spacing_dataset
        Sweep over grids that the multipliers of `spacing_head` are taken from, where the lake has one.
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
    alarm_auc: float = ALARM_AUC
    coherence: tuple[Rule, ...] = ()
    spacing_head: str = ""
    spacing_dataset: str = ""
    monotone: MappingProxyType[str, Literal[-1, 1]] = field(default_factory=lambda: MappingProxyType({}))

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
            "coherence": [rule_facts(rule) for rule in self.coherence],
            "spacing_head": self.spacing_head,
            **({"spacing_dataset": self.spacing_dataset} if self.spacing_dataset else {}),
            **({"monotone": dict(self.monotone)} if self.monotone else {}),
        }


def _identity(select: Callable[[pl.Schema], FeatureSet]) -> dict[str, str]:
    """Return the name of a selection and the settings it was given, if any."""
    if isinstance(select, partial):
        return {"function": select.func.__name__, **select.keywords}
    return {"function": select.__name__}
