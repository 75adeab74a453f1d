"""The `grinder` command. Commands live beside what they do and are found by entry point; this file only speaks.

A refusal is one line on standard error and the error's exit code; a traceback is a bug of ours.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import Any

from grinder_resources.errors import GrinderError

COMMANDS_GROUP = "grinder.commands"

AddParsers = Callable[[Any], None]
"""Takes what `ArgumentParser.add_subparsers()` returned, adds a command to it."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every installed command; each sets `run`, a function of the arguments to an exit code."""
    parser = argparse.ArgumentParser(
        prog="grinder", description="Bronze to Silver to Gold to ONNX, for a grid-trading bot."
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for entry in sorted(entry_points(group=COMMANDS_GROUP), key=lambda entry: entry.name):
        add_parsers: AddParsers = entry.load()
        add_parsers(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code: 0 done, 1 refused, 2 wrong usage, 130 interrupted."""
    arguments = build_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except GrinderError as error:
        print(error.line(), file=sys.stderr)  # noqa: T201 - this is the one voice for refusals
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has gone; what it wanted it has.
        sys.stderr.close()
        return 0


if __name__ == "__main__":
    sys.exit(main())
