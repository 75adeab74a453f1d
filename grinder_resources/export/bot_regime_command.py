"""`grinder train-regime`: the bot's training pipeline on synthetic rows, as an artifact the bot loads."""

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from grinder_resources.clock import utc_now
from grinder_resources.contracts.bot import DATASET_ID
from grinder_resources.errors import InputRefused

SEED = 42
ROWS = 300
MAX_SEED = (1 << 32) - 1
MAX_ROWS = 1_000_000

_NO_COMMIT = "note: no repository here, so the manifest names no git_sha; an active stage of the bot asks for one\n"


def add_parsers(commands: Any) -> None:
    """Add `grinder train-regime` to what `ArgumentParser.add_subparsers()` returned."""
    parser = commands.add_parser(
        "train-regime",
        help="the bot's own training pipeline on synthetic rows",
        description="Train a small random forest on made-up rows and write model.onnx, train_report.json and a "
        'manifest "v1.1". It tests a pipeline, not a market: the same id, seed and rows give the same model.',
    )
    parser.add_argument("--out-dir", type=Path, required=True, metavar="DIR", help="a folder that does not exist yet")
    parser.add_argument("--dataset-id", required=True, metavar="ID", help="name of the rows; another one draws others")
    parser.add_argument("--seed", type=_up_to(MAX_SEED), default=SEED, help=f"default {SEED}")
    parser.add_argument("--n-samples", type=_up_to(MAX_ROWS), default=ROWS, metavar="N", help=f"rows (default {ROWS})")
    parser.add_argument("--notes", help="words for the manifest and the report")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what was made and return 0. Raises NothingTrainable or InputRefused in one line."""
    from grinder_resources.export.bot_regime_train import train_regime

    if not DATASET_ID.fullmatch(arguments.dataset_id):
        raise InputRefused(
            "a data set's id is 3 to 65 of a-z, 0-9, '.', '_' and '-'", where="--dataset-id", got=arguments.dataset_id
        )
    made = train_regime(
        arguments.out_dir,
        arguments.dataset_id,
        created_at=utc_now(),
        seed=arguments.seed,
        rows=arguments.n_samples,
        notes=arguments.notes,
    )
    counts = ", ".join(f"{count} {name}" for name, count in made.counts.items())
    sys.stdout.write(f"{made.directory}: {counts}; {made.train_accuracy:.3f} of them answered right\n")
    sys.stdout.write(f"model.onnx sha256 {made.model_sha256}\n")
    if made.git_sha is None:
        sys.stdout.write(_NO_COMMIT)
    return 0


def _up_to(limit: int) -> Any:
    """Return a reader of whole numbers from 0 to a limit."""

    def read(text: str) -> int:
        value = int(text) if re.fullmatch(r"[0-9]{1,12}", text, re.ASCII) else -1
        if not 0 <= value <= limit:
            raise argparse.ArgumentTypeError(f"not a whole number from 0 to {limit}: {text!r}")
        return value

    return read
