"""`monitoring/references/<model>`: how inputs and answers lay when the served model was made.

Inputs are those of the rows that it was fitted on. Answers are to rows that it was not: those of its validation and
test days, for what a model says about rows it has learned is more certain than what it says about any other.

The days are counted one by one as well: how far one of them lies from the others is what is usual for a day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl
from numpy.typing import ArrayLike

from grinder_resources.contracts.monitoring import ANSWER_PREFIX, references_table
from grinder_resources.interpretability.event import Model
from grinder_resources.lake import fingerprint
from grinder_resources.learning.splits import Split, split_rows
from grinder_resources.monitoring.answers import answered_rows
from grinder_resources.monitoring.distances import by_decile, stacked
from grinder_resources.monitoring.sketch import cuts_of, sketch_of, sketches_by
from grinder_resources.monitoring.watch import Watch


@dataclass(frozen=True, eq=False)
class References:
    """What was published: rows of `monitoring/references/<model>`, whose they are, and whether they had to be made."""

    model: str
    rows: pl.DataFrame
    rebuilt: bool

    @property
    def shown(self) -> list[dict[str, Any]]:
        """One short row an input and answer, for people."""
        return [
            {
                "name": row["feature"],
                "bins": len(row["counts"]),
                "days": len(row["days"]),
                "rows": sum(row["counts"]),
                "missing": row["missing"],
            }
            for row in self.rows.iter_rows(named=True)
        ]


def publish_references(watch: Watch, code_version: str) -> References:
    """Return the references of the served model, from the lake where neither it nor its days have changed."""
    table, upstream = references_table(watch.spec.name), references_upstream(watch)
    rows = watch.lake.current(table, None, fingerprint(code_version, upstream))
    rebuilt = rows is None
    if rows is None:
        rows = references(watch)
        watch.lake.commit(table, rows, day=None, code_version=code_version, upstream=upstream)
    return References(watch.served, rows, rebuilt)


def answer_name(head: str, output: str) -> str:
    """Return what the answers of a class of a head are called among sketches; '' = a regression."""
    return f"{ANSWER_PREFIX}{head}/{output}" if output else f"{ANSWER_PREFIX}{head}"


def references_upstream(watch: Watch) -> dict[str, str]:
    """Return the hashes of everything that decides the rows."""
    split = split_of(watch.model) if watch.model else Split((), (), ())
    hashes = watch.upstream(None)
    for day in (*split.train, *split.val, *split.test):
        hashes |= watch.upstream(day, watch.spec.dataset)
    return hashes


def references(watch: Watch) -> pl.DataFrame:
    """Return `monitoring/references/<model>`; empty where no version is served, or the lake has none of its days."""
    table, model = references_table(watch.spec.name), watch.model
    records = [] if model is None else [*_inputs(watch, model), *_answers(watch, model)]
    return table.conform(pl.DataFrame(records, schema=table.schema, orient="row"))


def reference_of(values: ArrayLike, days: pl.Series) -> dict[str, Any]:
    """Return cuts, counts, missing and days of `monitoring/references/<model>`.

    values
        float64 [rows], NaN for missing.
    days
        Day of each row.
    """
    cuts = cuts_of(values)
    sketch = sketch_of(values, cuts)
    by_day = sketches_by(days.rank("dense").to_numpy(), values, cuts).values()
    return {
        "cuts": list(cuts),
        "counts": list(sketch.counts),
        "missing": sketch.missing,
        "days": by_decile(stacked([*by_day]), stacked([sketch])[0]).tolist() if by_day else [],
    }


def split_of(model: Model) -> Split:
    """Return the split that an artifact was fitted on."""
    return Split(model.days("train"), model.days("val"), model.days("test"), model.config["embargo_ns"])


def _inputs(watch: Watch, model: Model) -> Iterator[dict[str, Any]]:
    split = split_of(model)
    prepared = watch.gold(model, [*split.train, *split.val, *split.test])
    if prepared is None:
        return
    train = split_rows(prepared.frame, split).train
    days = prepared.frame["date"].gather(train)
    for name, values in zip(prepared.matrix.columns, prepared.matrix.values[train].T, strict=True):
        yield {**_named(model, name), **reference_of(values, days)}


def _answers(watch: Watch, model: Model) -> Iterator[dict[str, Any]]:
    unseen = watch.gold(model, [*model.days("val"), *model.days("test")])
    if unseen is None:
        return
    for (head, output), rows in answered_rows(model, unseen).group_by("head", "class", maintain_order=True):
        name = answer_name(str(head), str(output))
        yield {**_named(model, name), **reference_of(rows["answer"].to_numpy(), rows["date"])}


def _named(model: Model, name: str) -> dict[str, str]:
    return {"model_hash": model.artifact.manifest.model_hash, "feature": name}
