"""`grinder why EVENT_ID`: one page on why a model answered an event what it did."""

import argparse
import sys
from pathlib import Path
from typing import Any

from grinder_resources.addresses import lake_root, models_dir
from grinder_resources.arguments import count


def add_parsers(commands: Any) -> None:
    """Add `grinder why` to what `ArgumentParser.add_subparsers()` returned."""
    parser = commands.add_parser(
        "why",
        help="why a model answered an event what it did",
        description="Print one page about one event: what every head said, which inputs moved it (exact Shapley "
        "values), the way through the trees, the calibration step, whether it may be used, the nearest past events, "
        "and what really happened.",
    )
    parser.add_argument(
        "event_id", metavar="EVENT_ID", help="event_id of a touched level, or venue, symbol and ts_ns joined by '_'"
    )
    parser.add_argument("--model", default="", metavar="NAME|ARTIFACT", help="a model spec or an artifact folder")
    parser.add_argument("--head", default="", metavar="HEAD", help="the head to explain (default the model's first)")
    parser.add_argument("--neighbours", type=count, default=5, metavar="K", help="past events to name (default 5)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="judge by these settings of the signal runtime")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the page as HTML as well")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the lake (default data, or GRINDER_LAKE)")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder of artifacts (default models)")
    parser.set_defaults(run=print_why)


def print_why(arguments: argparse.Namespace) -> int:
    """Print the page and return 0.

    Raises NoData for an id that no table holds, UnknownName for a model or head that is none, ConfigRejected for
    settings the runtime refuses, ArtifactRejected or ManifestRejected for a model that does not verify.
    """
    from grinder_resources.inference.config import load_config
    from grinder_resources.interpretability.event import find_event
    from grinder_resources.interpretability.text_page import text_page
    from grinder_resources.interpretability.why import why
    from grinder_resources.lake import Lake

    lake, models = Lake(lake_root(arguments.data)), models_dir(arguments.models)
    config = load_config(arguments.config) if arguments.config else None
    event = find_event(arguments.event_id, lake, models, arguments.model)
    found = why(event, lake, models, head=arguments.head, neighbours=arguments.neighbours, config=config)
    sys.stdout.write(text_page(found))
    if arguments.html:
        from grinder_resources.evaluation.document import write_page
        from grinder_resources.interpretability.page import why_page

        write_page(arguments.html, why_page(found))
    return 0
