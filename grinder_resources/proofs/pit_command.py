"""`grinder pit`: whether rows know only what had happened when they were decided."""

import argparse
import sys
from typing import Any

from grinder_resources import progress
from grinder_resources.arguments import count
from grinder_resources.proofs.lake_options import add_lake_options, days_of, lake_of


def add_parsers(subparsers: Any) -> None:
    """Add `grinder pit prove` to what `ArgumentParser.add_subparsers()` returned."""
    parser: argparse.ArgumentParser = subparsers.add_parser("pit", help="point in time", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    prove = actions.add_parser(
        "prove",
        help="change the future of sampled rows and build them again",
        description="Delete, then scramble, every later record of Bronze, build the sampled rows again and compare "
        "their hashes. Exit 0: all are equal. Exit 1: one line names the first difference.",
    )
    prove.add_argument("--samples", type=count, default=500, help="rows to build again (default 500)")
    add_lake_options(prove)
    prove.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what became of the rows and return 0. Raises ProofFailed with the first row that changed."""
    from grinder_resources.proofs.pit import assert_same, draw_samples, findings, report

    lake, seed = lake_of(arguments), arguments.seed
    samples = draw_samples(lake, arguments.version, arguments.samples, seed, days_of(arguments))
    with progress.shown():
        found = findings(lake, arguments.version, samples, seed)
    sys.stdout.write(report(found))
    assert_same(found)
    sys.stdout.write("all equal\n")
    return 0
