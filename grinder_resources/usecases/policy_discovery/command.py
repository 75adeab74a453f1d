"""`grinder policy-rules`: the rules of the latest policy discovery, as text or as data."""

import argparse
import sys
from pathlib import Path
from typing import Any

from grinder_resources.addresses import reports_dir


def add_parsers(commands: Any) -> None:
    """Add `grinder policy-rules` to what `ArgumentParser.add_subparsers()` returned."""
    parser = commands.add_parser(
        "policy-rules",
        help="the policy rules that were found, and what became of each",
        description="Print the rules of the latest policy discovery with their numbers, kept ones first. "
        "Exit 1: there is no such file, or it is not what a discovery wrote.",
    )
    parser.add_argument("--json", action="store_true", help="print the document instead of text")
    parser.add_argument("--reports", type=Path, metavar="DIR", help="folder of the pages (default data/reports)")
    parser.set_defaults(run=print_rules)


def print_rules(arguments: argparse.Namespace) -> int:
    """Print the rules and return 0. Raises NoData without a file, ManifestRejected for one that is no rule book."""
    from grinder_resources.usecases.policy_discovery.book_json import to_json
    from grinder_resources.usecases.policy_discovery.book_text import to_text
    from grinder_resources.usecases.policy_discovery.report import FOLDER, RULES_JSON, read_book

    book = read_book(reports_dir(arguments.reports) / FOLDER / RULES_JSON)
    sys.stdout.write(to_json(book).decode() if arguments.json else to_text(book))
    return 0
