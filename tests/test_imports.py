"""Architecture rules that execute: who may import whom, and what starting up may cost."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

RANKS = {
    "errors": 0,
    "addresses": 0,
    "arguments": 0,
    "clock": 0,
    "hashing": 0,
    "progress": 0,
    "code_version": 0,
    "storage": 1,
    "contracts": 1,
    "lake": 2,
    "operations": 2,
    "market": 2,
    "gates": 2,
    "policy": 2,
    "features": 2,
    "ingest": 3,
    "learning": 3,
    "simulation": 3,
    "warehouse": 3,
    "datasets": 3,
    "lineage": 3,
    "dagster": 3,
    "export": 4,
    "evaluation": 4,
    "gold": 4,
    "inference": 5,
    "provenance": 5,
    "registry": 5,
    "tracking": 5,
    "handover": 5,
    "proofs": 5,
    "cli_market": 5,
    "replay": 6,
    "retraining": 6,
    "usecases": 6,
    "tuning": 6,
    "monitoring": 6,
    "interpretability": 6,
    "cards": 7,
    "cli": 8,
}
"""A module may import modules of its own rank or below."""

ONLY_DAGSTER = ROOT / "grinder_resources" / "dagster.py"
SOURCES = sorted([*ROOT.glob("grinder_assets/**/*.py"), *ROOT.glob("grinder_resources/**/*.py")])


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def area(module: str) -> str:
    return module.removeprefix("grinder_resources").strip(".").split(".")[0]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_imports_only_what_lies_below_it(path: Path) -> None:
    """The library never imports the graph, nor dagster but in one module, nor an upper layer."""
    names = imported(path)
    if path.is_relative_to(ROOT / "grinder_assets"):
        return
    own = path.relative_to(ROOT / "grinder_resources").parts[0].removesuffix(".py")
    assert not {name for name in names if name.startswith("grinder_assets")}
    if path != ONLY_DAGSTER:
        assert not {name for name in names if name.split(".")[0] == "dagster"}
    if own != "__init__":
        used = {area(name) for name in names if name.startswith("grinder_resources.")}
        above = {name for name in used if RANKS[name] > RANKS[own]}
        assert not above, f"{own} (rank {RANKS[own]}) imports {sorted(above)}"


def test_every_area_has_a_rank() -> None:
    """A new module has to say where it stands, and no rank outlives its module."""
    found = {
        path.relative_to(ROOT / "grinder_resources").parts[0].removesuffix(".py")
        for path in SOURCES
        if "grinder_resources" in path.parts
    }
    assert found - {"__init__"} == set(RANKS)


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if "grinder_assets" in path.parts], ids=lambda path: path.name
)
def test_no_postponed_annotations_where_dagster_reads_them(path: Path) -> None:
    """Dagster resolves annotations at import; postponed ones stop the code location from loading."""
    assert "__future__.annotations" not in imported(path)


def test_the_code_location_starts_without_heavy_libraries() -> None:
    """Importing the definitions loads none of the libraries that only steps need."""
    heavy = ["xgboost", "sklearn", "onnx", "onnxruntime", "skl2onnx", "matplotlib", "pandera", "pandas", "numba"]
    code = f"import sys, grinder_assets.definitions; print([name for name in {heavy!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert loaded.stdout.strip() == "[]"


IMPORT_INFERENCE = """
import sys, time
begun = time.process_time()
import grinder_resources.inference
took = time.process_time() - begun
heavy = ("dagster", "polars", "xgboost", "onnx", "onnxruntime", "pyarrow", "pandas", "sklearn", "numba", "yaml")
print(took, [name for name in heavy if name in sys.modules])
"""


def test_a_trading_process_imports_the_runtime_in_half_a_second() -> None:
    """Of processor time, so that a busy machine does not count, and without any of the heavy libraries."""
    took = []
    for _ in range(5):
        run = subprocess.run([sys.executable, "-c", IMPORT_INFERENCE], capture_output=True, text=True, check=True)
        seconds, loaded = run.stdout.split(maxsplit=1)
        assert loaded.strip() == "[]"
        took.append(float(seconds))
        if took[-1] < 0.5:
            break
    assert min(took) < 0.5


def packages_beyond(packages: tuple[str, ...]) -> set[str]:
    """Return the sub-packages of the library that these import, apart from these."""
    covered = tuple(f"grinder_resources.{package.replace('/', '.')}." for package in packages)
    paths = [path for package in packages for path in (ROOT / "grinder_resources" / package).rglob("*.py")]
    names = {name for path in paths for name in imported(path) if not f"{name}.".startswith(covered)}
    used = {area(name) for name in names if name.startswith("grinder_resources.")}
    return {name for name in used if (ROOT / "grinder_resources" / name).is_dir()}


CODE_VERSIONS = sorted(
    {
        (path.relative_to(ROOT).as_posix(), tuple(argument.value for argument in node.args))
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.startswith("code_version")
        if node.args and all(isinstance(argument, ast.Constant) for argument in node.args)
    }
)


@pytest.mark.parametrize(("path", "packages"), CODE_VERSIONS, ids=str)
def test_a_code_version_covers_what_its_packages_import(path: str, packages: tuple[str, ...]) -> None:
    """A change in any package that decides a row makes it out of date."""
    assert packages_beyond(packages) == set(), path
