"""What share of `grinder run` is not our own work: the start of Python, imports, the compiler, Dagster.

Three runs of the command, each in a fresh process: on a fresh folder; on the same folder again with nothing changed;
and for one of its days alone. `--quick` takes a smaller demo market. Seconds are processor time; see stacks.py. The
logical hashes of all tables must be equal after every run before a number is printed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.stacks import COMPILER, DAGSTER, IMPORTS, sampled
from benchmarks.table import print_table
from grinder_resources.lake import Lake

START = "Start of Python"
OVERHEAD = (START, IMPORTS, COMPILER, DAGSTER)
GOAL = 0.25


@dataclass(frozen=True)
class Run:
    """Seconds of one run by part: of the processor, and on the clock."""

    cpu: dict[str, float]
    clock: dict[str, float]


def run_once(options: list[str]) -> Run:
    """Run the command in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GRINDER_", "DAGSTER_HOME"))}
    # Without compiled bytecode every start would compile the libraries anew, which is not what a user has.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "benchmarks.bench_run", "--child", *options]
    started = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=kept)  # noqa: S603 - ourselves
    seconds = time.perf_counter() - started
    run = Run(**json.loads(done.stdout.splitlines()[-1]))
    run.clock[START] = seconds - sum(run.clock.values())
    return run


def child(options: list[str]) -> None:
    """Be `grinder run`, and print a last line of facts."""
    before = time.process_time()
    with sampled() as shares:
        from grinder_resources.cli import main as grinder

        code = grinder(["run", *options])
    if code:
        raise SystemExit(code)
    print(json.dumps({"cpu": {START: before, **shares.cpu}, "clock": shares.clock}))


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


def show(runs: dict[str, Run]) -> None:
    """Print processor seconds and shares by part, largest of the first run first."""
    first = next(iter(runs.values()))
    parts = sorted({part for run in runs.values() for part in run.cpu}, key=lambda part: -first.cpu.get(part, 0.0))
    totals = [sum(run.cpu.values()) for run in runs.values()]
    over = [sum(run.cpu.get(part, 0.0) for part in OVERHEAD) for run in runs.values()]
    rows = [_row(part, [run.cpu.get(part, 0.0) for run in runs.values()], totals) for part in parts]
    rows += [_row("all", totals, totals), _row("not our own work", over, totals)]
    header = ["CPU seconds", *(text for name in runs for text in (name, "share"))]
    print_table(header, rows, "`grinder run`, tables equal after every run")
    for name, run in runs.items():
        cpu, clock = _overhead(run.cpu), _overhead(run.clock)
        print(f"{name}: {sum(run.clock.values()):.0f} s; not our own work {cpu:.0%} of CPU, {clock:.0%} of the clock")
    print(f"goal for a first run: under {GOAL:.0%}")


def _overhead(seconds: dict[str, float]) -> float:
    return sum(seconds.get(part, 0.0) for part in OVERHEAD) / sum(seconds.values())


def _row(name: str, seconds: Sequence[float], totals: Sequence[float]) -> list[str]:
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
