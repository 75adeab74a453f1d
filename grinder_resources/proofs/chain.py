"""Are two lines of data the same? Walk both from Bronze to the models and name the first thing that differs.

A line is a folder with a lake and a folder of artifacts. Days are compared by the logical hashes in their commits, so
that equal ones are never read; the first that differs is read on both sides, its hashes checked, and searched for the
first row, and in it the first column, that is not the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from grinder_resources.contracts.artifacts import MODEL_FILE, Manifest
from grinder_resources.errors import NoData, ProofFailed
from grinder_resources.export.artifact import latest_version
from grinder_resources.export.verify import read_artifact
from grinder_resources.hashing import sha256_rows
from grinder_resources.lake import Lake

LAYERS = ("bronze", "silver", "gold")
"""Layers of the chain, in the order the data flows. Reports are made of models, so they are no part of one."""


@dataclass(frozen=True)
class Line:
    """A lake and the artifacts made from it."""

    lake: Lake
    models: Path

    @staticmethod
    def at(folder: Path) -> "Line":
        """Return the line below `folder`: its `lake`, and its `models` or those beside it. Raises NoData without."""
        if not (folder / "lake").is_dir():
            raise NoData("no lake in this folder", where=str(folder), expected="a folder that holds `lake`")
        inside = folder / "models"
        return Line(Lake(str(folder / "lake")), inside if inside.is_dir() else folder.parent / "models")


def tables_of(lake: Lake, layers: tuple[str, ...] = LAYERS) -> list[str]:
    """Return the lake's tables of these layers, in the order the data flows, then by name."""
    return [name for layer in layers for name in lake.tables() if name.startswith(f"{layer}/")]


def roots_of(line: Line) -> dict[str, str]:
    """Return the chain root of the newest artifact of every model, by model name."""
    names = {folder.name.rpartition("_")[0] for folder in line.models.glob("*_v*") if folder.is_dir()}
    return {name: _newest(line, name).chain_root for name in sorted(names)}


def assert_same(left: Line, right: Line) -> None:
    """Raise ProofFailed with the first table, day, row and column, or the first model, in which two lines differ."""
    for table in _ordered({*tables_of(left.lake), *tables_of(right.lake)}):
        _same_table(table, left.lake, right.lake)
    for name in sorted({*roots_of(left), *roots_of(right)}):
        _same_model(name, left, right)


def _ordered(names: set[str]) -> list[str]:
    return sorted(names, key=lambda name: (LAYERS.index(name.split("/")[0]), name))


def _same_table(table: str, left: Lake, right: Lake) -> None:
    ours, theirs = left.stamps(table), right.stamps(table)
    for day in sorted({*ours, *theirs}):
        hashes = [stamps[day].logical_sha256 if day in stamps else "" for stamps in (ours, theirs)]
        if hashes[0] == hashes[1]:
            continue
        where = f"{table}/date={day}"
        if not all(hashes):
            found, missing = ("left", "right") if hashes[0] else ("right", "left")
            raise ProofFailed(
                "a day is in one line only", where=where, got=f"nothing in the {missing} one, {found} has it"
            )
        at = date.fromisoformat(day) if day else None
        raise _first_difference(where, left.rows(table, at), right.rows(table, at))


def _first_difference(where: str, left: pl.DataFrame, right: pl.DataFrame) -> ProofFailed:
    """Return the refusal that names the first cell in which two frames differ; they do differ."""
    if left.schema != right.schema:
        odd = sorted(set(left.schema.items()) ^ set(right.schema.items()), key=str)
        return ProofFailed(
            "a table has other columns", where=where, got=", ".join(f"{name} {kind}" for name, kind in odd)
        )
    for row, column in _unequal_cells(left, right):
        values = [frame[row, column] if row < frame.height else "no row" for frame in (left, right)]
        key = ", ".join(str(value) for value in (left if row < left.height else right).row(row)[:4])
        return ProofFailed(
            "the lines differ",
            where=f"{where}, column {column}, row {row} ({key})",
            got=str(values[1]),
            expected=str(values[0]),
        )
    return ProofFailed("hashes differ, rows do not", where=where, got=sha256_rows(right), expected=sha256_rows(left))


def _unequal_cells(left: pl.DataFrame, right: pl.DataFrame) -> Iterator[tuple[int, str]]:
    """Yield the first unequal row of two frames of one schema and, of its columns, the first that differs."""
    shared = min(left.height, right.height)
    unequal = {column: left[column][:shared].ne_missing(right[column][:shared]).arg_true() for column in left.columns}
    firsts = [(int(rows[0]), column) for column, rows in unequal.items() if len(rows)]
    if firsts:
        row = min(row for row, _ in firsts)
        yield next((at, column) for at, column in firsts if at == row)
    elif left.height != right.height:
        yield shared, left.columns[0]


def _newest(line: Line, name: str) -> Manifest:
    version = latest_version(line.models, name)
    return read_artifact(line.models / f"{name}_{version}").manifest


def _same_model(name: str, left: Line, right: Line) -> None:
    if name not in roots_of(left) or name not in roots_of(right):
        raise ProofFailed("a model is in one line only", where=name)
    ours, theirs = _newest(left, name), _newest(right, name)
    if ours.chain_root != theirs.chain_root:
        raise ProofFailed(
            f"the tables are equal, the chain root is not: {_culprit(ours, theirs)}",
            where=name,
            got=f"root {theirs.chain_root[:16]}, model {theirs.model_hash}",
            expected=f"root {ours.chain_root[:16]}, model {ours.model_hash}",
        )


def _culprit(ours: Manifest, theirs: Manifest) -> str:
    if ours.model_hash != theirs.model_hash:
        return f"{MODEL_FILE} differs"
    return "one was made from rows that have been replaced since"
