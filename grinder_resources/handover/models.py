"""Models as members: artifacts, and with them the trial ledger, the registry, signatures and adopted settings.

An artifact says what a model answers; the ledger says among how many it was chosen, and the registry what has been
decided about it. Whoever takes a model over needs all three, so they go along whole, whichever artifacts are asked for.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from grinder_resources.contracts.artifacts import MANIFEST_FILE
from grinder_resources.errors import NoData, RegistryRejected
from grinder_resources.export.verify import read_artifact
from grinder_resources.handover.manifest import MODELS
from grinder_resources.handover.workspace import Spool
from grinder_resources.learning.adopted import ADOPTED_FOLDER, read_adopted
from grinder_resources.learning.journal import Journal
from grinder_resources.learning.ledger import LEDGER_FILE, Ledger
from grinder_resources.registry.log import Registry
from grinder_resources.registry.signing import signature_path


def add_models(spool: Spool, models_dir: Path, names: Sequence[str] = ()) -> None:
    """Add artifacts, the ledger, the registry, signatures and adopted settings of a models folder to a spool.

    names
        Models such as `regime`, in all versions, or single artifacts such as `regime_v1.0.0`. Default: everything.

    Raises NoData where there is no such artifact, and what verifying each part raises.
    """
    for folder in _artifacts(models_dir, names):
        _add_artifact(spool, folder)
    if Ledger(models_dir / LEDGER_FILE).read():
        _add_files(spool, Journal(models_dir / LEDGER_FILE).snapshot(), "", "ledger", "every trial, failures included")
    registry = Registry(models_dir)
    if registry.exists:
        registry.read()
        files = Journal(registry.path, error=RegistryRejected, starts=False).snapshot()
        _add_files(spool, files, f"{registry.folder.name}/", "registry", "every event of the model registry")
    for spec in (path.stem for path in sorted((models_dir / ADOPTED_FOLDER).glob("*.json"))):
        adopted = read_adopted(spec, models_dir)
        assert adopted is not None
        _add_files(spool, {f"{spec}.json": adopted.encoded()}, f"{ADOPTED_FOLDER}/", "adopted", f"settings of {spec}")


def _artifacts(models_dir: Path, names: Sequence[str]) -> list[Path]:
    found = sorted(path.parent for path in models_dir.glob(f"*_v*/{MANIFEST_FILE}"))
    if not found:
        raise NoData("there is no artifact", where=str(models_dir), hint="Train a model first")
    for name in names:
        if not any(_is_of(folder, name) for folder in found):
            raise NoData("there is no such artifact", where=str(models_dir), got=name, hint="Train it first")
    return [folder for folder in found if not names or any(_is_of(folder, name) for name in names)]


def _is_of(folder: Path, name: str) -> bool:
    return name in {folder.name, folder.name.rpartition("_")[0]}


def _add_artifact(spool: Spool, folder: Path) -> None:
    artifact = read_artifact(folder)
    what = f"{folder.name}, model {artifact.manifest.model_hash}"
    files = {**artifact.files, MANIFEST_FILE: (folder / MANIFEST_FILE).read_bytes()}
    _add_files(spool, files, f"{folder.name}/", "artifact", what)
    signature = signature_path(folder)
    if signature.is_file():
        signed = {signature.name: signature.read_bytes()}
        _add_files(spool, signed, f"{signature.parent.name}/", "signature", f"OpenSSF signature of {folder.name}")


def _add_files(spool: Spool, files: Mapping[str, bytes], folder: str, kind: str, what: str) -> None:
    for name, data in files.items():
        spool.add(f"{MODELS}/{folder}{name}", data, kind, what)
