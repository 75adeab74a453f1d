"""`grinder ledger verify`: say whether every trial is still where it was written."""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from grinder_resources.addresses import models_dir
from grinder_resources.errors import LedgerBroken
from grinder_resources.learning.ledger import LEDGER_FILE, Ledger


def add_parsers(commands: Any) -> None:
    """Add `grinder ledger verify` to what `ArgumentParser.add_subparsers()` returned."""
    ledger = commands.add_parser("ledger", help="check the trial ledger", description=__doc__)
    actions = ledger.add_subparsers(title="actions", metavar="ACTION", required=True)
    verify = actions.add_parser(
        "verify",
        help="re-hash every record",
        description="Re-hash every record of the trial ledger and follow the chain. Exit 0: unbroken; prints how many "
        "trials there are, by kind, and the root hash. Exit 1: one line names what was altered, cut or reordered.",
    )
    verify.add_argument("--models", type=Path, metavar="DIR", help="folder of the ledger (default models)")
    verify.set_defaults(run=verify_ledger)


def verify_ledger(arguments: argparse.Namespace) -> int:
    """Print the count of records by kind and the root hash, return 0. Raises LedgerBroken naming the line."""
    path = models_dir(arguments.models) / LEDGER_FILE
    records = Ledger(path).read()
    if not records:
        raise LedgerBroken("there is no trial ledger", where=str(path), hint="Training starts one; nothing removes it.")
    trials = len({record.trial.key for record in records})
    sys.stdout.write(f"{path}: {len(records)} records of {trials} distinct trials, chain unbroken\n")
    for kind, count in sorted(Counter(record.trial.kind for record in records).items()):
        sys.stdout.write(f"  {kind:<14}{count:>8}\n")
    sys.stdout.write(f"root {records[-1].sha256}\n")
    return 0
