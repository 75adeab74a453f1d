"""`grinder prove features`: sampled features computed again in every mode, one sha256 each."""

import argparse
import sys
from typing import Any

from grinder_resources import progress
from grinder_resources.arguments import count
from grinder_resources.proofs.lake_options import add_lake_options, days_of, lake_of


def add_parser(subparsers: Any) -> None:
    """Add `features` to what `ArgumentParser.add_subparsers()` returned."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "features",
        help="the same bits from stored rows, whole days, trailing windows, single records and any number of threads",
        description="Draw decisions from Silver, compute their features again in every mode and print one sha256 a "
        "mode. Exit 0: all are equal. Exit 1: one line names the first difference.",
    )
    parser.add_argument("--points", type=count, default=10_000, help="decisions to compute again (default 10000)")
    add_lake_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table of modes and return 0. Raises ProofFailed with the first difference, or what drawing raises."""
    from grinder_resources.features.manifest import load_manifest
    from grinder_resources.proofs.features import assert_same, outcomes, table
    from grinder_resources.proofs.features_points import draw_points

    lake, manifest = lake_of(arguments), load_manifest(arguments.version)
    points = draw_points(lake, manifest, arguments.points, arguments.seed, days_of(arguments))
    with progress.shown():
        found = outcomes(lake, manifest.version, points)
    sys.stdout.write(f"{manifest.version}: {points.summary}\n\n{table(found, points)}")
    assert_same(manifest.version, points, found)
    sys.stdout.write("all equal\n")
    return 0
