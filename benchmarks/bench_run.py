"""What share of `grinder run` is not our own work: the start of Python, imports, the compiler, Dagster.

Three runs of the command, each in a fresh process: on a fresh folder, on the same folder again with nothing changed, and once more with
one of the days asked for. `--quick` takes a smaller demo market. Seconds are processor time of the whole process; see stacks.py.
The logical hashes of all tables must be equal after every run before a number is printed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.stacks import COMPILER, DAGSTER, IMPORTS, sampled
from benchmarks.table import print_table
from grinder_resources.lake import Lake

START = "Start of Python"
OVERHEAD = (START, IMPORTS, COMPILER, DAGSTER)
GOAL = 0.25


def run_once(options: list[str]) -> dict[str, Any]:
    """Run the command in a process of its own; return seconds by part and on the clock."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GRINDER_", "DAGSTER_HOME"))}
    # Without compiled bytecode every start would compile the libraries anew, which is not what a user has.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    child = [sys.executable, "-m", "benchmarks.bench_run", "--child", *options]
    started = time.perf_counter()
    done = subprocess.run(child, check=True, capture_output=True, text=True, env=kept)  # noqa: S603 - ourselves
    wall = time.perf_counter() - started
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**facts, "wall": wall}


def child(options: list[str]) -> None:
    """Be `grinder run`, and print a last line of facts."""
    before = time.process_time()
    with sampled() as shares:
        from grinder_resources.cli import main as grinder

        code = grinder(["run", *options])
    if code:
        raise SystemExit(code)
    print(json.dumps({START: before, **shares.seconds}))


def hashes(lake: Lake) -> dict[str, str]:
    """Return the logical hash of every day of every table."""
    return {f"{name}/{day}": stamp.logical_sha256 for name in lake.tables() for day, stamp in lake.stamps(name).items()}


def small_market(folder: Path) -> list[str]:
    """Write a smaller demo market and return the option that names it."""
    from grinder_resources.simulation.demo_config import DemoConfig
    from grinder_resources.simulation.demo_market import write_demo_landing

    write_demo_landing(folder / "landing", days=5, symbols=("DEMOUSDT",), config=DemoConfig(hours=4.0))
    return ["--landing", str(folder / "landing")]


def compare(folder: Path, options: list[str]) -> None:
    """Run, check, print."""
    options = [*options, "--data", str(folder / "data"), "--models", str(folder / "models")]
    lake = Lake(str(folder / "data" / "lake"))
    runs = {"first run": run_once(options)}
    made = hashes(lake)
    last = max(lake.days("silver/snapshots")).isoformat()
    runs["again"] = run_once(options)
    runs["one day again"] = run_once([*options, "--from", last, "--to", last])
    if hashes(lake) != made:
        raise SystemExit("a run that had nothing to do changed a table")
    show(runs)


def show(runs: dict[str, dict[str, Any]]) -> None:
    """Print seconds and shares by part, largest of the first run first."""
    clocks = {name: facts.pop("wall") for name, facts in runs.items()}
    totals = {name: sum(facts.values()) for name, facts in runs.items()}
    first = next(iter(runs.values()))
    parts = sorted({part for facts in runs.values() for part in facts}, key=lambda part: -first.get(part, 0.0))
    rows = [_row(part, [facts.get(part, 0.0) for facts in runs.values()], list(totals.values())) for part in parts]
    rows.append(_row("All, processor", list(totals.values()), list(totals.values())))
    over = [sum(facts.get(part, 0.0) for part in OVERHEAD) for facts in runs.values()]
    rows.append(_row("Not our own work", over, list(totals.values())))
    rows.append(["On the clock", *(text for seconds in clocks.values() for text in (f"{seconds:.1f}", ""))])
    header = ["CPU seconds of `grinder run`", *(text for name in runs for text in (name, "share"))]
    print_table(header, rows, "Tables equal after every run.")
    share = over[0] / totals["first run"]
    print(f"not our own work in a first run: {share:.0%} (goal: under {GOAL:.0%})")


def _row(name: str, seconds: list[float], totals: list[float]) -> list[str]:
    pairs = zip(seconds, totals, strict=True)
    return [name, *(text for value, total in pairs for text in (f"{value:.2f}", f"{value / total:.0%}"))]


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="five days of four hours of one symbol")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments, options = parser.parse_known_args()
    if arguments.child:
        child(options)
        return
    with tempfile.TemporaryDirectory() as name:
        compare(Path(name), small_market(Path(name)) if arguments.quick else [])


if __name__ == "__main__":
    main()
