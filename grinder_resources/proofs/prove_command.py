"""`grinder prove`: claims of this project that anybody can have recomputed."""

import argparse
from typing import Any

from grinder_resources.proofs import export_command, features_command, graph_command

PROOFS = (features_command, export_command, graph_command)
"""Modules that each add one sub-command."""


def add_parsers(subparsers: Any) -> None:
    """Add `grinder prove` to what `ArgumentParser.add_subparsers()` returned."""
    parser: argparse.ArgumentParser = subparsers.add_parser("prove", help="recompute a claim", description=__doc__)
    proofs = parser.add_subparsers(title="proofs", metavar="PROOF", required=True)
    for module in PROOFS:
        module.add_parser(proofs)
