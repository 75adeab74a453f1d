"""How often orders were filled, against how often that was said: by distance, side, instrument and source."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from grinder_resources.contracts.fill_report import FILL_SHARES
from grinder_resources.contracts.gold_fills import FILL_HORIZONS_S, filled_label
from grinder_resources.evaluation.scores import mean_estimate
from grinder_resources.usecases.fill_probability.answers import said

GROUPS = {
    "distance": pl.col("band_bps").cast(pl.String()),
    "side": pl.when(pl.col("side") > 0).then(pl.lit("buy")).otherwise(pl.lit("sell")),
    "symbol": pl.concat_str(["venue", "symbol"], separator=" "),
    "source": pl.col("source"),
}


def fill_shares(orders: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `reports/fill_probability/shares`; `orders` as in `answers.answered_orders`."""
    rows = [
        {"by": by, "group": group, "horizon_s": horizon, **numbers}
        for by, of in GROUPS.items()
        for (group,), members in sorted(orders.group_by(of.alias("group"), maintain_order=True))
        for horizon, numbers in _horizons(members)
    ]
    return FILL_SHARES.conform(pl.DataFrame(rows, schema=FILL_SHARES.schema, orient="row"))


def _horizons(orders: pl.DataFrame) -> Iterator[tuple[int, dict[str, Any]]]:
    for horizon in FILL_HORIZONS_S:
        filled, probability = filled_label(horizon), said(horizon)
        known = orders.drop_nulls([filled, probability])
        if known.is_empty():
            continue
        label, predicted = (known[name].cast(pl.Float64()).to_numpy() for name in (filled, probability))
        ts_ns = known["ts_ns"].to_numpy()
        observed, gap = mean_estimate(label, ts_ns), mean_estimate(label - predicted, ts_ns)
        yield (
            horizon,
            {
                "rows": known.height,
                "observed": observed.value,
                "observed_low": observed.low,
                "observed_high": observed.high,
                "predicted": float(predicted.mean()),
                "gap": gap.value,
                "gap_low": gap.low,
                "gap_high": gap.high,
            },
        )
