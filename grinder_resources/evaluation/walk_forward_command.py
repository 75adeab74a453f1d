"""`grinder walk-forward verify`: fit a sample of kept folds from scratch and compare."""

import argparse
import sys
from pathlib import Path
from typing import Any

from grinder_resources import progress
from grinder_resources.addresses import lake_root, models_dir
from grinder_resources.errors import OutOfRange

SEED = 42


def add_parsers(commands: Any) -> None:
    """Add `grinder walk-forward verify` to what `ArgumentParser.add_subparsers()` returned."""
    walk_forward = commands.add_parser("walk-forward", help="check kept folds", description=__doc__)
    actions = walk_forward.add_subparsers(title="actions", metavar="ACTION", required=True)
    verify = actions.add_parser(
        "verify",
        help="fit a sample of kept folds from scratch",
        description="Fit folds of the walk-forward anew from the Gold rows, in an empty place, and compare them with "
        "those kept beside the models. Exit 0: all equal. Exit 1: one line names the fold and the head.",
    )
    verify.add_argument("--from-scratch", type=int, default=3, metavar="N", help="how many folds (default 3)")
    verify.add_argument("--model", metavar="NAME", help="a model spec (default every one that has folds)")
    verify.add_argument("--seed", type=int, default=SEED, help=f"which folds are taken (default {SEED})")
    verify.add_argument("--data", type=Path, metavar="DIR", help="folder of the lake (default data, or GRINDER_LAKE)")
    verify.add_argument("--models", type=Path, metavar="DIR", help="folder of models and folds (default models)")
    verify.set_defaults(run=verify_folds)


def verify_folds(arguments: argparse.Namespace) -> int:
    """Print a line a fold and return 0. Raises ProofFailed for the first that differs, NoData without folds."""
    from grinder_resources.evaluation.fold_proof import rebuild_folds
    from grinder_resources.lake import Lake
    from grinder_resources.learning.adopted import in_force
    from grinder_resources.learning.fold_store import FOLDS_FOLDER, FoldStore
    from grinder_resources.learning.folds import folds_code
    from grinder_resources.learning.ledger import LEDGER_FILE, Ledger
    from grinder_resources.learning.specs import SPECS, spec_named

    if arguments.from_scratch < 1:
        raise OutOfRange("at least one fold is fitted", where="--from-scratch", got=str(arguments.from_scratch))
    models = models_dir(arguments.models)
    specs = [spec_named(arguments.model)] if arguments.model else SPECS.values()
    with progress.shown():
        folds = rebuild_folds(
            [in_force(spec, models) for spec in specs],
            Lake(lake_root(arguments.data)),
            FoldStore(models / FOLDS_FOLDER),
            Ledger(models / LEDGER_FILE),
            code_version=folds_code(),
            count=arguments.from_scratch,
            seed=arguments.seed,
        )
    width = max(len(fold.name) for fold in folds)
    sys.stdout.write(f"{'fold':<{width}}  {'cached':<16}  {'rebuilt':<16}  equal\n")
    for fold in folds:
        hashes = f"{fold.cached.sha256[:16]}  {fold.rebuilt.sha256[:16]}"
        sys.stdout.write(f"{fold.name:<{width}}  {hashes}  {'yes' if fold.equal else 'no'}\n")
    for fold in folds:
        fold.require_equal()
    return 0
