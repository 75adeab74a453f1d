"""`grinder track ARTIFACT`: tell MLflow of an artifact, or of what has become known of it since."""

import argparse
import sys
from pathlib import Path
from typing import Any

from grinder_resources.addresses import lake_root


def add_parsers(commands: Any) -> None:
    """Add `grinder track` to what `ArgumentParser.add_subparsers()` returned."""
    parser = commands.add_parser(
        "track",
        help="tell MLflow of an artifact",
        description="Make the MLflow run of an artifact, or add to it what has become known since, such as the scores "
        "of the walk-forward. One artifact has one run, however often it is told.",
    )
    parser.add_argument("artifact_dir", type=Path, metavar="ARTIFACT", help="e.g. models/regime_v1.0.0")
    parser.add_argument("--to", metavar="URI", help="local, or a server (default GRINDER_TRACKING, else local)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the lake (default data, or GRINDER_LAKE)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print which run was made or added to and return 0. Raises ExtraMissing, TrackingFailed, ArtifactRejected."""
    from grinder_resources.lake import Lake
    from grinder_resources.tracking.address import LOCAL, store_of
    from grinder_resources.tracking.telling import tell

    models = arguments.artifact_dir.absolute().parent
    store = store_of(models, arguments.to) or store_of(models, LOCAL)
    assert store is not None
    sys.stdout.write(f"{tell(arguments.artifact_dir, store, Lake(lake_root(arguments.data))).sentence}\n")
    return 0
