"""`grinder monitoring --out DIR`: the alert rules and the dashboard of the signal runtime, to load elsewhere."""

import argparse
import sys
from importlib.resources import files
from pathlib import Path

from grinder_resources.export.durable import replace_file, written

FILES = ("alerts.yml", "dashboard.json")


def add_parsers(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `monitoring`; it sets `run`, a function of the parsed arguments to an exit code."""
    parser = subparsers.add_parser(
        "monitoring",
        help="write Prometheus alert rules and a Grafana dashboard",
        description="Write alerts.yml for Prometheus and dashboard.json for Grafana over files of these names.",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder, made if it is not there")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write both files, print their paths and return 0. Raises StorageFull where they cannot be written."""
    shipped = files("grinder_resources.inference") / "monitoring"
    for name in FILES:
        path = arguments.out / name
        with written(path):
            arguments.out.mkdir(parents=True, exist_ok=True)
            replace_file(path, (shipped / name).read_bytes())
        sys.stdout.write(f"{path}\n")
    return 0
