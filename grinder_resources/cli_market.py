"""`grinder snapshots` and `grinder l2-features`: the bot's JSONL in, its feature snapshots out, a line each."""

import argparse
import gzip
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from grinder_resources.errors import CorruptFile, NoData

if TYPE_CHECKING:
    from grinder_resources.contracts.snapshots import FeatureSnapshot, L2FeatureSnapshot

STDIN = "-"


def add_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add both commands; each sets `run`, a function of the parsed arguments to an exit code."""
    snapshots = commands.add_parser(
        "snapshots", help="feature snapshots of the bot's SNAPSHOT ticks, one JSON object a line"
    )
    snapshots.add_argument("file", metavar="FILE", help="JSONL, plain or .gz; '-' reads standard input")
    snapshots.set_defaults(run=snapshots_command)
    l2_features = commands.add_parser(
        "l2-features", help="order-book features of the bot's l2_snapshot lines, one JSON object a line"
    )
    l2_features.add_argument("file", metavar="FILE", help="JSONL, plain or .gz; '-' reads standard input")
    l2_features.add_argument(
        "--qty-ref", type=_decimal, default=Decimal("0.003"), help="reference size, base units (default: 0.003)"
    )
    l2_features.set_defaults(run=l2_features_command)


def snapshots_command(arguments: argparse.Namespace) -> int:
    """Print the FeatureSnapshot of every tick of `arguments.file`; return 0.

    Raises NoData for a file that is not there, and what `iter_feature_snapshots` raises for a bad line.
    """
    from grinder_resources.market.bot_features import iter_feature_snapshots

    with _lines(arguments.file) as lines:
        return _print(iter_feature_snapshots(lines, source=_name(arguments.file)))


def l2_features_command(arguments: argparse.Namespace) -> int:
    """Print the L2FeatureSnapshot of every book of `arguments.file` for `arguments.qty_ref`; return 0.

    Raises NoData for a file that is not there, and what `iter_l2_feature_snapshots` raises for a bad line.
    """
    from grinder_resources.market.bot_features import iter_l2_feature_snapshots

    with _lines(arguments.file) as lines:
        return _print(iter_l2_feature_snapshots(lines, arguments.qty_ref, source=_name(arguments.file)))


def _print(snapshots: "Iterable[FeatureSnapshot | L2FeatureSnapshot]") -> int:
    for snapshot in snapshots:
        sys.stdout.write(snapshot.to_json() + "\n")
    return 0


def _name(file: str) -> str:
    return "stdin" if file == STDIN else file


@contextmanager
def _lines(file: str) -> Iterator[TextIO]:
    """Open the text; a missing, unreadable or undecodable file is refused in the project's words."""
    try:
        if file == STDIN:
            yield sys.stdin
        elif file.endswith(".gz"):
            with gzip.open(file, "rt", encoding="utf-8") as text:
                yield cast("TextIO", text)
        else:
            with Path(file).open(encoding="utf-8") as text:
                yield text
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise NoData("the file cannot be read", where=file, got=error.strerror or "") from error
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
        raise CorruptFile("the file is not UTF-8 text or is cut off", where=_name(file), got=str(error)) from error


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError(f"not a decimal number: {text!r}") from error
