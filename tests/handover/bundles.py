"""What the hand-over tests pack: a small lake, a folder of models with all that belongs to them, and forged files."""

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl

from grinder_resources.contracts.table import Table, required
from grinder_resources.handover.archive import write_end, write_member
from grinder_resources.handover.corpus import add_corpus
from grinder_resources.handover.manifest import BUNDLE_FILE, Manifest, Member, dump_manifest
from grinder_resources.handover.models import add_models
from grinder_resources.handover.workspace import Spool
from grinder_resources.hashing import sha256_bytes
from grinder_resources.lake import Lake
from grinder_resources.learning.adopted import Adopted, adopted_path
from grinder_resources.learning.model_spec import BoosterParams
from grinder_resources.registry.signing import signature_path
from tests.lake.tables import PRICES
from tests.registry.registries import promote, stage, started

MONDAY, TUESDAY, WEDNESDAY = date(2025, 1, 6), date(2025, 1, 7), date(2025, 1, 8)
SCORES = Table(
    name="reports/scores",
    doc="A table without days.",
    columns=(required("value", pl.Float64(), "a score"),),
    sort_by=(),
)

Fill = Callable[[Spool], None]


def prices(day: date, *numbers: int) -> pl.DataFrame:
    """Return rows of one day."""
    rows = [{"date": day, "n": n, "text": None if n % 2 else f"t{n}", "levels": list(range(n % 3))} for n in numbers]
    return pl.DataFrame(rows, schema=PRICES.schema)


def small_lake(root: Path, days: Sequence[date] = (MONDAY, TUESDAY, WEDNESDAY)) -> Lake:
    """Return a lake of two days with rows and one without, and a table without days."""
    lake = Lake(str(root / "lake"))
    for day in days:
        rows = {MONDAY: prices(MONDAY, 1, 2, 3), TUESDAY: prices(TUESDAY, 4)}.get(day, PRICES.empty())
        lake.commit(PRICES, rows, day=day, code_version="1", upstream={"landing": str(day)})
    lake.commit(SCORES, pl.DataFrame({"value": [0.5, 0.25]}), day=None, code_version="1")
    return lake


def small_models(models: Path) -> Path:
    """Return a folder of two versions, one in production, with ledger, a signature and adopted settings."""
    registry = started(models)
    stage(registry, b"one")
    promote(registry)
    stage(registry, b"two")
    for path, data in (
        (signature_path(models / "plain_v1.0.0"), b"a signature"),
        (adopted_path("regime", models), Adopted("regime", BoosterParams(), "s", 1, 2, 1, "f" * 64).encoded()),
    ):
        path.parent.mkdir()
        path.write_bytes(data)
    return models


def everything(root: Path) -> Fill:
    """Return what fills a spool with the small lake and the small models."""
    lake, models = small_lake(root), small_models(root / "models")

    def fill(spool: Spool) -> None:
        add_corpus(spool, lake)
        add_models(spool, models)

    return fill


def files_under(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names_in(folder: Path) -> list[str]:
    """Return what lies directly in a folder, hidden leftovers included."""
    return [path.name for path in folder.iterdir()]


def member(path: str = "models/ledger.jsonl", data: bytes = b"hello", kind: str = "ledger") -> Member:
    """Return a member that a bundle may hold."""
    return Member(path, len(data), sha256_bytes(data), kind, "a file")


def forged(path: Path, manifest: Manifest, contents: Iterable[tuple[str, bytes]]) -> Path:
    """Write a file whose members need not be those of its manifest; return where."""
    listed = dump_manifest(manifest)
    with path.open("wb") as out:
        for name, data in [(BUNDLE_FILE, listed), *contents]:
            write_member(out, name, len(data), io.BytesIO(data))
        write_end(out)
    return path


def altered(fill: Fill, path: str, data: bytes) -> Fill:
    """Return what fills a spool alike, but for one member, whose bytes and hash are others."""

    def fill_otherwise(spool: Spool) -> None:
        fill(spool)
        (spool.folder / path).write_bytes(data)
        spool.members = [
            replace(one, size_bytes=len(data), sha256=sha256_bytes(data)) if one.path == path else one
            for one in spool.members
        ]

    return fill_otherwise
