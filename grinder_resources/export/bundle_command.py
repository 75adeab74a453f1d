"""`grinder export-bundle ARTIFACT --out DIR`: a model, its rows and a registry as the bot's own tools look for them."""

import argparse
import sys
from pathlib import Path
from typing import Any

from grinder_resources.addresses import lake_root
from grinder_resources.clock import utc_now
from grinder_resources.contracts.bot import BOT_SCHEMAS


def add_parsers(commands: Any) -> None:
    """Add `grinder export-bundle` to what `ArgumentParser.add_subparsers()` returned."""
    parser = commands.add_parser(
        "export-bundle",
        help="hand a model to the bot: artifact, data set, registry",
        description="Verify a model that was trained on the bot's 15 inputs, prove that the bot will read the same "
        "answers from it, and write it below DIR as artifacts/<id>, datasets/<id> and models.json, stage shadow.",
    )
    parser.add_argument("artifact_dir", type=Path, metavar="ARTIFACT", help="e.g. models/regime_bot_v1.0.0")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the bundle; may hold others")
    parser.add_argument(
        "--format", choices=BOT_SCHEMAS, default=BOT_SCHEMAS[-1], help="schema of the manifest (default v1.1)"
    )
    parser.add_argument("--notes", help="words for the manifest and the registry")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the lake (default data, or GRINDER_LAKE)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what was written and return 0. Raises NotExportable, ExportMismatch or what verifying and writing raise."""
    from grinder_resources.export.bundle import prepare, write_bundle
    from grinder_resources.lake import Lake

    handover = prepare(arguments.artifact_dir, Lake(lake_root(arguments.data)), arguments.notes)
    made = write_bundle(handover, arguments.out, schema=arguments.format, created_at=utc_now())
    rows = f"{made.rows:,} rows, on each of which the bot reads the model's own answers"
    lines = [
        f"{arguments.out}/artifacts/{made.artifact_id}: {handover.notes}",
        f"{arguments.out}/datasets/{made.dataset_id}: {rows}",
        f"{arguments.out}/models.json: {handover.source.manifest.model_name}, stage shadow",
    ]
    if made.git_sha is None:
        lines.append("note: no repository here, so nothing names a git_sha; an active stage of the bot asks for one")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0
