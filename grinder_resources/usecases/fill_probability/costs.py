"""What an order costs: rest at a distance, take the market if it is not filled, and who chooses the distance best.

Costs are against the mid at the decision, in bps of it, so what the price does while an order waits is in them. One
order more would have changed little, and nobody knows how much: a small trader's costs.
"""

from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl

from grinder_resources.contracts.exact import half_even
from grinder_resources.contracts.fill_report import FILL_COSTS, POLICIES
from grinder_resources.contracts.gold_fills import CROSS_LABEL, CROSS_S, PROBE, PROBE_DISTANCES_BPS, filled_label
from grinder_resources.contracts.simulation import Costs
from grinder_resources.evaluation.scores import mean_estimate
from grinder_resources.usecases.fill_probability.answers import Floats, said, said_by_reference

PPM_A_BPS = 100
X1000_A_PPM = 1_000 // PPM_A_BPS
"""Parts per million in bps x 1000: money is whole numbers of these until the last division, so that sums are exact."""

INSTRUMENT = ("venue", "symbol")
MOMENT = (*INSTRUMENT, "ts_ns")
CHOSEN = pl.Schema(
    {"policy": pl.String(), "ts_ns": pl.Int64(), "filled": pl.Boolean(), "distance": pl.Int64(), "cost": pl.Int64()}
)

_FILLED = pl.col(filled_label(CROSS_S)) == 1


def every_distance(orders: pl.DataFrame, costs: Costs) -> pl.DataFrame:
    """Return every probe that was answered at every distance ever asked for, with what it cost.

    orders
        As in `answers.answered_orders`. One that shares its price with a nearer one stands for both.

    Added are, in bps x 1000, distance, at_market, what the market takes at once, and cost: a fill costs the maker's fee
    less the distance, no fill what the market takes later, with the taker's fee.
    """
    maker, taker = costs.maker_fee_ppm * X1000_A_PPM, costs.taker_fee_ppm * X1000_A_PPM
    known = orders.filter(pl.col("source") == PROBE).drop_nulls([CROSS_LABEL, said(CROSS_S)])
    asked = pl.DataFrame({"asked_bps": PROBE_DISTANCES_BPS}, schema={"asked_bps": pl.Int64()})
    moments = known.select(MOMENT).unique(maintain_order=True).join(asked, how="cross").sort("asked_bps", *MOMENT)
    placed = moments.join_asof(known.sort("asked_bps", *MOMENT), on="asked_bps", by=MOMENT, check_sortedness=False)
    distance, later = pl.col("distance_bps_x1000"), pl.col(CROSS_LABEL) + taker
    return (
        placed.drop_nulls("side")
        .with_columns(distance.alias("distance"), at_market=half_even(pl.col("spread_bps_x1000"), 2) + taker)
        .with_columns(cost=pl.when(_FILLED).then(maker - distance).otherwise(later))
        .sort(*MOMENT, "asked_bps")
    )


def chosen_orders(every: pl.DataFrame) -> pl.DataFrame:
    """Return policy, ts_ns, filled, distance and cost (bps x 1000) of the order each policy sends at each moment.

    every
        As in `every_distance`.

    The first day teaches and has no orders. What is known of costs beforehand is a mean over earlier days, by
    instrument and distance asked for. Ties go to the nearer price.
    """
    days = sorted(every["date"].unique())
    chosen = [part for day in days[1:] for part in _day_orders(every, day)]
    return pl.concat([pl.DataFrame(schema=CHOSEN), *chosen])


def _day_orders(every: pl.DataFrame, day: date) -> Iterator[pl.DataFrame]:
    cell = [*INSTRUMENT, "asked_bps"]
    past = every.filter(pl.col("date") < day)
    known = past.group_by(cell).agg(past_cost=pl.col("cost").sum() / pl.len(), of_a_fill=_of_a_fill())
    today = every.filter(pl.col("date") == day).join(known, on=cell).sort(*MOMENT, "asked_bps")
    expected = {
        "fixed": pl.col("past_cost"),
        "reference": _expected(pl.col(said_by_reference(CROSS_S))),
        "model": _expected(pl.col(said(CROSS_S))),
    }
    for policy, cost in expected.items():
        yield _orders(policy, _nearest(today.filter(cost == cost.min().over(MOMENT))))
    not_rested = [
        pl.lit(0).alias(filled_label(CROSS_S)),
        pl.lit(0, pl.Int64()).alias("distance"),
        pl.col("at_market").alias("cost"),
    ]
    yield _orders("market", _nearest(today).with_columns(not_rested))


def _of_a_fill() -> pl.Expr:
    """Return what a fill has cost in the mean, if whoever was not filled had paid what the market took at the start.

    It pays less, and is paid more, than the distance: an order that is not filled is one that the price has run away
    from, and that is charged to the fills, for the price drifts nowhere on the whole.
    """
    charged = pl.col("cost") - pl.when(_FILLED).then(0).otherwise(pl.col("at_market"))
    return charged.sum() / _FILLED.sum().clip(1)


def _expected(probability: pl.Expr) -> pl.Expr:
    return probability * pl.col("of_a_fill") + (1.0 - probability) * pl.col("at_market")


def _nearest(orders: pl.DataFrame) -> pl.DataFrame:
    """Return the first order of every moment."""
    return orders.unique(MOMENT, keep="first", maintain_order=True)


def _orders(policy: str, orders: pl.DataFrame) -> pl.DataFrame:
    return orders.select(pl.lit(policy).alias("policy"), "ts_ns", _FILLED.alias("filled"), "distance", "cost")


def fill_costs(orders: pl.DataFrame, costs: Costs) -> pl.DataFrame:
    """Return the rows of `reports/fill_probability/costs`; none with fewer than two days of answered orders."""
    chosen = chosen_orders(every_distance(orders, costs))
    fixed = _bps(chosen.filter(pl.col("policy") == "fixed"), "cost")
    rows = []
    for policy in POLICIES if len(fixed) else ():
        own = chosen.filter(pl.col("policy") == policy)
        ts_ns, paid = own["ts_ns"].to_numpy(), _bps(own, "cost")
        cost, saved = mean_estimate(paid, ts_ns), mean_estimate(fixed - paid, ts_ns)
        rows.append(
            {
                "policy": policy,
                "orders": own.height,
                "filled": float(np.mean(own["filled"].to_numpy())),
                "distance_bps": float(_bps(own, "distance").mean()),
                "cost_bps": cost.value,
                "cost_low": cost.low,
                "cost_high": cost.high,
                "saved_bps": saved.value,
                "saved_low": saved.low,
                "saved_high": saved.high,
            }
        )
    return FILL_COSTS.conform(pl.DataFrame(rows, schema=FILL_COSTS.schema))


def _bps(chosen: pl.DataFrame, name: str) -> Floats:
    return chosen[name].to_numpy() / 1_000
