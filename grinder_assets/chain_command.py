"""`grinder chain`: make everything again from Bronze somewhere else, and say whether two lines of data are the same."""

import argparse
import shutil
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grinder_assets.in_process import EVERY_ASSET, run_job, set_addresses
from grinder_resources import progress
from grinder_resources.addresses import lake_root
from grinder_resources.errors import NoData, OutOfRange
from grinder_resources.storage import storage_errors

if TYPE_CHECKING:
    from grinder_resources.lake import Lake

LAYERS = ("bronze", "silver", "gold")


def add_parsers(commands: Any) -> None:
    """Add `grinder chain rebuild` and `grinder chain diff` to what `ArgumentParser.add_subparsers()` returned."""
    chain = commands.add_parser("chain", help="rebuild a line of data elsewhere, or compare two", description=__doc__)
    actions = chain.add_subparsers(title="actions", metavar="ACTION", required=True)
    rebuild = actions.add_parser(
        "rebuild",
        help="copy the layers up to one, make the later ones and the models again",
        description=rebuild_chain.__doc__,
    )
    rebuild.add_argument(
        "--from", dest="layer", choices=LAYERS, default="bronze", help="last layer to copy (default bronze)"
    )
    rebuild.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="a folder that does not exist, or is empty"
    )
    rebuild.add_argument("--data", type=Path, help="folder of the line to rebuild (default data, or GRINDER_LAKE)")
    rebuild.set_defaults(run=rebuild_chain)
    diff = actions.add_parser("diff", help="equal roots, or the first difference", description=diff_chains.__doc__)
    for side in ("left", "right"):
        diff.add_argument(
            side, type=Path, metavar=side.upper(), help="a data folder: `lake` inside, `models` inside or beside"
        )
    diff.set_defaults(run=diff_chains)


def rebuild_chain(arguments: argparse.Namespace) -> int:
    """Copy Bronze (or the layers up to --from) elsewhere, make the rest again there, and print the chain roots."""
    from grinder_resources.proofs.chain import Line, roots_of

    source = _source(arguments.data)
    out = arguments.out.absolute()
    with progress.shown(), storage_errors(str(out)):
        _require_empty(out)
        kept = LAYERS[: LAYERS.index(arguments.layer) + 1]
        _copy(source, out / "lake", kept)
        set_addresses(data=out, models=out / "models", landing=out / "landing")
        _make_the_rest(source, kept)
    for name, root in roots_of(Line.at(out)).items():
        sys.stdout.write(f"{name:<28} chain root {root}\n")
    return 0


def diff_chains(arguments: argparse.Namespace) -> int:
    """Compare two lines from Bronze to the models. Exit 0: equal. Exit 1: one line names the first difference."""
    from grinder_resources.proofs.chain import Line, assert_same, roots_of, tables_of

    left, right = Line.at(arguments.left), Line.at(arguments.right)
    assert_same(left, right)
    for name, root in roots_of(left).items():
        sys.stdout.write(f"{name:<28} chain root {root}\n")
    sys.stdout.write(f"equal: {len(tables_of(left.lake))} tables, {len(roots_of(left))} models\n")
    return 0


def _source(data: Path | None) -> "Lake":
    from grinder_resources.lake import Lake

    root = lake_root(data)
    if not Path(root).is_dir():
        raise NoData("there is no lake to rebuild", where=root, expected="a folder", hint="Run `grinder run` first")
    return Lake(root)


def _require_empty(out: Path) -> None:
    if out.exists() and any(out.iterdir()):
        raise OutOfRange("a line is rebuilt in an empty folder", where=str(out), hint="Name another one")


def _copy(source: "Lake", root: Path, layers: tuple[str, ...]) -> None:
    """Copy every table of the layers, commits included, and verify the copy of every day."""
    from grinder_resources.lake import Lake
    from grinder_resources.proofs.chain import tables_of

    copy = Lake(str(root))
    for table in progress.track(tables_of(source, layers), desc="copied"):
        shutil.copytree(Path(source.root) / table, root / table)
        for day in copy.days(table):
            copy.rows(table, day)


def _make_the_rest(source: "Lake", kept: tuple[str, ...]) -> None:
    """Materialise the source's tables that were not copied, stretch by stretch, and then its models."""
    from grinder_assets.keys import key_of
    from grinder_assets.partitions import contiguous
    from grinder_assets.training.assets import artifact_key
    from grinder_resources.learning.specs import SPECS
    from grinder_resources.proofs.chain import Line, roots_of, tables_of

    later = tuple(layer for layer in LAYERS if layer not in kept)
    missing = [key_of(table) for table in tables_of(source, later)]
    for stretch in contiguous(_days(source)) if missing else ():
        run_job(EVERY_ASSET, stretch, assets=missing, ops=_promoted(source))
    models = roots_of(Line.at(Path(source.root).parent))
    if models:
        run_job(EVERY_ASSET, None, assets=[artifact_key(SPECS[name]) for name in models])


def _days(lake: "Lake") -> list[date]:
    from grinder_resources.proofs.chain import tables_of

    return sorted({day for table in tables_of(lake, ("bronze",)) for day in lake.days(table)})


def _promoted(lake: "Lake") -> dict[str, Any]:
    """Return the run config that promotes the feature version which the source line has in production."""
    from grinder_resources.contracts.gold import SIGNALS

    sources = {name.rpartition("/")[0] for commit in lake.stamps(SIGNALS).values() for name in commit.upstream}
    versions = sorted(name.removeprefix("silver/features/") for name in sources)
    return {SIGNALS.replace("/", "__"): {"config": {"silver_version": versions[-1]}}} if versions else {}
