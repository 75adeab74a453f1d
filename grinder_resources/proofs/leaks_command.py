"""`grinder leak`: show that the leak checks work, and what they say of the data that models are trained on."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grinder_resources import progress
from grinder_resources.proofs.lake_options import lake_of

if TYPE_CHECKING:
    from grinder_resources.lake import Lake
    from grinder_resources.learning.leaks.case import LeakCase
    from grinder_resources.learning.leaks.checks import Finding
    from grinder_resources.learning.model_spec import ModelSpec


def add_parsers(commands: Any) -> None:
    """Add `grinder leak selftest` and `grinder leak check` to what `ArgumentParser.add_subparsers()` returned."""
    leak = commands.add_parser("leak", help="look for leaks, or prove that they are found", description=__doc__)
    actions = leak.add_subparsers(title="actions", metavar="ACTION", required=True)
    selftest = actions.add_parser(
        "selftest", help="plant known leaks in clean data", description=selftest_command.__doc__
    )
    selftest.add_argument("--seed", type=_natural, default=1, help="of the made-up data (default 1)")
    selftest.add_argument("--clean", type=_natural, default=50, help="clean variants to look at (default 50)")
    selftest.set_defaults(run=selftest_command)
    check = actions.add_parser("check", help="look at the training data of models", description=check_command.__doc__)
    check.add_argument(
        "models", nargs="*", metavar="MODEL", help="model specs (default the one with most inputs of each dataset)"
    )
    check.add_argument("--data", type=Path, help="folder that holds `lake` (default data, or GRINDER_LAKE)")
    check.set_defaults(run=check_command)


def _natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"not a whole number from 0 on: {text!r}")
    return int(text)


def selftest_command(arguments: argparse.Namespace) -> int:
    """Plant every known leak and look at clean data sets; exit 0 if all are caught and no clean one alarms."""
    from grinder_resources.proofs.leaks_selftest import require_passed, run_selftest

    with progress.shown():
        test = run_selftest(arguments.seed, arguments.clean)
    lines = [("planted leak", "caught by", "rows")]
    lines += [(v.plant.story, v.plant.check if v.rows else "MISSED", str(v.rows)) for v in test.verdicts]
    _write_table(lines)
    sys.stdout.write(f"\n{test.sentence}\n")
    require_passed(test)
    return 0


def check_command(arguments: argparse.Namespace) -> int:
    """Run every leak check on the Gold rows and the splits of models, day by day; exit 1 at the first leak's line."""
    from grinder_resources.datasets import gold_table
    from grinder_resources.learning.leaks.case import case_of
    from grinder_resources.learning.leaks.checks import find_leaks, refuse
    from grinder_resources.learning.specs import spec_named

    lake = lake_of(arguments)
    specs = [spec_named(name) for name in arguments.models] or _widest(lake)
    judged = []
    with progress.shown():
        for spec in progress.track(specs, desc="models"):
            case = case_of(spec, lake.read(gold_table(lake, spec.dataset)))
            judged.append((case, find_leaks(case)))
    for case, findings in judged:
        _report(case, findings)
    for case, findings in judged:
        refuse(findings, case.spec.dataset)
    return 0


def _widest(lake: "Lake") -> "list[ModelSpec]":
    """Return, for every dataset of the lake, the spec that selects most of its columns. Raises NoData without one."""
    from grinder_resources.datasets import gold_table
    from grinder_resources.errors import NoData
    from grinder_resources.learning.specs import SPECS

    widest: dict[str, tuple[int, ModelSpec]] = {}
    for spec in SPECS.values():
        if lake.stamps(spec.dataset):
            chosen = spec.select(gold_table(lake, spec.dataset).schema)
            inputs = len(chosen.numeric) + len(chosen.categorical)
            if inputs > widest.get(spec.dataset, (0, spec))[0]:
                widest[spec.dataset] = inputs, spec
    if not widest:
        raise NoData("no training data in the lake", where=lake.root, hint="Run `grinder run` first, or name --data")
    return [spec for _, spec in widest.values()]


def _report(case: "LeakCase", findings: "Sequence[Finding]") -> None:
    from grinder_resources.learning.leaks.checks import LEAK_CHECKS, day_table

    sys.stdout.write(f"{case.spec.name}, {case.spec.dataset}\n")
    lines = [("day", "rows", "leaking", "check", "where", "example")]
    tables = {check.name: day_table(case, findings, [check]) for check in LEAK_CHECKS}
    for number, day in enumerate(case.days):
        rows = str(tables["row_day"][number]["rows"])
        leaks = [(name, table[number]) for name, table in tables.items() if table[number]["leaking"]]
        lines += [
            (str(day), rows, str(leak["leaking"]), name, str(leak["where"]), str(leak["example"]))
            for name, leak in leaks
        ] or [(str(day), rows, "0", "", "", "")]
    _write_table(lines)
    kinds = len({finding.check for finding in findings})
    outcome = f"{kinds} of {len(LEAK_CHECKS)} checks found a leak" if kinds else f"no leak in {len(LEAK_CHECKS)} checks"
    sys.stdout.write(f"{outcome}, {len(case.days)} days, {len(case.folds)} folds, {len(case.inputs)} inputs\n\n")


def _write_table(lines: Iterable[Sequence[str]]) -> None:
    rows = list(lines)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        sys.stdout.write("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() + "\n")
