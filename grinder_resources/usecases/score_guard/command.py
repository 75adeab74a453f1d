"""`grinder backtest grid` and `grinder backtest gates`: a heuristic as it is, and with a score in its way."""

import argparse
import sys
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grinder_resources.addresses import lake_root, models_dir

if TYPE_CHECKING:
    from collections.abc import Callable

    from grinder_resources.lake import Lake
    from grinder_resources.usecases.score_guard.guard import Guard
    from grinder_resources.usecases.score_guard.model_scores import Outputs
    from grinder_resources.usecases.score_guard.scores import Scores
    from grinder_resources.usecases.score_guard.tries import Backtest

THRESHOLD_BPS = 5_000
WALK_FORWARD = "walk-forward:"
VERDICT = (
    "Prints both policies, how sure the difference is, and `promote` or `no promotion` with its numbers. "
    "Exit 0 either way; with --require-promotion 1 where nothing is promoted. Every try goes to the trial ledger."
)


def add_parsers(commands: Any) -> None:
    """Add `grinder backtest grid` and `grinder backtest gates` to what `ArgumentParser.add_subparsers()` returned."""
    actions = commands.add_parser("backtest", help="a heuristic with a model's score in its way").add_subparsers(
        title="actions", metavar="ACTION", required=True
    )
    grid = actions.add_parser(
        "grid",
        help="the bot's grid rules on the lake's quotes and prints",
        description=f"Replay the bot's rules over days of the lake, alone and guarded by scores. {VERDICT}",
    )
    _add_common(grid, max_age_s=600)
    grid.add_argument("--maker-bps", type=_ppm, default=200, metavar="X", help="maker fee (default 2)")
    grid.add_argument("--taker-bps", type=_ppm, default=400, metavar="X", help="taker fee (default 4)")
    grid.add_argument("--feed-ms", type=int, default=10, metavar="N", help="from an event to the bot (default 10)")
    grid.add_argument("--order-ms", type=int, default=10, metavar="N", help="from the bot to the book (default 10)")
    grid.set_defaults(run=backtest_grid)
    gates = actions.add_parser(
        "gates",
        help="the gate stream's candle heuristic",
        description=f"Trade admitted gates at the next gate's price, alone and guarded by scores. {VERDICT}",
    )
    _add_common(gates, max_age_s=60)
    gates.add_argument("--cost-bps", type=_x1000, default=1_500, metavar="X", help="costs a side (default 1.5)")
    gates.add_argument("--hold-min", type=int, default=30, metavar="N", help="minutes a trade is held (default 30)")
    gates.set_defaults(run=backtest_gates)


def backtest_grid(arguments: argparse.Namespace) -> int:
    """Print the comparison of grids; return 0, or 1 where a promotion was required and is not given.

    Raises PartitionMissing and NoData for days that are not in the lake, and what `read_scores` and `model_scores`
    raise.
    """
    from grinder_resources.contracts.simulation import NS_PER_MS, Costs
    from grinder_resources.lake import Lake
    from grinder_resources.usecases.score_guard.grid_try import read_markets, scores_of_model, try_grid

    lake = Lake(lake_root(arguments.data))
    markets = read_markets(lake, arguments.day, arguments.symbol)
    costs = Costs(
        arguments.maker_bps, arguments.taker_bps, arguments.feed_ms * NS_PER_MS, arguments.order_ms * NS_PER_MS
    )
    scores = _scores(arguments, lake, lambda folder, outputs: scores_of_model(folder, lake, markets, outputs))
    found = try_grid(
        lake, markets, scores, _ledger(arguments), guard=_guard(arguments), costs=costs, symbols=arguments.symbol
    )
    return _told(found, arguments)


def backtest_gates(arguments: argparse.Namespace) -> int:
    """Print the comparison of gate trades; return 0, or 1 where a promotion was required and is not given.

    Raises PartitionMissing and NoData for days that are not in the lake, and what `read_scores` and `model_scores`
    raise.
    """
    from grinder_resources.lake import Lake
    from grinder_resources.usecases.score_guard.gate_try import gate_scores_of_model, read_gates, try_gates
    from grinder_resources.usecases.score_guard.gates import GateCosts

    lake = Lake(lake_root(arguments.data))
    events = read_gates(lake, arguments.day, arguments.symbol)
    scores = _scores(arguments, lake, lambda folder, outputs: gate_scores_of_model(folder, events, outputs))
    found = try_gates(
        lake,
        events,
        scores,
        _ledger(arguments),
        guard=_guard(arguments),
        costs=GateCosts(arguments.hold_min, arguments.cost_bps),
        symbols=arguments.symbol,
    )
    return _told(found, arguments)


def _add_common(parser: argparse.ArgumentParser, max_age_s: int) -> None:
    day = date.fromisoformat
    parser.add_argument(
        "--day", type=day, nargs="+", required=True, metavar="DAY", help="UTC days, YYYY-MM-DD, one or more"
    )
    parser.add_argument("--symbol", nargs="+", default=[], metavar="S", help="only these symbols (default all)")
    parser.add_argument(
        "--ml-scores",
        metavar="SCORES",
        help="file of scores (.parquet, .csv, .jsonl), folder of a model, or walk-forward:NAME for the out-of-fold "
        "answers that the lake holds (default none: the heuristic alone)",
    )
    parser.add_argument(
        "--threshold",
        type=int,
        default=THRESHOLD_BPS,
        metavar="BPS",
        help=f"least score that opens the guard (default {THRESHOLD_BPS})",
    )
    parser.add_argument("--max-hazard", type=int, metavar="BPS", help="largest hazard (default: not asked)")
    parser.add_argument(
        "--max-age", type=int, default=max_age_s, metavar="S", help=f"oldest score, seconds (default {max_age_s})"
    )
    parser.add_argument("--score-output", metavar="HEAD/CLASS", help="a model's score; head/not-CLASS = all others")
    parser.add_argument("--hazard-output", metavar="HEAD/CLASS", help="a model's hazard; needs --score-output")
    parser.add_argument(
        "--fitted-until", type=day, metavar="DAY", help="last day that whoever made a file of scores had seen"
    )
    parser.add_argument("--require-promotion", action="store_true", help="exit 1 where nothing is promoted")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for page, verdict and rows")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the lake (default data, or GRINDER_LAKE)")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder of the trial ledger (default models)")


def _scores(
    arguments: argparse.Namespace, lake: "Lake", of_model: "Callable[[Path, Outputs | None], Scores]"
) -> "Scores | None":
    from grinder_resources.usecases.score_guard.fold_scores import fold_scores
    from grinder_resources.usecases.score_guard.scores import read_scores

    name: str | None = arguments.ml_scores
    if name is None:
        return None
    path, is_walk_forward = Path(name), name.startswith(WALK_FORWARD)
    _refuse_unheard(arguments, is_model=is_walk_forward or path.is_dir())
    if is_walk_forward:
        return fold_scores(lake, name.removeprefix(WALK_FORWARD), _outputs(arguments))
    return of_model(path, _outputs(arguments)) if path.is_dir() else read_scores(path, arguments.fitted_until)


def _refuse_unheard(arguments: argparse.Namespace, *, is_model: bool) -> None:
    """Raise UnknownName for an option of the other kind of scores: a model knows what it saw, a file has columns."""
    from grinder_resources.errors import UnknownName

    kind, option = ("a model", "--fitted-until") if is_model else ("a file", "--score-output")
    given = arguments.fitted_until if is_model else arguments.score_output
    if given:
        raise UnknownName(f"scores of {kind} do not hear this option", where=option, got=str(given))


def _outputs(arguments: argparse.Namespace) -> "Outputs | None":
    from grinder_resources.errors import UnknownName
    from grinder_resources.usecases.score_guard.model_scores import Outputs

    if arguments.score_output:
        return Outputs(arguments.score_output, arguments.hazard_output)
    if arguments.hazard_output:
        raise UnknownName("a hazard without a score", got=arguments.hazard_output, hint="Give --score-output")
    return None


def _guard(arguments: argparse.Namespace) -> "Guard":
    from grinder_resources.usecases.score_guard.guard import Guard

    return Guard(arguments.threshold, arguments.max_hazard, arguments.max_age)


def _ledger(arguments: argparse.Namespace) -> "Any":
    from grinder_resources.learning.ledger import LEDGER_FILE, Ledger

    return Ledger(models_dir(arguments.models) / LEDGER_FILE)


def _told(found: "Backtest", arguments: argparse.Namespace) -> int:
    from grinder_resources.usecases.score_guard.folder import write_backtest
    from grinder_resources.usecases.score_guard.table import lines

    sys.stdout.write("\n".join(lines(found)) + "\n")
    if arguments.out:
        sys.stdout.write(f"page {write_backtest(arguments.out, found, {})}\n")
    promoted = found.comparison is not None and found.comparison.promoted
    return 1 if arguments.require_promotion and not promoted else 0


def _ppm(text: str) -> int:
    """Return bps as parts per million."""
    return _whole(text, 100)


def _x1000(text: str) -> int:
    """Return bps x 1000."""
    return _whole(text, 1_000)


def _whole(text: str, scale: int) -> int:
    try:
        value = Decimal(text) * scale
    except InvalidOperation:
        value = Decimal("0.5")
    if not value.is_finite() or value != int(value) or abs(value) > 1_000_000:
        raise argparse.ArgumentTypeError(f"not a number of bps in steps of 1/{scale}: {text!r}")
    return int(value)
