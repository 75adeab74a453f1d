"""Global importance: which inputs move a model's answers, over open rows of days it was not fitted on.

The size of an input's importance is the mean of its exact contributions' sizes, in units of margin. It says what the
trees use, not what causes the price to move, and inputs that say the same share what either would have alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from grinder_resources.contracts.calibration import CERTAIN_BPS
from grinder_resources.contracts.importance import importance_table
from grinder_resources.datasets import gold_table
from grinder_resources.errors import NoData
from grinder_resources.evaluation.summary import target_label
from grinder_resources.hashing import sha256_facts
from grinder_resources.interpretability.contributions import contributions
from grinder_resources.interpretability.event import Model, newest_model, require_columns
from grinder_resources.lake import Lake, fingerprint
from grinder_resources.learning.boosters import Floats, Values
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.splits import Rows
from grinder_resources.learning.training import Prepared, prepare

MOST_ROWS = 20_000
"""Rows looked at; of more, so many that are evenly spaced in time."""

_SCALE = 1_000_000


@dataclass(frozen=True, eq=False)
class Importance:
    """Rows of `reports/importance/<model>`, the artifact they are about, and whether they had to be made."""

    model: str
    folder: str
    model_hash: str
    days: tuple[date, ...]
    rows: pl.DataFrame
    rebuilt: bool

    @property
    def sentence(self) -> str:
        """What moves the answers, in one line."""
        first = self.rows.filter(pl.col("rank") == 1, pl.col("mean_abs_x1e6") > 0)
        if first.is_empty():
            return f"{self.model}: no input moves any answer."
        counts = first["input"].value_counts(sort=False).sort("count", "input", descending=[True, False])
        name, count = counts.row(0)
        answers = self.rows.select("head", "class").n_unique()
        largest = first.filter(pl.col("input") == name).sort(
            "share_bps", "head", "class", descending=[True, False, False]
        )
        head, output, share = largest.select("head", "class", "share_bps").row(0)
        where = target_label(head, output)
        return f"{name} moves {count} of {answers} answers most; of {where} it is {share / 100:.0f} % of all movement."


def importance(spec: ModelSpec, lake: Lake, models_dir: Path, *, code_version: str) -> Importance:
    """Return the importance of every input for a spec's newest artifact, from the lake where nothing changed.

    Raises NoData without an artifact or an open row of its test days, PartitionMissing without a dataset,
    SchemaMismatch where the dataset has other columns than the artifact reads.
    """
    model, table = newest_model(spec, models_dir), importance_table(spec.name)
    manifest, stamps = model.artifact.manifest, lake.stamps(spec.dataset)
    days = tuple(day for day in model.days("test") if day.isoformat() in stamps)
    upstream = {"model": sha256_facts({file.name: file.sha256 for file in manifest.files})} | {
        f"{spec.dataset}/{day}": stamps[day.isoformat()].logical_sha256 for day in days
    }
    rows = lake.current(table, None, fingerprint(code_version, upstream))
    rebuilt = rows is None
    if rows is None:
        rows = _made(model, lake, days)
        lake.commit(table, rows, day=None, code_version=code_version, upstream=upstream)
    return Importance(spec.name, manifest.folder, manifest.model_hash, days, rows, rebuilt)


def _made(model: Model, lake: Lake, days: tuple[date, ...]) -> pl.DataFrame:
    spec, table = model.spec, importance_table(model.spec.name)
    if not days:
        raise NoData("the dataset has no test day of the artifact", where=spec.dataset, hint="Train it again")
    frame = lake.read(gold_table(lake, spec.dataset), min(days), max(days))
    prepared = prepare(spec, frame.filter(pl.col("date").is_in(list(days))))
    require_columns(model, prepared)
    records = [record for head in model.artifact.manifest.heads for record in _of_head(model, prepared, head.name)]
    if not records:
        raise NoData("no test row was open", where=spec.dataset)
    return table.conform(pl.DataFrame(records, schema=table.schema, orient="row"))


def _of_head(model: Model, prepared: Prepared, name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a head; none where the answer to every test row was settled."""
    rows = spaced(np.flatnonzero(~prepared.settled[name]))
    if not len(rows):
        return
    head = next(head for head in model.spec.heads if head.name == name)
    values = prepared.matrix.values[rows]
    moved = contributions(model.artifact.files[f"{name}.ubj"], values).values
    for place, output in enumerate(head.outputs):
        for facts in input_facts(values, moved[:, place], prepared.matrix.columns):
            yield {"head": name, "class": output, **facts, "rows": len(rows)}


def spaced(rows: Rows, most: int = MOST_ROWS) -> Rows:
    """Return the rows, or `most` of them that are evenly spaced, the first and the last among them."""
    if len(rows) <= most:
        return rows
    return rows[np.arange(most) * (len(rows) - 1) // (most - 1)]


def input_facts(values: Values, moved: Floats, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Yield what is said of every input, in the order of `names`.

    values, moved
        [rows, inputs]: what the model read, NaN where missing, and how far it moved a margin.

    Inputs of equal importance are ranked in the order of `names`.
    """
    whole = np.rint(moved * _SCALE).astype(np.int64)
    size, mean = np.abs(whole).sum(axis=0) // len(whole), whole.sum(axis=0) // len(whole)
    rank = np.empty(len(names), dtype=np.int64)
    rank[np.argsort(-size, kind="stable")] = np.arange(1, len(names) + 1)
    total = max(1, int(size.sum()))
    for place, name in enumerate(names):
        yield {
            "input": name,
            "rank": int(rank[place]),
            "mean_abs_x1e6": int(size[place]),
            "mean_x1e6": int(mean[place]),
            "share_bps": CERTAIN_BPS * int(size[place]) // total,
            "direction_ppm": _direction(values[:, place], whole[:, place]),
        }


def _direction(values: Values, moved: "np.ndarray[Any, Any]") -> int | None:
    """Return Spearman's rank correlation x 1e6 over the rows with a value; None where one side does not vary."""
    known = ~np.isnan(values)
    ranks = pl.DataFrame({"value": values[known], "moved": moved[known]}).select(pl.all().rank("average"))
    if ranks.height < 2 or min(ranks["value"].n_unique(), ranks["moved"].n_unique()) < 2:
        return None
    return round(_SCALE * float(np.corrcoef(ranks["value"], ranks["moved"])[0, 1]))
