"""`grinder drill`: break a model in every known way, and see that nothing happens."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grinder_resources.errors import DrillFailed, NoData, UnknownName
from grinder_resources.export.artifact import latest_version
from grinder_resources.proofs.table import text_table

if TYPE_CHECKING:
    from grinder_resources.proofs.drills.rig import DrillResult

HEADERS = ("drill", "reason", "snapshots to safe", "policy changed", "")
MODEL = "regime"


def add_parsers(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `drill`; it sets `run`, a function of the parsed arguments to an exit code."""
    parser = subparsers.add_parser(
        "drill",
        help="break a copy of a model in every known way, and see that rules alone decide",
        description="Run drills on a copy of an artifact. Exit 0 only if every one ended safe.",
    )
    parser.add_argument("names", nargs="*", metavar="DRILL", help="drills to run, e.g. kill_switch")
    parser.add_argument("--all", action="store_true", help="every drill there is")
    parser.add_argument("--model", type=Path, help="artifact folder (default: the newest regime model in --models)")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of artifacts (default: models)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print a table and return 0. Raises DrillFailed if a drill did not end safe, UnknownName for one there is not."""
    from grinder_resources.proofs.drills.faults import DRILLS

    names = list(DRILLS) if arguments.all else arguments.names
    unknown = [name for name in names if name not in DRILLS]
    if unknown or not names:
        raise UnknownName(
            "name drills, or say --all", where="grinder drill", got=", ".join(unknown), expected=", ".join(DRILLS)
        )
    results = run_drills(arguments.model or _newest(arguments.models), names)
    sys.stdout.write(text_table(HEADERS, [_cells(result) for result in results]))
    failed = [result.drill for result in results if not result.safe]
    if failed:
        raise DrillFailed("a drill did not end safe", got=", ".join(failed), expected="rules alone decide")
    return 0


def run_drills(model: Path, names: Sequence[str]) -> "list[DrillResult]":
    """Return what the drills saw, each in a folder of its own. Raises ArtifactRejected for a model that cannot do."""
    from grinder_resources.proofs.drills.faults import DRILLS
    from grinder_resources.proofs.drills.rig import rig_of

    results = []
    for name in names:
        with tempfile.TemporaryDirectory(prefix="grinder-drill-") as work:
            results.append(DRILLS[name](rig_of(model, Path(work))))
    return results


def _cells(result: "DrillResult") -> tuple[str, ...]:
    changed = f"{result.policy_changed} snapshots" if result.policy_changed else "no"
    return result.drill, result.reason, str(result.snapshots_to_safe), changed, "safe" if result.safe else "NOT SAFE"


def _newest(models: Path) -> Path:
    version = latest_version(models, MODEL)
    if version is None:
        raise NoData("there is no regime model to drill", where=str(models), hint="Run `grinder run`, or name --model")
    return models / f"{MODEL}_{version}"
