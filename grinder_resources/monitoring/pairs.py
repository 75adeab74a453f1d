"""Drift of inputs and answers: the sketch of the window against that of the training rows, name by name."""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from grinder_resources.contracts.monitoring import ANSWER_PREFIX
from grinder_resources.errors import SchemaMismatch
from grinder_resources.monitoring.distances import ks_bounds, ks_p_value, psi, stacked
from grinder_resources.monitoring.sketch import Sketch
from grinder_resources.monitoring.states import Kind, Measured

Pair = tuple[Sketch, Sketch]
"""How one input or answer lies now, and how it lay then."""


def paired(window: pl.DataFrame, reference: pl.DataFrame) -> dict[str, Pair]:
    """Return the two sketches of every name of the reference, by name.

    window
        Rows of `monitoring/sketches/<model>` of one model: any hours, which are added up. A name without a row has an
        empty sketch.
    reference
        Rows of `monitoring/references/<model>` of the same model.

    Raises SchemaMismatch if an hour was counted in other bins than the reference.
    """
    hours = {row["feature"]: row for row in _added_up(window, reference).iter_rows(named=True)}
    pairs = {}
    for row in reference.sort("feature").iter_rows(named=True):
        cuts, then = tuple(row["cuts"]), tuple(row["counts"])
        now = hours.get(row["feature"], {"counts": [0] * len(then), "missing": 0})
        pairs[row["feature"]] = Sketch(cuts, tuple(now["counts"]), now["missing"]), Sketch(cuts, then, row["missing"])
    return pairs


def input_drift(pairs: Mapping[str, Pair]) -> list[Measured]:
    """Return PSI and Kolmogorov-Smirnov of every input and answer, in the order given.

    Nothing is known of one that either side has no row of.
    """
    known = {name: pair for name, pair in pairs.items() if all(side.rows for side in pair)}
    now, then = (stacked([pair[side] for pair in known.values()]) for side in (0, 1))
    least, most = ks_bounds(now, then)
    numbers = (column.tolist() for column in (least, most, ks_p_value(least, now, then), psi(now, then)))
    measured = dict(zip(known, map(_Numbers._make, zip(*numbers, strict=True)), strict=True))
    return [_measured(name, pair[0].rows, measured.get(name)) for name, pair in pairs.items()]


class _Numbers(NamedTuple):
    least: float
    most: float
    chance: float
    stability: float


def _measured(name: str, rows: int, found: _Numbers | None) -> Measured:
    kind: Kind = "prediction" if name.startswith(ANSWER_PREFIX) else "feature"
    label = name.removeprefix(ANSWER_PREFIX)
    if found is None:
        return Measured(kind, label, rows, None, None, None, f"{label}: no rows to compare")
    words = f"{label}: PSI {found.stability:.3f}, KS {found.least:.3f} to {found.most:.3f} over {rows:,} rows"
    return Measured(kind, label, rows, found.least, found.stability, found.chance, words)


def _added_up(window: pl.DataFrame, reference: pl.DataFrame) -> pl.DataFrame:
    """Return one row a name with the counts of all hours."""
    widths = reference.select("feature", width=pl.col("counts").list.len())
    known = window.join(widths, on="feature")
    other = known.filter(pl.col("counts").list.len() != pl.col("width"))
    if other.height:
        row = other.row(0, named=True)
        raise SchemaMismatch(
            "an hour was counted in other bins than the reference",
            where=f"{row['feature']}, model {row['model_hash']}",
            got=f"{len(row['counts'])} bins",
            expected=f"{row['width']} bins",
            hint="Materialise the sketches of the day again",
        )
    by_bin = known.select("feature", "counts", bin=pl.int_ranges(pl.col("width"))).explode("counts", "bin")
    counts = by_bin.group_by("feature", "bin").agg(pl.col("counts").sum()).sort("feature", "bin")
    missing = known.group_by("feature").agg(pl.col("missing").sum())
    return counts.group_by("feature", maintain_order=True).agg("counts").join(missing, on="feature")
