"""Adopting: the best trial's settings come into force, but only where they are better than luck explains."""

from pathlib import Path

from grinder_resources.export.durable import locked, replace_file, written
from grinder_resources.learning.adopted import Adopted, adopted_path, in_force
from grinder_resources.learning.ledger import LEDGER_FILE, Ledger
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.tuning.record import PPM, record_of
from grinder_resources.tuning.study import Study
from grinder_resources.tuning.training import tuned

NOTHING = "nothing adopted"


def adopt(spec: ModelSpec, study: Study, models_dir: Path) -> Adopted | None:
    """Write the settings of a study's best trial as those in force and return them; None where it found no edge.

    Raises StorageFull; what was in force then still is.
    """
    judgement = study.judgement
    if not judgement.found or judgement.best is None or judgement.luck is None:
        return None
    number = judgement.best.number
    adopted = Adopted(
        spec=spec.name,
        params=tuned(in_force(spec, models_dir).params, judgement.best.configuration),
        study=study.name,
        trial=number,
        gain_ppm=round(judgement.gain * PPM),
        luck_ppm=round(judgement.luck * PPM),
        ledger=record_of(Ledger(models_dir / LEDGER_FILE).read(), study.component, study.name, number),
    )
    path = adopted_path(spec.name, models_dir)
    with written(path), locked(path.parent):
        replace_file(path, adopted.encoded())
    return adopted
