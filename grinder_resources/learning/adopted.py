"""Adopted settings: what a spec is trained and judged with where tuning found something better than its own.

    <models>/adopted/<spec>.json

Whoever trains, judges or promotes asks `in_force` first, so that what is judged is what is trained. Without a file a
spec's own settings are in force, and taking the file away brings them back. A file that does not hold what was written
is an error, never "nothing adopted": a torn file would change models in silence.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from grinder_resources.errors import BadDeclaration
from grinder_resources.hashing import canonical_json, sha256_facts
from grinder_resources.learning.model_spec import BoosterParams, ModelSpec

ADOPTED_FOLDER = "adopted"
"""Name of the folder in the models folder."""


@dataclass(frozen=True)
class Adopted:
    """Settings in force in place of a spec's own, and the trial that carried them.

    study, trial
        Name of the study, and the number of the trial in it.
    gain_ppm, luck_ppm
        What the trial scored above what was in force, and what the luckiest of so many would, parts per million.
    ledger
        sha256 of the trial's last record in the trial ledger.
    """

    spec: str
    params: BoosterParams
    study: str
    trial: int
    gain_ppm: int
    luck_ppm: int
    ledger: str

    def encoded(self) -> bytes:
        """Return the file that says so."""
        facts = asdict(self)
        return (canonical_json({"facts": facts, "sha256": sha256_facts(facts)}) + "\n").encode()


def adopted_path(spec: str, models_dir: Path) -> Path:
    """Return where the adopted settings of a spec stand."""
    return models_dir / ADOPTED_FOLDER / f"{spec}.json"


def in_force(spec: ModelSpec, models_dir: Path) -> ModelSpec:
    """Return the spec with the settings it is trained and judged with. Raises BadDeclaration as `read_adopted`."""
    adopted = read_adopted(spec.name, models_dir)
    return spec if adopted is None else replace(spec, params=adopted.params)


def read_adopted(spec: str, models_dir: Path) -> Adopted | None:
    """Return the adopted settings of a spec, None where nothing was adopted.

    Raises BadDeclaration for a file that is not, byte for byte, what was written for this spec.
    """
    path = adopted_path(spec, models_dir)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        adopted = _adopted(json.loads(data)["facts"])
        same = adopted.encoded() == data
    except (ValueError, KeyError, TypeError) as error:
        _refuse("the file cannot be read", path, type(error).__name__)
    if not same:
        _refuse("the file was edited or is torn", path, f"{len(data)} bytes")
    if adopted.spec != spec:
        _refuse("the settings are another spec's", path, adopted.spec, spec)
    return adopted


def _adopted(facts: dict[str, Any]) -> Adopted:
    params = BoosterParams(**facts["params"])
    adopted = Adopted(**{**facts, "params": params})
    for found, default in ((params, BoosterParams()), (adopted, _SHAPE)):
        wrong = [name for name, value in vars(default).items() if type(getattr(found, name)) is not type(value)]
        if wrong:
            raise TypeError(wrong)
    return adopted


_SHAPE = Adopted("", BoosterParams(), "", 0, 0, 0, "")


def _refuse(what: str, path: Path, got: str, expected: str = "") -> NoReturn:
    hint = "Restore it from a copy, or remove it: then the spec's own settings are in force."
    raise BadDeclaration(f"adopted settings: {what}", where=str(path), got=got, expected=expected, hint=hint)
