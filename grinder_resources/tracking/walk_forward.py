"""Scores out of fold of the model an artifact holds, where the lake's walk-forward is about that model."""

import math
from collections.abc import Iterator
from pathlib import Path

from grinder_resources.contracts.reports import POOLED, walk_forward_table
from grinder_resources.evaluation.judged import judged
from grinder_resources.lake import Lake
from grinder_resources.learning.specs import SPECS
from grinder_resources.registry.evidence import artifact_of
from grinder_resources.tracking.facts import Score

MODE = "expanding"
_PARTS = ("test", "calibrated")


def fold_scores(folder: Path, lake: Lake) -> tuple[Score, ...]:
    """Return the scores of every fold, at the fold's number, and of all folds together as `.../pooled/...`.

    They are those of the expanding walk-forward on open rows, raw (`fold`) and calibrated (`fold_calibrated`). None
    where the walk-forward in the lake is about other rows or settings than the artifact's, or those in force are
    others. Raises CorruptFile if the table's rows differ from their commit.
    """
    name = folder.name.rpartition("_")[0]
    about = judged(SPECS[name], lake, folder.parent) if name in SPECS else None
    facts = artifact_of(folder)
    if about is None or (about.spec, about.dataset) != (facts.spec, facts.dataset):
        return ()
    rows = lake.read(walk_forward_table(name), columns=["mode", "part", "head", "class", "fold", "metric", "value"])
    return tuple(_scores(rows.iter_rows()))


def _scores(rows: Iterator[tuple[str, str, str, str, int, str, float]]) -> Iterator[Score]:
    for mode, part, head, output, fold, metric, value in rows:
        if mode == MODE and part in _PARTS and math.isfinite(value):
            group = "fold" if part == "test" else "fold_calibrated"
            whole = "pooled" if fold == POOLED else ""
            yield Score("/".join(word for word in (group, head, output, whole, metric) if word), value, fold)
