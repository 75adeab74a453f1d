"""What the commands of the registry do: each reads or changes the log and prints; loaded when one is run."""

import argparse
import getpass
import os
import sys
from pathlib import Path

from grinder_resources.addresses import lake_root, models_dir
from grinder_resources.clock import utc_now
from grinder_resources.contracts.bot_registry import REGISTRY_FILE
from grinder_resources.errors import GrinderError
from grinder_resources.operations import operations
from grinder_resources.registry import changes
from grinder_resources.registry.events import Event
from grinder_resources.registry.log import Change, Registry
from grinder_resources.registry.printing import event_lines, gate_lines, standing_lines, version_lines
from grinder_resources.registry.served import registered_folder
from grinder_resources.registry.states import standings


def run_init(arguments: argparse.Namespace) -> int:
    """Make an empty registry, or read the one that is there."""
    registry = Registry(models_dir(arguments.models))
    made = registry.create()
    _print(f"{registry.path}: {'an empty registry' if made else f'{len(registry.read())} events, left as they are'}")
    return 0


def run_list(arguments: argparse.Namespace) -> int:
    """Print where every model stands."""
    _print(*standing_lines(Registry(models_dir(arguments.models)).standings()))
    return 0


def run_at(arguments: argparse.Namespace) -> int:
    """Print where every model stood at a time."""
    events = Registry(models_dir(arguments.models)).read()
    _print(*standing_lines(standings(event for event in events if event.at <= arguments.time)))
    return 0


def run_history(arguments: argparse.Namespace) -> int:
    """Print the events, of one model or all. Raises RegistryRejected for a model the registry does not know."""
    events = Registry(models_dir(arguments.models)).read()
    if arguments.model:
        changes.standing_of(standings(events), arguments.model)
    _print(*event_lines(event for event in events if arguments.model in {"", event.model}))
    return 0


def run_show(arguments: argparse.Namespace) -> int:
    """Print one version and its evidence; the one in production by default, or else the staged one."""
    known = Registry(models_dir(arguments.models)).standings()
    standing = changes.standing_of(known, arguments.model)
    version = standing.production or standing.staged
    if arguments.version or version is None:
        version = changes.version_of(known, arguments.model, arguments.version)
    _print(*version_lines(version))
    return 0


def run_stage(arguments: argparse.Namespace) -> int:
    """Stage a version with the evidence in the lake. Raises NoData without an artifact, UnknownName for no spec."""
    from grinder_resources.lake import Lake
    from grinder_resources.learning.specs import spec_named
    from grinder_resources.registry.evidence import artifact_of, evidence_of
    from grinder_resources.registry.served import newest_version

    models = models_dir(arguments.models)
    version = arguments.version or newest_version(arguments.model, models)
    artifact = artifact_of(models / f"{arguments.model}_{version}")
    evidence = evidence_of(spec_named(arguments.model), Lake(lake_root(arguments.data)), models)
    added = _change(arguments, changes.staging(arguments.model, version, artifact, evidence, keep=_keep()))
    if not added:
        known = Registry(models).standings()[arguments.model].versions[version]
        so_is = ", and its evidence is as it was" if known.state == "staged" else ""
        _print(f"nothing new: {known.folder} is {known.state}{so_is}")
    return 0


def run_promote(arguments: argparse.Namespace) -> int:
    """Print what the gates say and promote. Raises PromotionRefused where they do not let the version through."""
    models = models_dir(arguments.models)
    version, found = changes.candidacy(Registry(models).standings(), arguments.model, arguments.version, models)
    _print(*gate_lines(found))
    change = changes.promotion(
        arguments.model,
        version.version,
        models,
        reason=arguments.reason,
        despite=arguments.despite or "",
        keep=_keep(),
    )
    _change(arguments, change)
    _renew_copy(models)
    return 0


def run_rollback(arguments: argparse.Namespace) -> int:
    """Take the version in production out, and bring back the one before."""
    models = models_dir(arguments.models)
    _change(arguments, changes.rollback(arguments.model, models, to=arguments.to, reason=arguments.reason))
    _renew_copy(models)
    return 0


def run_verify(arguments: argparse.Namespace) -> int:
    """Re-hash events and artifacts, and check signatures where keys are given."""
    from grinder_resources.registry.verify import verify_registry

    found = verify_registry(
        models_dir(arguments.models), public_key=arguments.public_key, artifact_key=arguments.artifact_key
    )
    _print(*found.lines)
    return 0


def run_sign(arguments: argparse.Namespace) -> int:
    """Sign the folder of a registered version, which is verified first."""
    from grinder_resources.export.verify import verify_artifact
    from grinder_resources.registry.signing import sign_artifact

    models = models_dir(arguments.models)
    version = changes.version_of(Registry(models).standings(), arguments.model, arguments.version)
    folder = registered_folder(version, models)
    verify_artifact(folder)
    _print(f"{sign_artifact(folder, arguments.private_key)}: covers {folder.name}")
    return 0


def run_export(arguments: argparse.Namespace) -> int:
    """Write the copy that the trading process reads."""
    models = models_dir(arguments.models)
    _export(models, arguments.out or models / REGISTRY_FILE, arguments.commit)
    return 0


def _export(models: Path, out: Path, commit: str | None = None) -> None:
    from grinder_resources.export.commit import head_commit
    from grinder_resources.registry.bot import export_registry

    count = export_registry(Registry(models), out, commit=commit or head_commit(), at=utc_now())
    _print(f"{out}: {count} model{'' if count == 1 else 's'}")


def _renew_copy(models: Path) -> None:
    """Write the copy for the trading process anew where there is one, else say how it is written.

    Raises what writing it raises, after saying that the change stands and the copy does not have it.
    """
    copy = models / REGISTRY_FILE
    if not os.path.lexists(copy):
        _print("the trading process reads a copy: `grinder registry export` writes it")
        return
    try:
        _export(models, copy)
    except GrinderError:
        _print(f"this stands, but {copy} does not say so yet: `grinder registry export` writes it anew")
        raise


def _change(arguments: argparse.Namespace, change: Change) -> tuple[Event, ...]:
    """Make a change, print the events that it added, and return them."""
    from grinder_resources.registry.keys import signer_in_force

    actor = arguments.actor or os.environ.get("GRINDER_ACTOR") or getpass.getuser()
    signer = signer_in_force(arguments.key)
    added = Registry(models_dir(arguments.models)).change(change, actor=actor, at=utc_now(), signer=signer)
    _print(*event_lines(added))
    return added


def _keep() -> int:
    return operations().registry.max_versions


def _print(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
