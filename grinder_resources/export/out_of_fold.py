"""The calibration an artifact ships: fitted on answers that no fitted head had seen, all from before the test days.

The folds are those of the walk-forward report, so what is fitted here is read there from the store, and the other way
round.
"""

from dataclasses import replace
from datetime import date

import polars as pl

from grinder_resources.contracts.calibration import Calibration
from grinder_resources.errors import TooFewDays
from grinder_resources.learning.calibration import fit_calibration
from grinder_resources.learning.fold_store import FoldStore
from grinder_resources.learning.folds import ANSWERS, folds_code, run_folds
from grinder_resources.learning.ledger import Ledger
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.spacing import fit_spacing
from grinder_resources.learning.splits import Split, walk_forward


def artifact_calibration(
    spec: ModelSpec,
    frame: pl.DataFrame,
    split: Split,
    store: FoldStore,
    ledger: Ledger,
    *,
    sweep: pl.DataFrame | None = None,
) -> Calibration:
    """Return the step tables, coherence rules and spacing of a model that was fitted on `split`.

    frame
        Rows of the spec's dataset, in any order.
    sweep
        Rows of the spec's `spacing_dataset`, where there is one.

    Tables are fitted on the expanding folds whose test day comes before the split's test days, without answers whose
    label ends within the embargo of them; spacing on the split's train rows. Too few answers give logistic tables.
    """
    earlier = sorted({*split.train, *split.val})
    answers = _answers(spec, frame, earlier, store, ledger)
    starts = frame.filter(pl.col("date").is_in(list(split.test)))["ts_ns"].min()
    known = answers.filter(pl.col("label_end_ns") + split.embargo_ns < starts)
    return replace(fit_calibration(spec, known), spacing=fit_spacing(spec, frame, split, sweep))


def _answers(spec: ModelSpec, frame: pl.DataFrame, days: list[date], store: FoldStore, ledger: Ledger) -> pl.DataFrame:
    try:
        splits = walk_forward(days)
    except TooFewDays:
        return pl.DataFrame(schema=dict(ANSWERS))
    folds = run_folds(spec, frame, splits, store=store, ledger=ledger, code_version=folds_code())
    return pl.concat(fold.answers for fold in folds.values())
