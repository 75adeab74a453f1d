"""How often the most likely next regime came, against saying that nothing changes and against the reference."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from grinder_resources.contracts.exact import half_even
from grinder_resources.contracts.signals import REGIMES
from grinder_resources.contracts.toxicity_report import HIT_RATES, TRANSITIONS
from grinder_resources.evaluation.scores import ratio_estimate
from grinder_resources.learning.metrics import Floats

ALL = "all"


def transitions(minutes: pl.DataFrame) -> pl.DataFrame:
    """Return rows of `reports/toxicity/transitions` from rows of `answers.answered_minutes`."""
    records = []
    for current in REGIMES:
        mine = minutes.filter(pl.col("current") == current)
        for following in REGIMES:
            came, said = mine["next"] == following, mine["said"] == following
            mean = half_even(int(mine[following].sum()), mine.height) if mine.height else 0
            counts = (int(came.sum()), int(said.sum()), int((came & said).sum()))
            records.append((current, following, *counts, mean))
    return TRANSITIONS.conform(pl.DataFrame(records, schema=TRANSITIONS.schema, orient="row"))


def hit_rates(minutes: pl.DataFrame) -> pl.DataFrame:
    """Return rows of `reports/toxicity/hit_rates` from rows of `answers.answered_minutes`."""
    groups = [(ALL, minutes), *((name, minutes.filter(pl.col("current") == name)) for name in REGIMES)]
    records = [record for name, group in groups if group.height for record in _measures(name, group)]
    return HIT_RATES.conform(pl.DataFrame(records, schema=HIT_RATES.schema, orient="row"))


def _measures(name: str, group: pl.DataFrame) -> Iterator[tuple[object, ...]]:
    ts_ns = group["ts_ns"].to_numpy()

    def flag(expression: pl.Expr) -> Floats:
        return group.select(expression.cast(pl.Float64)).to_series().to_numpy()

    came, current = pl.col("next"), pl.col("current")
    right, stayed, reference = (flag(came == answer) for answer in (pl.col("said"), current, pl.col("reference_said")))
    changed, change_said = 1.0 - stayed, flag(pl.col("said") != current)
    caught, every = right * changed, np.ones(group.height)
    for measure, counted, of in (
        ("right", right, every),
        ("stay_right", stayed, every),
        ("reference_right", reference, every),
        ("over_staying", right - stayed, every),
        ("over_reference", right - reference, every),
        ("changed", changed, every),
        ("change_said", change_said, every),
        ("change_caught", caught, changed),
        ("change_true", caught, change_said),
    ):
        if of.sum() > 0.0:
            found = ratio_estimate(counted, of, ts_ns)
            yield name, measure, int(of.sum()), found.value, found.low, found.high
