"""The toxicity dataset: what one minute says of the next one's volatility and of what its prints cost a maker.

Everything is integers. Windows look back from ts_ns and include it; labels lie in (ts_ns, ts_ns + 60 s]. The composite
score and its inputs are those of the bot's catalogue, each clipped to 0..3 and written x1000 (`gold.toxicity_score`).
"""

from collections.abc import Iterator

import polars as pl

from grinder_resources.contracts.gold import SNAPSHOT_FEATURES
from grinder_resources.contracts.table import DAY, SYMBOL, TS, VENUE, Column, Table, optional, required

LOOKBACKS_S = (10, 30, 60)
"""`lookback_windows` of the bot's ML settings, seconds."""

PREDICTION_HORIZON_S = 60
"""`prediction_horizon_s` of the bot's ML settings: labels end this long after ts_ns."""

MARKOUT_S = 10
"""A print is judged by the mid this long after it. Prints of the last ten seconds of a window are not, so that the
whole answer is known at its end."""

VPIN_BUCKETS = 50
HOUR_S = 3_600
"""VPIN, usual volume and usual spread look back over an hour."""

LOOKBACK_BASES = (
    "spread_bps",
    "imbalance_l1_bps",
    "depth_imbalance_bps",
    "impact_buy_bps",
    "impact_sell_bps",
    "ofi_zscore",
)
"""Bases of `features.groups.rolling` that move within a minute; NATR and range score change with a bar."""

LOOKBACK_STATISTICS = ("mean", "std", "trend")

VOLATILITY = "volatility_60s_x1000"
ADVERSE = "adverse_60s_x1000"
VOLATILITY_LABEL = "volatility_60s_forward_x1000"
ADVERSE_LABEL = "adverse_60s_forward_x1000"
SCORE = "toxicity_score_x1000"

_INT = pl.Int64()
_BROKEN = "null where one of those seconds has no snapshot or no value"
_COST = (
    "lots-weighted mean over prints with a known aggressor of aggressor x (mid 10 s later - mid before the print) / "
    "mid before it, bps x 1000, half-even: above 0, whoever rested lost"
)


def _lookbacks() -> Iterator[Column]:
    words = {"mean": "mean", "std": "population standard deviation", "trend": "least-squares slope a second"}
    for base in LOOKBACK_BASES:
        for seconds in LOOKBACKS_S:
            for statistic in LOOKBACK_STATISTICS:
                doc = f"{words[statistic]} of {base} over the last {seconds} s, x1000, half-even; {_BROKEN}"
                yield optional(f"{base}_{statistic}_{seconds}_x1000", _INT, doc)


def _volatility(seconds: int) -> str:
    return f"root of the sum of squared one-second returns of the mid over {seconds} s, bps x 1000, rounded down"


SCORE_INPUTS = (
    optional(
        "vpin_x1000",
        _INT,
        "mean |buy - sell| / volume over 50 buckets of equal volume that make up the last hour, prints with a known "
        "aggressor only; null below 50 such prints",
    ),
    optional("kyle_x1000", _INT, "|return of 60 s, percent| / (volume of 60 s / usual volume of 60 s + 0.1)"),
    optional("amihud_x1000", _INT, "|return of 60 s, percent| / (turnover of 60 s in millions + 0.01)"),
    required("spread_excess_x1000", _INT, "max(0, spread - its mean over the last hour's snapshots), bps, / 5"),
    required("ofi_strength_x1000", _INT, "|z-score of the order flow imbalance| / 3"),
)
"""Inputs of the composite score, each within 0..3000; kyle and amihud are null where the return is."""

TOXICITY_INPUTS = (
    *SNAPSHOT_FEATURES,
    *_lookbacks(),
    *(optional(f"volatility_{w}s_x1000", _INT, f"{_volatility(w)}; {_BROKEN}") for w in LOOKBACKS_S),
    optional(ADVERSE, _INT, f"{_COST}; prints in (ts - 60 s, ts - 10 s]; null if there is none"),
    *SCORE_INPUTS,
    optional(SCORE, _INT, "weighted mean of the five inputs, 0..3000; null where one of them is"),
)
"""What a model may read."""

TOXICITY_DATASET = Table(
    name="gold/training/toxicity",
    doc="One row a minute and instrument: the state of the market, and how toxic the minute after it was.",
    columns=(
        DAY,
        VENUE,
        SYMBOL,
        TS,
        required("watermark_ns", _INT, "event time of the newest quote, print or book behind the row"),
        *TOXICITY_INPUTS,
        required(VOLATILITY_LABEL, _INT, f"{_volatility(PREDICTION_HORIZON_S)} after ts: a label"),
        optional(ADVERSE_LABEL, _INT, f"{_COST}; prints in (ts, ts + 50 s]: a label; null if there is none"),
        required("label_end_ns", _INT, "end of the label windows, ts_ns + 60 s; what a purge needs"),
    ),
    sort_by=("venue", "symbol", "ts_ns"),
    key=("venue", "symbol", "ts_ns"),
)
