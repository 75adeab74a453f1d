"""What arrived, verified by the doors that everything else goes through: lake, artifacts, ledger, registry."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from grinder_resources.errors import BundleRejected
from grinder_resources.export.verify import verify_artifact
from grinder_resources.handover.manifest import LAKE, MODELS, Manifest
from grinder_resources.lake import Lake
from grinder_resources.learning.adopted import read_adopted
from grinder_resources.learning.ledger import LEDGER_FILE, Ledger
from grinder_resources.registry.log import Registry
from grinder_resources.registry.served import registered_folder
from grinder_resources.registry.states import standings


def verify_arrival(folder: Path, manifest: Manifest) -> tuple[str, ...]:
    """Verify all parts of an unpacked bundle; return a line on each.

    Raises BundleRejected if a table is committed of other files than came with it, CorruptFile if rows differ from
    their commit, ArtifactRejected, ManifestRejected, LedgerBroken, RegistryRejected or BadDeclaration.
    """
    paths: dict[str, list[str]] = defaultdict(list)
    for member in manifest.members:
        paths[member.kind].append(member.path)
    return (*_lake(folder / LAKE, paths), *_models(folder / MODELS, paths))


def _lake(root: Path, paths: dict[str, list[str]]) -> Iterator[str]:
    lake = Lake(str(root))
    committed = {name: lake.files(name) for name in sorted({_table(path) for path in paths["delta_log"]})}
    came = sorted(str(root.parent / path) for path in paths["rows"])
    # a log may name any file of this machine, so what it names is compared before it is read
    if sorted(file for files in committed.values() for file in files) != came:
        raise BundleRejected("the lake's log names other files than came with it", got=f"{len(came)} files came")
    for name in committed:
        stamps = lake.stamps(name)
        rows = sum(lake.rows(name, date.fromisoformat(day) if day else None).height for day in stamps)
        yield f"{LAKE}/{name}: {f'{len(stamps)} days' if '' not in stamps else 'whole'}, {rows:,} rows as committed"


def _table(path: str) -> str:
    return path.removeprefix(f"{LAKE}/").rpartition("/_delta_log/")[0]


def _models(models: Path, paths: dict[str, list[str]]) -> Iterator[str]:
    for name in sorted({path.split("/")[1] for path in paths["artifact"]}):
        yield f"{MODELS}/{verify_artifact(models / name).line().removeprefix('OK ')}"
    if paths["ledger"]:
        records = Ledger(models / LEDGER_FILE).read()
        yield f"{MODELS}/{LEDGER_FILE}: {len(records)} records, chain unbroken"
    if paths["registry"]:
        yield f"{MODELS}/registry: {_events(models)} events, chain unbroken"
    for path in paths["adopted"]:
        read_adopted(Path(path).stem, models)
    for kind, noun in (("adopted", "adopted settings"), ("signature", "signatures, not checked: that needs a key")):
        if paths[kind]:
            yield f"{MODELS}: {len(paths[kind])} {noun}"


def _events(models: Path) -> int:
    """Return how many events the registry has. Raises RegistryRejected if one names an artifact of other bytes."""
    events = Registry(models).read()
    for standing in standings(events).values():
        for version in standing.kept:
            # not every artifact that a registry knows has to come along
            if (models / version.folder).exists():
                registered_folder(version, models)
    return len(events)
