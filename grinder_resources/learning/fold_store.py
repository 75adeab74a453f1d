"""Fold artifacts: what one walk-forward fold gave, kept by what decided it, so that a fold is fitted once.

    <root>/<model>/<first test day>_<key>/fold.json, answers.parquet

A folder appears complete in one rename and is never written again. Every read checks the bytes and the logical hash of
the rows; a folder that does not hold what it says counts as missing, and the fold is fitted anew. Nothing here is a
source: the store can be deleted at any time and costs only the fits. What a whole walk-forward no longer asks for is
swept at its end, so the store holds the folds of the newest one.
"""

import fcntl
import io
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from grinder_resources.hashing import canonical_json, sha256_bytes, sha256_facts, sha256_rows
from grinder_resources.learning.splits import Split
from grinder_resources.learning.training import PartScore
from grinder_resources.storage import storage_errors

FOLDS_FOLDER = "folds"
"""Name of the store in the models folder."""

_FACTS, _ANSWERS = "fold.json", "answers.parquet"
_TEMPORARY = ".tmp-"
_KEY_DIGITS = 16


@dataclass(frozen=True, eq=False)
class FoldResult:
    """What one split gave.

    key
        The hash of everything that decided it, see `learning.folds`.
    answers
        Rows of `learning.folds.ANSWERS`: every test row, of every fitted head and class.
    in_sample
        Head and scores of every fitted head and class on its own train rows.
    reasons, boosters
        By head: why it could not be fitted; the sha256 of its booster.
    trained
        Whether it was fitted now, not read.
    """

    key: str
    split: Split
    answers: pl.DataFrame
    in_sample: tuple[tuple[str, PartScore], ...]
    reasons: Mapping[str, str]
    boosters: Mapping[str, str]
    trained: bool = True

    @cached_property
    def sha256(self) -> str:
        """The hash of answers, boosters and reasons: equal for equal folds, whatever file they were in."""
        rows, boosters, reasons = sha256_rows(self.answers), dict(self.boosters), dict(self.reasons)
        return sha256_facts({"key": self.key, "answers": rows, "boosters": boosters, "reasons": reasons})


def split_facts(split: Split) -> dict[str, Any]:
    """Return a split as JSON values."""
    return {name: _days(value) if isinstance(value, tuple) else value for name, value in asdict(split).items()}


def _days(days: tuple[date, ...]) -> list[str]:
    return [day.isoformat() for day in days]


class FoldStore:
    """The folds below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, model: str, split: Split, key: str) -> FoldResult | None:
        """Return a fold, or None where there is none, or one that is not what it says."""
        return _read(self.root / model / _name(split, key), key)

    def put(self, model: str, fold: FoldResult) -> None:
        """Keep a fold, in the place of whatever stands there. Raises StorageFull where the disk refuses."""
        folder = self.root / model / _name(fold.split, fold.key)
        with storage_errors(str(folder)), _only_writer(folder.parent):
            shutil.rmtree(folder, ignore_errors=True)
            aside = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=folder.parent))
            for name, data in _files(fold).items():
                (aside / name).write_bytes(data)
            aside.rename(folder)

    def stored(self, model: str) -> list[FoldResult]:
        """Return every fold of a model that is what it says, by first test day."""
        folders = sorted((self.root / model).glob("[!.]*"))
        return [fold for folder in folders if (fold := _read(folder)) is not None]

    def sweep(self, model: str, kept: Collection[FoldResult]) -> None:
        """Remove the folds of a model but for those of `kept`."""
        names = {_name(fold.split, fold.key) for fold in kept}
        with _only_writer(self.root / model):
            for folder in (self.root / model).iterdir():
                if folder.name not in names:
                    shutil.rmtree(folder)


def _name(split: Split, key: str) -> str:
    return f"{split.test[0]}_{key[:_KEY_DIGITS]}"


def _files(fold: FoldResult) -> dict[str, bytes]:
    answers = io.BytesIO()
    fold.answers.write_parquet(answers)
    facts = {
        "key": fold.key,
        "split": split_facts(fold.split),
        "in_sample": [[head, asdict(score)] for head, score in fold.in_sample],
        "reasons": dict(fold.reasons),
        "boosters": dict(fold.boosters),
        "answers": sha256_bytes(answers.getvalue()),
        "fold": fold.sha256,
    }
    described = canonical_json({"facts": facts, "sha256": sha256_facts(facts)})
    return {_FACTS: described.encode(), _ANSWERS: answers.getvalue()}


def _read(folder: Path, key: str | None = None) -> FoldResult | None:
    """Return the fold in a folder if its bytes and rows are those it names, and its key is `key` if one is given."""
    try:
        described = json.loads((folder / _FACTS).read_bytes())
        facts, answers = described["facts"], (folder / _ANSWERS).read_bytes()
        if described["sha256"] != sha256_facts(facts) or facts["answers"] != sha256_bytes(answers):
            return None
        fold = FoldResult(
            key=facts["key"],
            split=_split(facts["split"]),
            answers=pl.read_parquet(io.BytesIO(answers)),
            in_sample=tuple((head, PartScore(**score)) for head, score in facts["in_sample"]),
            reasons=facts["reasons"],
            boosters=facts["boosters"],
            trained=False,
        )
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError):
        return None
    return fold if fold.sha256 == facts["fold"] and key in {None, fold.key} else None


def _split(facts: Mapping[str, Any]) -> Split:
    days = {
        name: tuple(date.fromisoformat(day) for day in value)
        for name, value in facts.items()
        if isinstance(value, list)
    }
    return Split(**{**facts, **days})


@contextmanager
def _only_writer(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, without leftovers of writers that died."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        for leftover in folder.glob(f"{_TEMPORARY}*/"):
            shutil.rmtree(leftover)
        yield
    finally:
        os.close(descriptor)
