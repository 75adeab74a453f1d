"""Report tables in the lake: the walk-forward is run only where data, spec or code changed, otherwise read back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from grinder_resources.contracts.reports import report_tables
from grinder_resources.contracts.table import Table
from grinder_resources.datasets import dataset_sha256, gold_table
from grinder_resources.errors import TooFewDays
from grinder_resources.evaluation.curves import calibration, reliability_by_group
from grinder_resources.evaluation.judged import report_facts
from grinder_resources.evaluation.summary import Fold, Report, folds_of
from grinder_resources.evaluation.walk_forward import run_walk_forward
from grinder_resources.hashing import sha256_facts
from grinder_resources.lake import Lake, fingerprint
from grinder_resources.learning.adopted import in_force
from grinder_resources.learning.fold_store import FOLDS_FOLDER, FoldStore
from grinder_resources.learning.folds import folds_code
from grinder_resources.learning.ledger import LEDGER_FILE, Ledger
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.splits import MODES, walk_forward

NO_PROBABILITY = (
    "There is no out-of-fold probability: the walk-forward had too few days, or nothing open to fit or judge."
)


Make = Callable[[], list[pl.DataFrame]]


@dataclass(frozen=True)
class ModelReport:
    """A model's report and whether it had to be computed."""

    report: Report
    rebuilt: bool


def walk_forward_report(
    spec: ModelSpec, lake: Lake, models_dir: Path, *, code_version: str, facts: Mapping[str, str]
) -> ModelReport:
    """Return the walk-forward of a spec on every committed day of its dataset, from the lake where nothing changed.

    models_dir
        Where folds, the trial ledger and adopted settings are kept; the spec is judged with those in force.
    code_version
        Of the code that makes the report; a fold is fitted anew only where the code that decides it changed.
    facts
        The provenance a page shows.

    With too few days the tables are empty and the report says what could not be done. Raises PartitionMissing if the
    dataset was never materialised.
    """
    spec = in_force(spec, models_dir)
    folds: tuple[Fold, ...] = ()
    limits: tuple[str, ...] = ()
    try:
        folds = _folds(spec, lake)
    except TooFewDays as error:
        limits = (error.line(),)
    *tables, curves, groups = report_tables(spec.name)
    make = partial(_run, spec, lake, models_dir) if folds else lambda: [table.empty() for table in tables]
    upstream = {"dataset": dataset_sha256(lake, spec.dataset), "spec": sha256_facts(report_facts(spec))}
    known, rebuilt = _kept(lake, tables, make, code_version, upstream)
    return ModelReport(_report(spec, [*known[1:], curves.empty(), groups.empty()], facts, limits, folds), rebuilt)


def calibration_report(spec: ModelSpec, lake: Lake, *, code_version: str, facts: Mapping[str, str]) -> ModelReport:
    """Return what calibration made of the out-of-fold probabilities that the walk-forward left in the lake.

    Raises PartitionMissing if it left none.
    """
    predictions, scores, verdicts, *tables = report_tables(spec.name)

    def make() -> list[pl.DataFrame]:
        answers = lake.read(predictions)
        return [calibration(spec.name, answers), reliability_by_group(spec.name, answers)]

    upstream = {predictions.name: lake.stamps(predictions.name)[""].logical_sha256}
    known, rebuilt = _kept(lake, tables, make, code_version, upstream)
    limits = () if known[0].height else (NO_PROBABILITY,)
    return ModelReport(_report(spec, [lake.read(scores), lake.read(verdicts), *known], facts, limits), rebuilt)


def _kept(
    lake: Lake, tables: Sequence[Table], make: Make, code_version: str, upstream: Mapping[str, str]
) -> tuple[list[pl.DataFrame], bool]:
    """Return the rows of tables, made and committed together unless all are there and current; and whether made."""
    present = [lake.current(table, None, fingerprint(code_version, upstream)) for table in tables]
    known = [rows for rows in present if rows is not None]
    if len(known) == len(tables):
        return known, False
    made = make()
    for table, rows in zip(tables, made, strict=True):
        lake.commit(table, rows, day=None, code_version=code_version, upstream=upstream)
    return made, True


def _report(
    spec: ModelSpec,
    frames: Sequence[pl.DataFrame],
    facts: Mapping[str, str],
    limits: tuple[str, ...],
    folds: tuple[Fold, ...] = (),
) -> Report:
    scores, verdicts, curves, groups = frames
    return Report(spec.name, spec.doc, scores, verdicts, curves, groups, folds, facts, limits, spec.caveat)


def _run(spec: ModelSpec, lake: Lake, models_dir: Path) -> list[pl.DataFrame]:
    result = run_walk_forward(
        spec,
        lake.read(gold_table(lake, spec.dataset)),
        store=FoldStore(models_dir / FOLDS_FOLDER),
        ledger=Ledger(models_dir / LEDGER_FILE),
        code_version=folds_code(),
    )
    return [result.predictions, result.scores, result.verdicts]


def _folds(spec: ModelSpec, lake: Lake) -> tuple[Fold, ...]:
    stamps = lake.stamps(spec.dataset)
    days = [day for day in lake.days(spec.dataset) if stamps[day.isoformat()].rows]
    return folds_of({mode: walk_forward(days, mode) for mode in MODES})
