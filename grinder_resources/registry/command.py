"""`grinder registry ...`: which version of a model stands where, who put it there, when and why."""

import argparse
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

Run = Callable[[argparse.Namespace], int]


def add_parsers(commands: Any) -> None:
    """Add `grinder registry` to what `ArgumentParser.add_subparsers()` returned."""
    registry = commands.add_parser("registry", help="stage, promote, roll back models", description=__doc__)
    actions = registry.add_subparsers(title="actions", metavar="ACTION", required=True)
    _action(actions, "init", "make an empty registry", "Once; where there is one already it is read and left as it is.")
    _action(actions, "list", "say where every model stands", "One line a model: production, candidate, the others.")
    at = _action(actions, "at", "say where every model stood at a time", "As the log had it by then.")
    at.add_argument("time", type=_time, metavar="TIME", help="2025-01-31, or 2025-01-31T12:00:00Z (UTC)")
    history = _action(actions, "history", "print the events", "Oldest first, with who, when and why.")
    history.add_argument("model", nargs="?", default="", metavar="NAME", help="of one model only")
    show = _action(actions, "show", "print one version and its evidence", "Fold by fold, answer by answer.")
    show.add_argument("model", metavar="NAME")
    show.add_argument(
        "version", nargs="?", default="", metavar="VERSION", help="default production, else the candidate"
    )
    _add_changes(actions)
    _add_verify(actions)
    _add_sign(actions)
    _add_export(actions)


def _add_changes(actions: Any) -> None:
    stage = _change(actions, "stage", "make an artifact the candidate", "With the evidence that the lake holds of it.")
    stage.add_argument("version", nargs="?", default="", metavar="VERSION", help="e.g. v1.0.1 (default the newest)")
    stage.add_argument("--data", type=Path, metavar="DIR", help="folder of the lake (default data, or GRINDER_LAKE)")
    promote = _change(
        actions, "promote", "put a version into production", "If every gate lets it through; exit 1 where one does not."
    )
    promote.add_argument("version", nargs="?", default="", metavar="VERSION", help="default the staged one")
    promote.add_argument(
        "--reason", type=_words, default="every gate lets it through", metavar="TEXT", help="words for the log"
    )
    promote.add_argument("--despite", type=_words, metavar="TEXT", help="why, although gates speak against it")
    rollback = _change(actions, "rollback", "take a version out of production", "And bring back the one before it.")
    rollback.add_argument("--to", default="", metavar="VERSION", help="another one than the last in production")
    rollback.add_argument("--reason", type=_words, required=True, metavar="TEXT", help="words for the log")


def _add_verify(actions: Any) -> None:
    verify = _action(
        actions,
        "verify",
        "re-hash every event and artifact",
        "Follow the chain, replay the states, and re-hash the artifact of every version that is not retired. "
        "Exit 1: one line names what was altered, cut or taken away.",
    )
    verify.add_argument("--public-key", type=Path, metavar="FILE", help="Ed25519 key the events have to be signed with")
    verify.add_argument("--artifact-key", type=Path, metavar="FILE", help="key the artifacts have to be signed with")


def _add_sign(actions: Any) -> None:
    sign = _action(
        actions,
        "sign",
        "sign the folder of a version",
        "By the OpenSSF model signing standard; the signature lies in signatures/, beside the artifacts.",
    )
    sign.add_argument("model", metavar="NAME")
    sign.add_argument("version", metavar="VERSION")
    sign.add_argument("--private-key", type=Path, required=True, metavar="FILE", help="an EC key in PEM")


def _add_export(actions: Any) -> None:
    export = _action(
        actions,
        "export",
        "write models.json for the trading process",
        "Staged versions as stage staging, those in production as stage active; ml_registry_path takes the file.",
    )
    export.add_argument("--out", type=Path, metavar="FILE", help="default models.json among the models")
    export.add_argument("--commit", metavar="SHA", help="commit of this code (default that of the repository it is in)")


def _change(actions: Any, name: str, does: str, more: str) -> argparse.ArgumentParser:
    parser = _action(actions, name, does, more)
    parser.add_argument("model", metavar="NAME", help="name of a model, e.g. regime")
    parser.add_argument("--actor", default="", metavar="WHO", help="default GRINDER_ACTOR, or the user's name")
    parser.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="Ed25519 key that signs the events (default GRINDER_SIGNING_KEY, or none)",
    )
    return parser


def _action(actions: Any, name: str, does: str, more: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=does, description=f"{does.capitalize()}. {more}")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder of the models (default models)")
    parser.set_defaults(run=_run(name))
    return parser


def _run(name: str) -> Run:
    def run(arguments: argparse.Namespace) -> int:
        from grinder_resources.registry import actions

        act: Run = getattr(actions, f"run_{name}")
        return act(arguments)

    return run


def _words(text: str) -> str:
    """Return words on one line; without any there is no reason."""
    words = " ".join(text.split())
    if not words:
        raise argparse.ArgumentTypeError("a reason has words")
    return words


def _time(text: str) -> str:
    """Return a UTC time to the second; of a day alone its last second."""
    from datetime import UTC, date, datetime, time

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a day or a UTC time: {text!r}") from None
    if at.tzinfo is not None:
        at = at.astimezone(UTC)
    with suppress(ValueError):
        at = datetime.combine(date.fromisoformat(text), time(23, 59, 59))
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
