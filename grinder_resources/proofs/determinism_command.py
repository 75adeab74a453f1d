"""`grinder verify-determinism`: score a fixture twice and compare."""

import argparse
import sys
from pathlib import Path

from grinder_resources.errors import NotDeterministic


def add_parsers(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `verify-determinism`; it sets `run`, a function of the parsed arguments to an exit code."""
    parser = subparsers.add_parser(
        "verify-determinism",
        help="score a fixture twice, the second time in another process, and compare the signals",
        description="Score every snapshot of FIXTURE/snapshots.jsonl twice with the model in a folder. "
        "Exit 0: equal, and equal to what FIXTURE/config.json records. Exit 1: one line says what differs.",
    )
    parser.add_argument("--fixture", type=Path, required=True, help="folder with snapshots.jsonl")
    parser.add_argument("--model", type=Path, required=True, help="artifact folder, e.g. models/regime_v1.0.0")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the three hashes and return 0. Raises NotDeterministic where they are not what they should be."""
    from grinder_resources.proofs.determinism import verify_determinism

    found = verify_determinism(arguments.fixture, arguments.model)
    sys.stdout.write(f"Input features hash:  {found.inputs}\n")
    sys.stdout.write(f"Run 1 output hash:    {found.run_1}\nRun 2 output hash:    {found.run_2}\n")
    if not found.passed:
        raise NotDeterministic(
            "the signals are not those that were expected",
            where=str(arguments.fixture),
            got=f"inputs {found.inputs}, runs {found.run_1} and {found.run_2}",
            expected=f"inputs {found.expected_inputs or found.inputs}, runs {found.expected_outputs or found.run_1}",
        )
    sys.stdout.write("Determinism check:    ✅ PASS\n")
    return 0
