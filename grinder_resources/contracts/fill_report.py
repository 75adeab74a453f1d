"""The fill report's tables: how often orders were filled and how often the model said so, how soon, and at what cost.

Replaced whole by the latest report. All rows are out of fold, in the leading mode of the walk-forward: the booster that
answers an order was fitted on earlier days. Bounds are 95 % intervals of a bootstrap over hours, all instruments
together, and null with too little data.
"""

import polars as pl

from grinder_resources.contracts.gold_fills import CROSS_S
from grinder_resources.contracts.table import Table, optional, required

_TEXT, _INT, _FLOAT = pl.String(), pl.Int64(), pl.Float64()
_BAND = "the largest distance that is ever asked for, bps, below or at the order's own"

FILL_SHARES = Table(
    name="reports/fill_probability/shares",
    doc="How often orders were filled within each horizon, and how often that was said.",
    columns=(
        required("by", _TEXT, "what the orders are grouped by: distance, side, symbol or source"),
        required("group", _TEXT, f"the group; of distances {_BAND}"),
        required("horizon_s", _INT, "seconds within which an order is filled, or not"),
        required("rows", _INT, "orders that could be watched that long"),
        required("observed", _FLOAT, "share of them that were filled"),
        optional("observed_low", _FLOAT, "2.5 % quantile"),
        optional("observed_high", _FLOAT, "97.5 % quantile"),
        required("predicted", _FLOAT, "mean calibrated probability"),
        required("gap", _FLOAT, "observed - predicted: above 0, the model said too little"),
        optional("gap_low", _FLOAT, "2.5 % quantile"),
        optional("gap_high", _FLOAT, "97.5 % quantile"),
    ),
    sort_by=("by", "group", "horizon_s"),
    key=("by", "group", "horizon_s"),
)

FILL_SURVIVAL = Table(
    name="reports/fill_probability/survival",
    doc="Share of orders filled after so many seconds by the product-limit estimate, which also uses orders that could "
    "be watched for part of the time only (Kaplan and Meier 1958).",
    columns=(
        required("band_bps", _INT, f"band of distances: {_BAND}"),
        required("second", _INT, "seconds since the order was placed"),
        required("at_risk", _INT, "orders not filled and still watched when that second began"),
        required("fills", _INT, "of them, filled in it"),
        required("filled", _FLOAT, "share filled by its end"),
        optional("filled_low", _FLOAT, "2.5 % quantile"),
        optional("filled_high", _FLOAT, "97.5 % quantile"),
    ),
    sort_by=("band_bps", "second"),
    key=("band_bps", "second"),
)

POLICIES = ("market", "fixed", "reference", "model")
"""At the market at once; at the distance that was cheapest on earlier days; where distance and spread alone say it is
cheapest; where the model says so."""

FILL_COSTS = Table(
    name="reports/fill_probability/costs",
    doc=f"What buying or selling one order costs against the mid at the decision: rest, and after {CROSS_S} s take the "
    "market. Fees as the simulator's; the past decides what an order that is not filled will cost.",
    columns=(
        required("policy", _TEXT, f"who chooses the distance: {', '.join(POLICIES)}"),
        required("orders", _INT, "orders, one a minute and instrument"),
        required("filled", _FLOAT, f"share filled within {CROSS_S} s; 0 at the market"),
        required("distance_bps", _FLOAT, "mean distance of the price, bps; 0 at the market"),
        required("cost_bps", _FLOAT, "mean cost, bps of the mid, fees included"),
        optional("cost_low", _FLOAT, "2.5 % quantile"),
        optional("cost_high", _FLOAT, "97.5 % quantile"),
        required("saved_bps", _FLOAT, "mean of what the fixed distance cost more, order by order, bps"),
        optional("saved_low", _FLOAT, "2.5 % quantile"),
        optional("saved_high", _FLOAT, "97.5 % quantile"),
    ),
    sort_by=("policy",),
    key=("policy",),
)

FILL_REPORT = (FILL_SHARES, FILL_SURVIVAL, FILL_COSTS)
"""In the order they are made."""
