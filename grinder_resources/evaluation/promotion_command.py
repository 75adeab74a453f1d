"""`grinder promotion check MODEL`: whether the evidence carries a model to the bot, answer by answer."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grinder_resources.addresses import lake_root, models_dir
from grinder_resources.evaluation.promotion_gates import CODES, Gates

if TYPE_CHECKING:
    from grinder_resources.evaluation.promotion import Promotion
    from grinder_resources.evaluation.scores import Estimate

_FORMAT = "{:<20}{:<22}{:<24}{:>7}{:>8}{:>7}{:>7}  {}"
_GATES = {field.name: field.default for field in fields(Gates)}


def add_parsers(commands: Any) -> None:
    """Add `grinder promotion check` to what `ArgumentParser.add_subparsers()` returned."""
    actions = commands.add_parser("promotion", help="whether the evidence carries a model").add_subparsers(
        title="actions", metavar="ACTION", required=True
    )
    check = actions.add_parser(
        "check",
        help="hold a model's walk-forward and trials against the gates",
        description="Print the evidence of every answer, and `promote` or `no promotion` with what is missing. "
        "Exit 0: promote. Exit 1: no promotion. Other gates than the defaults are a try and go to the trial ledger.",
    )
    check.add_argument("model", metavar="MODEL", help="name of a model spec, e.g. regime")
    check.add_argument("--mode", choices=("expanding", "rolling"), default="expanding", help="default expanding")
    _add_gate(check, "min_dsr", "least deflated Sharpe ratio, a probability")
    _add_gate(check, "max_pbo", "largest probability of backtest overfitting")
    _add_gate(check, "max_ece_upper", "largest upper bound of the calibration error")
    check.add_argument("--data", type=Path, metavar="DIR", help="folder of the lake (default data, or GRINDER_LAKE)")
    check.add_argument("--models", type=Path, metavar="DIR", help="folder of the trial ledger (default models)")
    check.set_defaults(run=check_promotion)


def check_promotion(arguments: argparse.Namespace) -> int:
    """Print the check and return 0 for `promote`, 1 for `no promotion`.

    Raises UnknownName for a model that is no spec, PartitionMissing without a walk-forward.
    """
    from grinder_resources.evaluation.promotion_check import promotion
    from grinder_resources.lake import Lake
    from grinder_resources.learning.specs import spec_named

    lake, models = Lake(lake_root(arguments.data)), models_dir(arguments.models)
    gates = Gates(**{name: getattr(arguments, name) for name in _GATES})
    found = promotion(spec_named(arguments.model), lake, models, mode=arguments.mode, gates=gates)
    sys.stdout.write("\n".join(_lines(found)) + "\n")
    return 0 if found.promoted else 1


def _add_gate(parser: argparse.ArgumentParser, name: str, meaning: str) -> None:
    default = _GATES[name]
    option = f"--{name.replace('_', '-')}"
    parser.add_argument(option, type=_share, default=default, metavar="P", help=f"{meaning} (default {default})")


def _share(text: str) -> float:
    """Return a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"not a number from 0 to 1: {text!r}")
    return value


def _lines(found: "Promotion") -> Iterator[str]:
    yield _FORMAT.format("answer", "auc", "skill", "sharpe", "trials", "dsr", "pbo", "against it")
    for answer in found.answers:
        codes = " ".join(found.codes_of(answer)) or "nothing"
        numbers = (_shown(answer.sharpe), found.trials, _shown(answer.dsr), _shown(found.pbo))
        yield _FORMAT.format(answer.label, _interval(answer.auc), _interval(answer.skill), *numbers, codes)
    yield ""
    for code, count in found.counts.items():
        yield f"{code}, {count} of {len(found.answers)} answers: {CODES[code]}"
    if found.ledger_fault:
        yield found.ledger_fault
    yield found.sentence
    yield "promote" if found.promoted else f"no promotion: {' '.join(found.codes)}"


def _interval(estimate: "Estimate | None") -> str:
    if estimate is None:
        return "-"
    return f"{_shown(estimate.value)} [{_shown(estimate.low)}, {_shown(estimate.high)}]"


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
