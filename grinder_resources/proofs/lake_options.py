"""Options that proofs over a lake share: where it lies, which features, which days, which seed."""

import argparse
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from grinder_resources.addresses import lake_root
from grinder_resources.errors import NoData

if TYPE_CHECKING:
    from grinder_resources.lake import Lake

DEFAULT_SET = "v2.0_full_ensemble"


def add_lake_options(parser: argparse.ArgumentParser) -> None:
    """Add --data, --set, --from, --to and --seed."""
    parser.add_argument("--data", type=Path, help="folder that holds the lake (default GRINDER_LAKE, then data)")
    parser.add_argument("--set", dest="version", default=DEFAULT_SET, help=f"feature version (default {DEFAULT_SET})")
    parser.add_argument(
        "--from", dest="first", type=date.fromisoformat, metavar="DAY", help="first UTC day, YYYY-MM-DD"
    )
    parser.add_argument("--to", dest="last", type=date.fromisoformat, metavar="DAY", help="last UTC day, YYYY-MM-DD")
    parser.add_argument("--seed", type=int, default=7, help="another seed draws other rows (default 7)")


def lake_of(arguments: argparse.Namespace) -> "Lake":
    """Return the lake the options and the environment name. Raises NoData if there is no such folder."""
    from grinder_resources.lake import Lake

    root = lake_root(arguments.data)
    if "://" not in root and not Path(root).is_dir():
        raise NoData("there is no lake", where=root, expected="a folder", hint="Run `grinder run` first")
    return Lake(root)


def days_of(arguments: argparse.Namespace) -> tuple[date | None, date | None]:
    """Return the first and the last day asked for; None is open."""
    return arguments.first, arguments.last
