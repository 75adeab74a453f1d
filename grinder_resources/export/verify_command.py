"""`grinder verify ARTIFACT_DIR`: say whether an artifact is what its manifest says."""

import argparse
import sys
from pathlib import Path

from grinder_resources.export.verify import verify_artifact


def add_parsers(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `verify`; it sets `run`, a function of the parsed arguments to an exit code."""
    parser = subparsers.add_parser(
        "verify",
        help="check an artifact's files against its manifest",
        description="Re-hash every file of a model folder and compare it with manifest.json. "
        "Exit 0: all equal. Exit 1: one line says what differs.",
    )
    parser.add_argument("artifact_dir", type=Path, metavar="ARTIFACT_DIR", help="e.g. models/regime_v1.0.0")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print one line and return 0. Raises ManifestRejected or ArtifactRejected where the artifact cannot be trusted."""
    sys.stdout.write(verify_artifact(arguments.artifact_dir).line() + "\n")
    return 0
