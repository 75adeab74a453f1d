"""Drift of inputs and answers: the sketches of the window against that of the training rows, name by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from grinder_resources.contracts.monitoring import ANSWER_PREFIX
from grinder_resources.errors import SchemaMismatch
from grinder_resources.monitoring.distances import DECILES, clumping_of, ks_bounds, ks_p_value, psi, stacked, usual_psi
from grinder_resources.monitoring.sketch import Sketch
from grinder_resources.monitoring.states import Kind, Measured


@dataclass(frozen=True)
class Pair:
    """How one input or answer lies.

    now, then
        Rows of the window, and those that the model was made on.
    clumping
        How many rows of the window say as much as one that hangs together with no other.
    usual
        Largest stability index of one day of `then` against its others; None where it is not known.
    """

    now: Sketch
    then: Sketch
    clumping: float = 1.0
    usual: float | None = None


def paired(window: pl.DataFrame, reference: pl.DataFrame, min_rows: int) -> dict[str, Pair]:
    """Return the pair of every name of the reference, by name.

    window
        Rows of `monitoring/sketches/<model>` of one model: any hours, which are added up. A name without a row has an
        empty sketch.
    reference
        Rows of `monitoring/references/<model>` of the same model.
    min_rows
        Rows that a day of the reference needs to say how far a day may lie from the others.

    Raises SchemaMismatch if an hour was counted in other bins than the reference.
    """
    grouped = window.group_by("feature").agg("counts", "missing")
    hours = {name: (counts, missing) for name, counts, missing in grouped.iter_rows()}
    return {row["feature"]: _pair(row, *hours.get(row["feature"], ([], [])), min_rows) for row in _in_order(reference)}


def input_drift(pairs: Mapping[str, Pair]) -> list[Measured]:
    """Return PSI and Kolmogorov-Smirnov of every input and answer, in the order given.

    Nothing is known of one that either side has no row of.
    """
    known = {name: pair for name, pair in pairs.items() if pair.now.rows and pair.then.rows}
    now, then = stacked([pair.now for pair in known.values()]), stacked([pair.then for pair in known.values()])
    clumping = np.array([pair.clumping for pair in known.values()], dtype=np.float64)
    least, most = ks_bounds(now, then)
    numbers = (column.tolist() for column in (least, most, ks_p_value(least, now, then, clumping), psi(now, then)))
    found = dict(zip(known, map(_Numbers._make, zip(*numbers, strict=True)), strict=True))
    return [_measured(name, pair, found.get(name)) for name, pair in pairs.items()]


class _Numbers(NamedTuple):
    least: float
    most: float
    chance: float
    stability: float


def _measured(name: str, pair: Pair, found: _Numbers | None) -> Measured:
    kind: Kind = "prediction" if name.startswith(ANSWER_PREFIX) else "feature"
    label, rows = name.removeprefix(ANSWER_PREFIX), pair.now.rows
    if found is None:
        return Measured(kind, label, rows, None, None, None, f"{label}: no rows to compare", usual=pair.usual)
    words = f"{label}: PSI {found.stability:.3f}, KS {found.least:.3f} to {found.most:.3f} over {rows:,} rows"
    worth = f" that are worth {rows / pair.clumping:,.0f}" if pair.clumping > 1 else ""
    return Measured(kind, label, rows, found.least, found.stability, found.chance, words + worth, usual=pair.usual)


def _in_order(reference: pl.DataFrame) -> list[dict[str, Any]]:
    return reference.sort("feature").to_dicts()


def _pair(reference: Mapping[str, Any], counts: list[list[int]], missing: list[int], min_rows: int) -> Pair:
    """Return the pair of one name from its row of the reference and the counts of its hours."""
    cuts, known = tuple(reference["cuts"]), reference["counts"]
    other = next((hour for hour in counts if len(hour) != len(known)), None)
    if other is not None:
        raise SchemaMismatch(
            "an hour was counted in other bins than the reference",
            where=f"{reference['feature']}, model {reference['model_hash']}",
            got=f"{len(other)} bins",
            expected=f"{len(known)} bins",
            hint="Materialise the sketches of the day again",
        )
    then = Sketch(cuts, tuple(known), reference["missing"])
    hours = np.array([[none, *hour] for none, hour in zip(missing, counts, strict=True)], dtype=np.int64)
    hours = hours.reshape(len(counts), len(known) + 1)
    without, *rows = hours.sum(axis=0).tolist()
    days = np.array(reference["days"], dtype=np.int64).reshape(-1, DECILES + 1)
    now = Sketch(cuts, tuple(rows), without)
    return Pair(now, then, clumping_of(hours, stacked([then])[0]), usual_psi(days, min_rows))
