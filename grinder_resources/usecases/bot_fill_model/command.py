"""`grinder export-fill-model --out DIR`: round trips, and the bot's fill model, which is counted from them."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grinder_resources.addresses import lake_root
from grinder_resources.clock import utc_now
from grinder_resources.contracts.bot_fills import FILL_EVAL_SCHEMA, FILL_MODEL_SCHEMA, ROUNDTRIPS_ID

if TYPE_CHECKING:
    import polars as pl

    from grinder_resources.usecases.bot_fill_model.roundtrips import Fill

FROM_ORDERS = "export"
"""What the bot calls a source that is neither its own simulation nor made up."""


def add_parsers(commands: Any) -> None:
    """Add `grinder export-fill-model` to what `ArgumentParser.add_subparsers()` returned."""
    parser = commands.add_parser(
        "export-fill-model",
        help="count the bot's fill_model_v0 from round trips",
        description="Put round trips together from the real orders in the lake, or read the bot's own data set of "
        f"them, and write {ROUNDTRIPS_ID} and {FILL_MODEL_SCHEMA} below DIR. The model says how often a round trip of "
        "its kind gained something, not whether an order is filled: that is the model fill_probability.",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="new folders are made in it")
    parser.add_argument("--dataset", type=Path, metavar="DIR", help=f"a folder of the bot's {ROUNDTRIPS_ID}")
    parser.add_argument("--judge", type=Path, metavar="DIR", help="another one, best of later days: judge on it")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the lake (default data, or GRINDER_LAKE)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what was written and return 0. Raises NoData without a round trip, and what reading and writing raise."""
    from grinder_resources.usecases.bot_fill_model.evaluation import write_evaluation
    from grinder_resources.usecases.bot_fill_model.model import fit_fill_model, write_fill_model

    out, made_at = arguments.out, utc_now()
    rows = _roundtrips(arguments, made_at)
    model = fit_fill_model(rows)
    write_fill_model(out / FILL_MODEL_SCHEMA, model, made_at)
    gained = f"{model.global_prior_bps / 100:g} % of which gained something"
    _say(f"{out}/{FILL_MODEL_SCHEMA}: {len(model.bins)} bins of {rows.height:,} round trips, {gained}")
    if arguments.judge:
        judged = write_evaluation(out / FILL_EVAL_SCHEMA, out / FILL_MODEL_SCHEMA, arguments.judge)
        worst = f"bins are off by {judged['calibration_max_error_bps'] / 100:g} percentage points at most"
        _say(f"{out}/{FILL_EVAL_SCHEMA}: on {judged['n_rows']:,} other round trips {worst}")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _roundtrips(arguments: argparse.Namespace, made_at: str) -> "pl.DataFrame":
    """Return the round trips of the data set given, or those of the lake's orders, which are written first."""
    from grinder_resources.errors import NoData
    from grinder_resources.usecases.bot_fill_model.dataset import read_roundtrips, write_roundtrips
    from grinder_resources.usecases.bot_fill_model.roundtrips import roundtrip_rows

    given = arguments.dataset
    rows = read_roundtrips(given) if given else roundtrip_rows(_fills(arguments.data), source=FROM_ORDERS)
    if rows.is_empty():
        raise NoData("there is no round trip to count", where=str(given or "bronze/orders"))
    if not given:
        write_roundtrips(arguments.out / ROUNDTRIPS_ID, rows, created_at=made_at, source=FROM_ORDERS)
        _say(f"{arguments.out}/{ROUNDTRIPS_ID}: {rows.height:,} round trips")
    return rows


def _fills(data: Path | None) -> "Iterator[Fill]":
    """Return the fills of every day of the lake's real orders; raises PartitionMissing where there is no day."""
    from grinder_resources.contracts.bronze import INSTRUMENTS, ORDERS
    from grinder_resources.contracts.instruments import instruments_of
    from grinder_resources.lake import Lake
    from grinder_resources.usecases.bot_fill_model.sources import order_fills

    lake = Lake(lake_root(data))
    units = lake.read(INSTRUMENTS).unique(["venue", "symbol"], keep="last", maintain_order=True)
    return order_fills(lake.read(ORDERS), instruments_of(units))
