"""Which inputs a trading process read otherwise than the lake has them: where to look for the cause of skew."""

import json
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import polars as pl

from grinder_resources.learning.training import Prepared
from grinder_resources.monitoring.predictions import is_logged
from grinder_resources.monitoring.readings import as_read, hashes_of
from grinder_resources.monitoring.watch import Watch

_MOMENT = ("venue", "symbol", "ts_ns")
_ABSENT = "absent"


def skewed_inputs(watch: Watch, days: Sequence[date]) -> list[dict[str, Any]]:
    """Return one row a day and input that differs, for people: in how many decisions, and the first of them.

    Compared are values as JSON has them, so 1 and 1.0 are two. Decisions that the lake has no row for are passed over.
    """
    return [row for day in days for row in _of_day(watch, day)]


def _of_day(watch: Watch, day: date) -> Iterator[dict[str, Any]]:
    model = watch.model
    if model is None or not is_logged(watch.spec) or (prepared := watch.gold(model, [day])) is None:
        return
    found: dict[str, list[tuple[str, str]]] = {}
    for logged, known in _differing(watch.logged(model, day), prepared):
        for name in sorted(logged.keys() | known.keys()):
            pair = (_shown(logged, name), _shown(known, name))
            if pair[0] != pair[1]:
                found.setdefault(name, []).append(pair)
    for name, pairs in sorted(found.items(), key=lambda item: (-len(item[1]), item[0])):
        yield {"date": day, "input": name, "decisions": len(pairs), "logged": pairs[0][0], "in the lake": pairs[0][1]}


def _differing(log: pl.DataFrame, prepared: Prepared) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield what was read and what the lake has, for every decision where the two have another hash."""
    known = prepared.frame.select(*_MOMENT, hashes_of(prepared), pl.int_range(pl.len()).alias("row"))
    rows = log.join(known, _MOMENT, maintain_order="left").filter(pl.col("features_hash") != pl.col("recomputed_hash"))
    inputs = as_read(prepared)
    for text, row in rows.select("features", "row").iter_rows():
        yield json.loads(text), inputs.row(row, named=True)


def _shown(inputs: dict[str, Any], name: str) -> str:
    return json.dumps(inputs[name]) if name in inputs else _ABSENT
