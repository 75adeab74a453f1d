"""`grinder tune WHAT`: try settings of a model's boosters, of the inference engine or of the grid."""

import argparse
import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from grinder_resources.addresses import lake_root, models_dir
from grinder_resources.arguments import count
from grinder_resources.errors import BadDeclaration
from grinder_resources.tuning.backend import SEED, TRIALS

if TYPE_CHECKING:
    from grinder_resources.tuning.backend import Outcome
    from grinder_resources.tuning.component import TunableComponent
    from grinder_resources.tuning.loop import Watch
    from grinder_resources.tuning.study import Study

INFERENCE, GRID, SPEC = "inference", "grid", "a model spec"
OWNERS = MappingProxyType({"adopt": SPEC, "model": INFERENCE, "objective": INFERENCE, "days": GRID})
"""Options that say nothing to all but one kind of WHAT."""

MODEL = "regime"
OBJECTIVES: Final = ("rows_per_second", "p95_us")
DAYS = 3


def add_parsers(commands: Any) -> None:
    """Add `grinder tune` to what `ArgumentParser.add_subparsers()` returned."""
    parser = commands.add_parser(
        "tune",
        help="look for better settings, and say what of it is luck",
        description="Suggest, apply, run, observe: a study of N trials, resumed where it stood. Every trial is on the "
        "trial ledger. A model's boosters are scored by a purged walk-forward, out of fold. Exit 0 whatever was found.",
    )
    parser.add_argument("what", metavar="WHAT", help=f"a model spec, e.g. regime; or `{INFERENCE}`, or `{GRID}`")
    parser.add_argument("--trials", type=count, default=TRIALS, metavar="N", help=f"trials in all (default {TRIALS})")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the suggestions (default {SEED})")
    parser.add_argument(
        "--adopt", action="store_const", const=True, help="put a spec's best settings in force, if they are no luck"
    )
    parser.add_argument("--model", help=f"model whose artifact `{INFERENCE}` asks (default {MODEL})")
    parser.add_argument("--objective", choices=OBJECTIVES, help=f"of `{INFERENCE}` (default {OBJECTIVES[0]})")
    parser.add_argument("--days", type=count, help=f"newest days that `{GRID}` runs on (default {DAYS})")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the lake (default data, or GRINDER_LAKE)")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder of studies and ledger (default models)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print every trial and the verdict, and return 0.

    Raises UnknownName, NoData, TooFewDays and the like; BadDeclaration for an option that says nothing to WHAT.
    """
    kind = arguments.what if arguments.what in (INFERENCE, GRID) else SPEC
    for option, owner in OWNERS.items():
        if getattr(arguments, option) is not None and owner != kind:
            raise BadDeclaration("this option is of something else", where=f"--{option}", got=kind, expected=owner)
    {INFERENCE: _inference, GRID: _grid, SPEC: _training}[kind](arguments)
    return 0


def _training(arguments: argparse.Namespace) -> None:
    from grinder_resources.lake import Lake
    from grinder_resources.learning.specs import spec_named
    from grinder_resources.tuning.adoption import NOTHING, adopt
    from grinder_resources.tuning.study import tune_training

    spec, models = spec_named(arguments.what), models_dir(arguments.models)
    lake = Lake(lake_root(arguments.data))
    study = tune_training(spec, lake, models, trials=arguments.trials, seed=arguments.seed, watch=_watch())
    _print_verdict(study)
    if arguments.adopt:
        adopted = adopt(spec, study, models)
        _print(f"adopted: trial {adopted.trial}, from the next training on" if adopted else NOTHING)


def _inference(arguments: argparse.Namespace) -> None:
    from grinder_resources.export.verify import read_artifact
    from grinder_resources.lake import Lake
    from grinder_resources.registry.served import served_artifact
    from grinder_resources.tuning.inference import inference_component, newest_rows

    artifact = read_artifact(served_artifact(arguments.model or MODEL, models_dir(arguments.models)))
    rows = newest_rows(artifact, Lake(lake_root(arguments.data)))
    _print_verdict(_study(inference_component(artifact, rows, arguments.objective or OBJECTIVES[0]), arguments))


def _grid(arguments: argparse.Namespace) -> None:
    from grinder_resources.contracts.silver import SNAPSHOTS
    from grinder_resources.lake import Lake
    from grinder_resources.tuning.grid import grid_component, held_out, read_grid_markets

    lake = Lake(lake_root(arguments.data))
    markets = read_grid_markets(lake, lake.days(SNAPSHOTS.name)[-(arguments.days or DAYS) :])
    study = _study(grid_component(markets), arguments)
    _print_verdict(study)
    best = study.judgement.best.configuration if study.judgement.best else study.in_force
    for name, configuration in (("in force", study.in_force), ("best", best)):
        found = held_out(markets, configuration)
        bounds = "" if found.low is None else f" [{found.low:+.3f}, {found.high:+.3f}]"
        _print(f"held-out windows, {name}: {found.value:+.3f}{bounds} bps a window")
    _print("held-out windows, no grid: +0.000 bps a window")


def _study(component: "TunableComponent", arguments: argparse.Namespace) -> "Study":
    from grinder_resources.learning.ledger import LEDGER_FILE, Ledger
    from grinder_resources.tuning.study import run_study

    models = models_dir(arguments.models)
    ledger = Ledger(models / LEDGER_FILE)
    return run_study(component, models, ledger, trials=arguments.trials, seed=arguments.seed, watch=_watch())


def _watch() -> "Watch":
    """Return what prints every trial as it ends, the first below the head of the table."""
    from grinder_resources.tuning.record import figures, shown

    head = [f"{'trial':>5}  {'state':<9} {'score':>10}  configuration"]

    def told(outcome: "Outcome") -> None:
        tried = shown(outcome.configuration) + (f"  ({outcome.reason})" if outcome.state == "failed" else "")
        line = f"{outcome.number:>5}  {outcome.state:<9} {figures(outcome.score):>10}  {tried}"
        _print("\n".join([*head, line]))
        head.clear()

    return told


def _print_verdict(study: "Study") -> None:
    counts = ", ".join(f"{number} {state}" for state, number in study.counts.items())
    _print(f"\n{study.name}: {len(study.outcomes)} trials, {counts}")
    if study.importance:
        _print("importance: " + ", ".join(f"{name} {share:.2f}" for name, share in study.importance.items()))
    _print(study.judgement.sentence)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
