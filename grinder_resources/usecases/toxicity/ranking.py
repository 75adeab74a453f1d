"""What ranks minutes by toxicity: the model, what a trader looks at, and the composite score with its inputs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from grinder_resources.contracts.gold_toxicity import SCORE, SCORE_INPUTS
from grinder_resources.contracts.signals import REGIMES
from grinder_resources.contracts.toxicity_report import INPUTS_BY_REGIME, RANKING
from grinder_resources.evaluation.scores import Estimate, score, time_blocks
from grinder_resources.learning.metrics import Floats
from grinder_resources.usecases.toxicity.answers import SCORES

OBSERVED, HIDDEN = "observed", "hidden"

INPUTS = (*(column.name for column in SCORE_INPUTS), SCORE)
"""The inputs of the composite score, and the score."""


@dataclass(frozen=True)
class Question:
    """What a positive minute is, and what model and reference rank it by; expressions over the minutes.

    of
        True, False, or null where the question is not asked.
    """

    name: str
    of: pl.Expr
    model: pl.Expr
    reference: pl.Expr


_HIGH = (pl.col("model_high"), pl.col("reference_high"))
_NOT_LOW = (-pl.col("model_low"), -pl.col("reference_low"))
_DEAR = (pl.col("model_dear"), pl.col("reference_dear"))

QUESTIONS = (
    Question("HIGH in the next minute", pl.col("next") == "HIGH", *_HIGH),
    Question("not LOW in the next minute", pl.col("next") != "LOW", *_NOT_LOW),
    Question("dear to makers in the next minute", pl.col("dear"), *_DEAR),
)
"""Of what was observed; dear is adverse selection in its own upper tercile."""

HIDDEN_QUESTIONS = (
    Question("HIGH now", pl.col("hidden") == "HIGH", *_HIGH),
    Question("HIGH in the next minute", pl.col("hidden_next") == "HIGH", *_HIGH),
    Question("not LOW now", pl.col("hidden") != "LOW", *_NOT_LOW),
    Question("not LOW in the next minute", pl.col("hidden_next") != "LOW", *_NOT_LOW),
    Question("HIGH begins in the next minute", pl.when(pl.col("hidden") != "HIGH").then(pl.col("enters_high")), *_HIGH),
    Question("informed trader in the next minute", pl.col("informed_next"), *_DEAR),
)
"""Of what was hidden. HIGH can only begin where it is not yet; the chain is memoryless, so nothing foretells when."""


def ranking(minutes: pl.DataFrame, hidden: pl.DataFrame) -> pl.DataFrame:
    """Return rows of `reports/toxicity/ranking`.

    minutes, hidden
        Rows of `answers.answered_minutes` and of `hidden.hidden_minutes`; minutes without a hidden regime have no part
        in questions about it. Scores of a question are compared on minutes that have all of them.
    """
    known = minutes.drop_nulls(SCORES)
    with_hidden = known.join(hidden, on=["venue", "symbol", "ts_ns"])
    records = [*_ranked(OBSERVED, known, QUESTIONS), *_ranked(HIDDEN, with_hidden, HIDDEN_QUESTIONS)]
    return RANKING.conform(pl.DataFrame(records, schema=RANKING.schema, orient="row"))


def _ranked(against: str, minutes: pl.DataFrame, questions: Sequence[Question]) -> Iterator[tuple[object, ...]]:
    for question in questions:
        ranked = minutes.with_columns(
            question.of.alias("positive"), question.model.alias("model"), question.reference.alias("reference")
        ).drop_nulls(["positive", "model"])
        label, ts_ns = ranked["positive"].cast(pl.Float64).to_numpy(), ranked["ts_ns"].to_numpy()
        if label.sum() in {0.0, float(len(label))}:
            continue
        for name in ("model", "reference", *SCORES):
            found = auc(label, ranked[name].cast(pl.Float64).to_numpy(), ts_ns)
            yield against, question.name, name, len(label), int(label.sum()), found.value, found.low, found.high


def auc(label: Floats, values: Floats, ts_ns: np.ndarray) -> Estimate:
    """Return the area under the ROC curve of any numbers, with the 95 % interval of a bootstrap over hours.

    Only their order counts, so they are replaced by ranks within 0..1, as scores of probabilities expect.
    """
    ranks = np.unique(values, return_inverse=True)[1].astype(np.float64)
    return score(label, ranks / max(1.0, ranks.max()), {}, time_blocks(ts_ns)).metrics["auc"]


def inputs_by_regime(minutes: pl.DataFrame) -> pl.DataFrame:
    """Return rows of `reports/toxicity/inputs_by_regime` from rows of `answers.answered_minutes`."""
    records = []
    for name in INPUTS:
        for regime in REGIMES:
            values = minutes.filter(pl.col("next") == regime)[name].drop_nulls().sort()
            if len(values):
                quarters = (values[int(part * (len(values) - 1) / 4)] for part in (1, 2, 3))
                records.append((name, regime, len(values), *quarters))
    return INPUTS_BY_REGIME.conform(pl.DataFrame(records, schema=INPUTS_BY_REGIME.schema, orient="row"))
