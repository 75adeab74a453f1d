"""The report of a study: tuned, judged, adopted where that was asked for and earned, and written as a page."""

from dataclasses import dataclass
from pathlib import Path

from grinder_resources.evaluation.document import write_page
from grinder_resources.lake import Lake
from grinder_resources.learning.adopted import Adopted, in_force
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.provenance import provenance
from grinder_resources.tuning.adoption import NOTHING, adopt
from grinder_resources.tuning.backend import SEED, TRIALS
from grinder_resources.tuning.page import study_page
from grinder_resources.tuning.study import Study, tune_training


@dataclass(frozen=True)
class TuningReport:
    """A study, and what came of it in words."""

    study: Study
    adopted: str


def tuning_report(
    spec: ModelSpec,
    lake: Lake,
    models_dir: Path,
    page: Path,
    *,
    code_version: str,
    trials: int = TRIALS,
    seed: int = SEED,
    adopting: bool = False,
) -> TuningReport:
    """Return the study of a spec's boosters after writing its page.

    adopting
        Whether the best settings come into force, if they are better than luck explains.

    Raises as `tune_training`, and StorageFull.
    """
    study = tune_training(spec, lake, models_dir, trials=trials, seed=seed)
    adopted = _come_of(study, adopt(spec, study, models_dir) if adopting else None)
    facts = provenance(in_force(spec, models_dir), lake, models_dir, code_version)
    write_page(page, study_page(study, spec.doc, adopted, facts))
    return TuningReport(study, adopted)


def _come_of(study: Study, adopted: Adopted | None) -> str:
    if adopted:
        return f"adopted: trial {adopted.trial} is in force from the next training on"
    return "not adopted: nobody asked for it" if study.judgement.found else NOTHING
