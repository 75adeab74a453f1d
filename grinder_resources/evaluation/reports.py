"""Report tables in the lake: the walk-forward is run only where data, spec or code changed, otherwise read back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from grinder_resources.contracts.reports import calibration_table, predictions_table, verdicts_table, walk_forward_table
from grinder_resources.contracts.table import Table
from grinder_resources.datasets import dataset_sha256, gold_table
from grinder_resources.errors import TooFewDays
from grinder_resources.evaluation.reliability import calibration
from grinder_resources.evaluation.summary import Fold, Report, folds_of
from grinder_resources.evaluation.walk_forward import run_walk_forward
from grinder_resources.hashing import sha256_facts
from grinder_resources.lake import Lake, fingerprint
from grinder_resources.learning.specs import ModelSpec
from grinder_resources.learning.splits import MODES, walk_forward

NO_PROBABILITY = (
    "There is no out-of-fold probability: the walk-forward had too few days, or nothing open to fit or judge."
)


@dataclass(frozen=True)
class ModelReport:
    """A model's report and whether it had to be computed."""

    report: Report
    rebuilt: bool


def walk_forward_report(spec: ModelSpec, lake: Lake, code_version: str, facts: Mapping[str, str]) -> ModelReport:
    """Return the walk-forward of a spec on every committed day of its dataset, from the lake where nothing changed.

    `facts` is the provenance a page shows. With too few days the tables are empty and the report says what could not be
    done. Raises PartitionMissing if the dataset was never materialised.
    """
    upstream = {"dataset": dataset_sha256(lake, spec.dataset), "spec": sha256_facts(_judged(spec))}
    tables = (predictions_table(spec.name), walk_forward_table(spec.name), verdicts_table(spec.name))
    present = [lake.current(table, None, fingerprint(code_version, upstream)) for table in tables]
    limits: tuple[str, ...] = ()
    folds: tuple[Fold, ...] = ()
    try:
        folds = _folds(spec, lake)
    except TooFewDays as error:
        limits = (error.line(),)
    known = [rows for rows in present if rows is not None]
    rebuilt = len(known) < len(tables)
    if rebuilt:
        known = _run(spec, lake, tables) if folds else [table.empty() for table in tables]
        for table, rows in zip(tables, known, strict=True):
            lake.commit(table, rows, day=None, code_version=code_version, upstream=upstream)
    empty = calibration_table(spec.name).empty()
    report = Report(spec.name, spec.doc, known[1], known[2], empty, folds, facts, limits, spec.caveat)
    return ModelReport(report, rebuilt)


def calibration_report(spec: ModelSpec, lake: Lake, code_version: str, facts: Mapping[str, str]) -> ModelReport:
    """Return the reliability of the out-of-fold probabilities that the walk-forward left in the lake.

    Raises PartitionMissing if it left none.
    """
    predictions, table = predictions_table(spec.name), calibration_table(spec.name)
    rows = calibration(spec.name, lake.read(predictions))
    stamp = lake.stamps(predictions.name)[""]
    upstream = {predictions.name: stamp.logical_sha256}
    rebuilt = lake.current(table, None, fingerprint(code_version, upstream)) is None
    if rebuilt:
        lake.commit(table, rows, day=None, code_version=code_version, upstream=upstream)
    scores, verdicts = lake.read(walk_forward_table(spec.name)), lake.read(verdicts_table(spec.name))
    limits = () if rows.height else (NO_PROBABILITY,)
    report = Report(spec.name, spec.doc, scores, verdicts, rows, (), facts, limits, spec.caveat)
    return ModelReport(report, rebuilt)


def _judged(spec: ModelSpec) -> dict[str, Any]:
    """Return what decides the reports of a spec: its model, and what that is measured against."""
    return {**spec.facts, "reference": list(spec.reference), "reference_name": spec.reference_name}


def _run(spec: ModelSpec, lake: Lake, tables: tuple[Table, ...]) -> list[pl.DataFrame]:
    result = run_walk_forward(spec, lake.read(gold_table(lake, spec.dataset)))
    rows = {tables[0].name: result.predictions, tables[1].name: result.scores, tables[2].name: result.verdicts}
    return [rows[table.name] for table in tables]


def _folds(spec: ModelSpec, lake: Lake) -> tuple[Fold, ...]:
    stamps = lake.stamps(spec.dataset)
    days = [day for day in lake.days(spec.dataset) if stamps[day.isoformat()].rows]
    return folds_of({mode: walk_forward(days, mode) for mode in MODES})
