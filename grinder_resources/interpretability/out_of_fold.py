"""What the walk-forward says of an event: the answer of a model that had not seen the day, and of rows like it."""

from dataclasses import dataclass

import polars as pl

from grinder_resources.contracts.reports import predictions_table
from grinder_resources.interpretability.steps import CalibrationStep
from grinder_resources.lake import Lake
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.splits import Mode

LEADING_MODE: Mode = "expanding"
"""The walk-forward mode that reports lead with."""

_ROW = ("head", "fold", "ts_ns", "venue", "symbol", "row_id")


@dataclass(frozen=True)
class Evidence:
    """What open answers of models that had not seen the day were worth.

    said
        The answer to this very row, in bps; None where the walk-forward has none.
    rows, came_true
        Open answers whose margin lies in the same step, and of them those of the class.
    """

    said: int | None = None
    rows: int = 0
    came_true: int = 0


def out_of_fold(spec: ModelSpec, lake: Lake) -> pl.DataFrame:
    """Return the walk-forward's answers of the leading mode, with `scale_q16`: what a step table is looked up at.

    That is the margin, and for a multiclass head the lead over the best other class. No walk-forward gives no rows.
    """
    table = predictions_table(spec.name)
    rows = lake.read(table) if lake.stamps(table.name) else table.empty()
    margin, classes = pl.col("margin_q16"), [head.name for head in spec.heads if head.kind == "multiclass"]
    largest, second = margin.max().over(_ROW), margin.top_k(2).min().over(_ROW)
    lead = margin - pl.when(margin == largest).then(second).otherwise(largest)
    scale = pl.when(pl.col("head").is_in(classes)).then(lead).otherwise(margin)
    return rows.filter(pl.col("mode") == LEADING_MODE).with_columns(scale.alias("scale_q16"))


def evidence_of(known: pl.DataFrame, event_id: str, head: str, output: str, step: CalibrationStep | None) -> Evidence:
    """Return what `out_of_fold` says of a row and one of its answers; `step` None: of the row alone."""
    answers = known.filter(pl.col("head") == head, pl.col("class") == output)
    own = answers.filter(pl.col("row_id") == event_id)["calibrated_bps"].to_list()
    said = own[0] if own else None
    if step is None:
        return Evidence(said)
    low = -(1 << 62) if step.low_q16 is None else step.low_q16
    high = (1 << 62) if step.high_q16 is None else step.high_q16
    inside = answers.filter(~pl.col("settled"), pl.col("scale_q16") >= low, pl.col("scale_q16") < high)
    return Evidence(said, inside.height, int((inside["label"] == 1).sum()))
