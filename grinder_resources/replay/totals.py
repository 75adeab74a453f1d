"""Totals of a replay, and the law they keep: differences add up to the difference of the sums, to the last unit.

The law is checked in two ways that share nothing but the two steps: one adds up the differences as the log holds them,
decision by decision; the other takes labels from the dataset itself, and never looks at a miss in the log.
"""

import numpy as np
import polars as pl

from grinder_resources.contracts.gold import REGIME_LABEL
from grinder_resources.contracts.replay import TOTALS
from grinder_resources.errors import ProofFailed
from grinder_resources.replay.decisions import NS_PER_MS

GROUPINGS = ("mode", "predicted_regime", "rule_regime", "refusal", "symbol")
ALL = "all"

_SUMS = ("miss_rules_x1000", "miss_signal_x1000", "difference_x1000", "done_x1000")
_ADDITIVE = ("decisions", "signals", *_SUMS, "closer", "farther")


def totals(decisions: pl.DataFrame) -> pl.DataFrame:
    """Return `reports/shadow_replay/totals` of `reports/shadow_replay/decisions`.

    Raises ProofFailed where a grouping does not sum to what all decisions do.
    """
    symbol = pl.concat_str("venue", "symbol", separator=" ").alias("symbol")
    every = decisions.with_columns(symbol)
    frames = [_summed(every, pl.lit(""), ALL), *(_summed(every, pl.col(name), name) for name in GROUPINGS)]
    table = TOTALS.conform(pl.concat(frames))
    whole = table.filter(pl.col("by") == ALL).select(_ADDITIVE)
    for name in GROUPINGS:
        parts = table.filter(pl.col("by") == name).select(pl.col(_ADDITIVE).sum())
        if not parts.equals(whole):
            raise ProofFailed(f"totals by {name} do not sum to the whole", got=str(parts.row(0)))
    return table


def residuals(decisions: pl.DataFrame, rows: pl.DataFrame) -> tuple[int, int]:
    """Return what is left of the differences in the log when those of the sums, made anew from `rows`, are taken away.

    rows
        Of `gold/training/regime`: the same ones, in any order.

    First had the signal been used, then as done; both are 0, or a number in the log is wrong. Raises ProofFailed unless
    log and rows hold the same (time, venue, symbol).
    """
    keys, steps = ("ts_ms", "venue", "symbol"), ("step_rules_bps", "step_signal_bps", "step_done_bps")
    labels = rows.select((pl.col("ts_ns") // NS_PER_MS).alias("ts_ms"), "venue", "symbol", label=REGIME_LABEL)
    joined = decisions.select(*keys, *steps).join(labels, on=keys, how="inner")
    if not joined.height == decisions.height == rows.height:
        got = f"{decisions.height} decisions, {joined.height} of them about {rows.height} rows"
        raise ProofFailed("every row has one decision", got=got)
    label = joined["label"].cast(pl.Int64).to_numpy()
    rules, signal, done = (int(np.abs(1_000 * joined[name].to_numpy() - label).sum()) for name in steps)
    logged = [sum(decisions[name].to_list()) for name in ("difference_x1000", "done_x1000")]
    return logged[0] - (rules - signal), logged[1] - (rules - done)


def balanced(decisions: pl.DataFrame, rows: pl.DataFrame) -> int:
    """Return what is left in both, 0. Raises ProofFailed where it is another number."""
    left = residuals(decisions, rows)
    if any(left):
        raise ProofFailed("differences do not add up to the difference of the sums", got=str(left), expected="(0, 0)")
    return sum(left)


def _summed(decisions: pl.DataFrame, group: pl.Expr, by: str) -> pl.DataFrame:
    counts = {
        "decisions": pl.len(),
        "signals": (pl.col("predicted_regime") != "").sum(),
        **{name: pl.col(name).sum() for name in _SUMS},
        "closer": (pl.col("difference_x1000") > 0).sum(),
        "farther": (pl.col("difference_x1000") < 0).sum(),
    }
    summed = decisions.group_by(group=group).agg(**{name: value.cast(pl.Int64) for name, value in counts.items()})
    return summed.select(pl.lit(by).alias("by"), "group", *_ADDITIVE)
