"""`grinder calibration gate`: whether every probability is calibrated well enough, by the upper bound of its error."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grinder_resources.addresses import lake_root, models_dir
from grinder_resources.errors import NoData, PromotionRefused
from grinder_resources.evaluation.promotion_gates import Gates

if TYPE_CHECKING:
    from grinder_resources.evaluation.calibration_gate import Gated
    from grinder_resources.lake import Lake
    from grinder_resources.learning.model_spec import ModelSpec


def add_parsers(commands: Any) -> None:
    """Add `grinder calibration gate` to what `ArgumentParser.add_subparsers()` returned."""
    actions = commands.add_parser("calibration", help="whether probabilities mean what they say").add_subparsers(
        title="actions", metavar="ACTION", required=True
    )
    gate = actions.add_parser(
        "gate",
        help="hold the calibration error of every head against a threshold",
        description="Compare the upper bound of the 95 % interval of each head's expected calibration error, out of "
        "fold and after calibration, with a threshold. Exit 0: every judged head is at or below it. Exit 1: one line "
        "names those that are not; a head without an interval is one of them. Each look goes to the trial ledger.",
    )
    usual = Gates.max_ece_upper
    gate.add_argument("--max-ece-upper", type=_share, default=usual, metavar="P", help=f"threshold (default {usual})")
    gate.add_argument("--model", metavar="NAME", help="a model spec (default every one with scores)")
    gate.add_argument("--mode", choices=("expanding", "rolling"), default="expanding", help="default expanding")
    gate.add_argument("--data", type=Path, metavar="DIR", help="folder of the lake (default data, or GRINDER_LAKE)")
    gate.add_argument("--models", type=Path, metavar="DIR", help="folder of the trial ledger (default models)")
    gate.set_defaults(run=hold_gate)


def hold_gate(arguments: argparse.Namespace) -> int:
    """Print one table a model and return 0 if every judged head passes.

    Raises PromotionRefused naming the heads that do not, UnknownName for a model that is no spec, PartitionMissing or
    NoData without a walk-forward.
    """
    from grinder_resources.evaluation.calibration_gate import gate_trial, gated
    from grinder_resources.lake import Lake
    from grinder_resources.learning.ledger import LEDGER_FILE, Ledger

    lake, threshold = Lake(lake_root(arguments.data)), arguments.max_ece_upper
    specs = _specs(lake, arguments.model)
    found = {spec.name: gated(spec, lake, arguments.mode, threshold) for spec in specs}
    ledger = Ledger(models_dir(arguments.models) / LEDGER_FILE)
    ledger.append([gate_trial(spec, arguments.mode, threshold, found[spec.name]) for spec in specs])
    sys.stdout.write("\n".join(_table(model, answers) for model, answers in found.items()))
    _refuse_above(found, threshold)
    return 0


def _specs(lake: "Lake", model: str | None) -> "list[ModelSpec]":
    from grinder_resources.contracts.reports import walk_forward_table
    from grinder_resources.learning.specs import SPECS, spec_named

    if model:
        return [spec_named(model)]
    scored = {name for name in SPECS if any(s.rows for s in lake.stamps(walk_forward_table(name).name).values())}
    if not scored:
        raise NoData("no model has a walk-forward", where=lake.root, hint="Materialize the reports first.")
    return [spec for name, spec in SPECS.items() if name in scored]


def _table(model: str, answers: "tuple[Gated, ...]") -> str:
    width = max(len(answer.answer) for answer in answers)
    lines = [model, f"  {'head':<{width}}  {'ece':>6}  {'upper':>6}  verdict"]
    for answer in answers:
        value, upper = (answer.ece.value, answer.ece.high) if answer.ece else (None, None)
        lines.append(f"  {answer.answer:<{width}}  {_number(value):>6}  {_number(upper):>6}  {answer.verdict}")
    return "\n".join(lines) + "\n"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _refuse_above(found: "dict[str, tuple[Gated, ...]]", threshold: float) -> None:
    from grinder_resources.evaluation.calibration_gate import ABOVE_GATE

    judged = {model: [answer for answer in answers if answer.judged] for model, answers in found.items()}
    failed = {model: [a.answer for a in answers if not a.passes] for model, answers in judged.items()}
    unjudged = [model for model, answers in judged.items() if not answers]
    if unjudged or any(failed.values()):
        heads = [f"{', '.join(names)} of {model}" for model, names in failed.items() if names]
        raise PromotionRefused(
            f"{ABOVE_GATE}: a calibration error may be above the gate, or is not known",
            where="; ".join([*heads, *(f"nothing to judge of {model}" for model in unjudged)]),
            expected=f"upper bound of each ECE <= {threshold:g}",
            hint="Collect more days, or leave these heads out.",
        )


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 < value <= 1.0:
        raise argparse.ArgumentTypeError(f"a share above 0 and at most 1 is needed, got {text!r}")
    return value
