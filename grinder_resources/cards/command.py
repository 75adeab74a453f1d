"""`grinder card ARTIFACT --out FILE`: a model card, made from facts, in one file that can be mailed and archived."""

import argparse
import sys
from pathlib import Path
from typing import Any

from grinder_resources.addresses import lake_root


def add_parsers(commands: Any) -> None:
    """Add `grinder card` to what `ArgumentParser.add_subparsers()` returned."""
    parser = commands.add_parser(
        "card",
        help="write the card of a model",
        description="Write one self-contained HTML page about an artifact: what it is for and not for, what it was "
        "made from, what it is worth with intervals, its calibration and slices, limits, hashes, and how to verify it.",
    )
    parser.add_argument("artifact", type=Path, metavar="ARTIFACT", help="e.g. models/regime_v1.0.0")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the page to write")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the lake (default data, or GRINDER_LAKE)")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder of the registry (default the artifact's)")
    parser.set_defaults(run=write_card)


def write_card(arguments: argparse.Namespace) -> int:
    """Write the page, print the verdict, and return 0.

    Raises ManifestRejected or ArtifactRejected for an artifact that does not verify, StorageFull where the page cannot
    be written.
    """
    from grinder_resources.cards.facts import card_of
    from grinder_resources.cards.page import card_page
    from grinder_resources.cards.words import verdict_of
    from grinder_resources.evaluation.document import write_page
    from grinder_resources.lake import Lake

    models = arguments.models or arguments.artifact.resolve().parent
    card = card_of(arguments.artifact, Lake(lake_root(arguments.data)), models)
    write_page(arguments.out, card_page(card))
    sys.stdout.write(f"{card.title}: {verdict_of(card)[0]}\n{arguments.out}\n")
    return 0
