"""What arrived, verified by the doors that everything else goes through: lake, artifacts, ledger, registry."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from deltalake.exceptions import DeltaError
from polars.exceptions import PolarsError

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

    Raises BundleRejected if a table is committed of other files, or in other commits, than came with it, CorruptFile if
    rows differ from their commit, ArtifactRejected, ManifestRejected, LedgerBroken, RegistryRejected or BadDeclaration.
    """
    paths: dict[str, list[str]] = defaultdict(list)
    for member in manifest.members:
        paths[member.kind].append(member.path)
    return (*_lake(folder / LAKE, paths), *_models(folder / MODELS, paths))


def _lake(root: Path, paths: Mapping[str, Sequence[str]]) -> Iterator[str]:
    lake = Lake(str(root))
    tables = Counter(path.removeprefix(f"{LAKE}/").rpartition("/_delta_log/")[0] for path in paths["delta_log"])
    with _log_errors():
        committed = sorted(file for name in tables for file in lake.files(name))
    # a log may name any file of this machine, so what it names is compared before it is read
    if committed != sorted(str(root.parent / path) for path in paths["rows"]):
        raise BundleRejected("the lake's log names other files than came with it", got=f"{len(committed)} files")
    for name, commits in sorted(tables.items()):
        with _log_errors():
            stamps = lake.stamps(name)
            rows = sum(lake.rows(name, date.fromisoformat(day) if day else None).height for day in stamps)
        if len(stamps) != commits:
            raise BundleRejected(
                "an entry of the log is no commit of a day of its own",
                where=name,
                got=f"{len(stamps)}",
                expected=f"{commits}",
            )
        yield f"{LAKE}/{name}: {'whole' if '' in stamps else f'{len(stamps)} days'}, {rows:,} rows as committed"


@contextmanager
def _log_errors() -> Iterator[None]:
    """Map what libraries say of a log that is none; what the lake itself refuses passes."""
    try:
        yield
    except (DeltaError, PolarsError, ValueError, TypeError, KeyError) as error:
        raise BundleRejected("the log of a table cannot be read", got=str(error)[:160]) from error


def _models(models: Path, paths: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for name in sorted({path.split("/")[1] for path in paths["artifact"]}):
        facts = verify_artifact(models / name)
        if facts.manifest.folder != name:  # which version is the newest is read off the names of folders
            raise BundleRejected("an artifact lies under another name", got=name, expected=facts.manifest.folder)
        yield f"{MODELS}/{facts.line().removeprefix('OK ')}"
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
