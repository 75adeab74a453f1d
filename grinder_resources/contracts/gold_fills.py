"""The Gold table of fill probabilities: limit orders at set distances from the mid, and whether they were filled.

Once a minute and instrument an order of about `UNIT_QUOTE` quote currency is placed at every distance and watched for
`WATCH_S` seconds (`simulation.probes`): a buy in even minutes, a sale in odd ones, for of two orders that mirror each
other one says nothing new. Nobody placed them: they took no time to arrive and moved nobody.

What happened is null wherever one could not watch for long enough, filled or not: the session ended, the quotes
stopped. To keep the fills among those would make fills look likelier than they are.
"""

import polars as pl

from grinder_resources.contracts.gold_grid import UNIT_QUOTE
from grinder_resources.contracts.table import DAY, SYMBOL, TS, VENUE, Column, Table, optional, required

FILL_HORIZONS_S = (10, 30, 60, 300)
"""Seconds within which an order is filled, or not."""

WATCH_S = max(FILL_HORIZONS_S)
"""Seconds an order is watched at most."""

EVERY_S = 60
"""Orders are placed at every multiple of this many seconds of the clock, buys and sales in turn."""

PROBE_DISTANCES_BPS = (0, 1, 2, 3, 5, 8, 12, 20)
"""Distances from the mid that are asked for; rounding to prices, away from the mid, makes them longer."""

CROSS_S = 60
"""Seconds after which an order that was not filled is given up, and the market taken: what that costs is a column."""

NATR_BARS, NATR_BAR_MIN = 14, 5
"""True ranges in `natr_14_5m_x1000`, and the minutes of a bar; a value needs one bar more."""

LOOK_BACK_DAYS = 1
"""Days of bars before the day itself that it reads."""

PROBE, ORDER = "probe", "order"
"""Where a row's order comes from."""

_INT = pl.Int64()
_BPS = "bps x 1000, half-even"
_TOWARDS = "above 0 = towards a fill: what sells where the order buys, and the reverse"
_BOOK = "null without a fresh book"
_WINDOW = "null where the window is not known"

FILL_INPUTS = (
    required("distance_bps_x1000", _INT, f"distance of its price from the mid, {_BPS}", at_least=0),
    required("spread_bps_x1000", _INT, f"(ask - bid) / mid, {_BPS}", at_least=0),
    optional(
        "queue_in_front_x1000",
        _INT,
        "lots shown at its price / its own size x 1000, half-even; 0 where its price is better than the best; null "
        "where it is deeper, for nobody can see that",
        at_least=0,
    ),
    required("ofi_zscore_x1000", _INT, f"z-score of the order flow imbalance x 1000; {_TOWARDS}"),
    optional("depth_imbalance_bps", _INT, f"(bid - ask depth) / sum, bps; {_TOWARDS}; {_BOOK}"),
    optional(
        "natr_14_5m_x1000",
        _INT,
        f"mean of the last 14 true ranges of 5-minute bars / last close, {_BPS}; null before 15 bars are over",
        at_least=0,
    ),
    required("imbalance_l1_bps", _INT, f"(bid - ask size) / sum at the best, bps; {_TOWARDS}"),
    required("microprice_dev_x1000", _INT, f"(microprice - mid) / mid, bps x 1000; {_TOWARDS}"),
    optional("ret_10s_x1000", _INT, f"return of the mid, bps x 1000; {_TOWARDS}; {_WINDOW}"),
    optional("ret_60s_x1000", _INT, f"return of the mid, bps x 1000; {_TOWARDS}; {_WINDOW}"),
    optional("range_60s_x1000", _INT, f"(highest - lowest mid) / mid, bps x 1000; {_WINDOW}"),
    optional("range_300s_x1000", _INT, f"(highest - lowest mid) / mid, bps x 1000; {_WINDOW}"),
    optional("trades_60s", _INT, f"number of prints; {_WINDOW}"),
    optional("volume_60s_x1000", _INT, f"traded size / the order's size x 1000, half-even; {_WINDOW}", at_least=0),
    optional("trade_imbalance_60s_bps", _INT, f"(bought - sold) / sum, bps; {_TOWARDS}; {_WINDOW}"),
    required("quote_age_ms", _INT, "age of the quote in force, whole ms"),
)
"""What is known of an order when it is placed, and all a model may read."""


def filled_label(horizon_s: int) -> str:
    """Return the column that says whether an order is filled whole within that many seconds."""
    return f"filled_{horizon_s}s"


TIME_TO_FILL = "time_to_fill_ms"
CROSS_LABEL = f"label_cross_{CROSS_S}s_x1000"


def _labels() -> tuple[Column, ...]:
    unknown = "null where it could not be watched that long: a label"
    return (
        *(
            optional(
                filled_label(s), pl.Int8(), f"1 filled whole within {s} s, 0 not; {unknown}", at_least=0, at_most=1
            )
            for s in FILL_HORIZONS_S
        ),
        optional(
            TIME_TO_FILL,
            _INT,
            f"time to the whole fill, ms, rounded up; null where it was not filled while watched, {WATCH_S} s at most: "
            "a label",
            at_least=1,
            at_most=1_000 * WATCH_S,
        ),
        required("label_watched_ms", _INT, "how long one could watch, filled or not, ms: a label", at_least=0),
        optional(
            CROSS_LABEL,
            _INT,
            f"what taking the market {CROSS_S} s later costs, against the mid at ts_ns, {_BPS}; {unknown}",
        ),
        required("label_end_ns", _INT, f"ts_ns + {WATCH_S} s, when the last answer is in; what a purge needs"),
    )


FILL_LABELS = tuple(column.name for column in _labels())
"""Columns that know the future."""

_BY_ORDER = ("venue", "symbol", "ts_ns", "source", "order_id")

FILL_DATASET = Table(
    name="gold/training/fill_probability",
    doc="Limit orders at set distances, once a minute: what was known when they were placed, and when they were "
    "filled. Of distances that round to one price the shortest has a row.",
    columns=(
        DAY,
        VENUE,
        SYMBOL,
        TS,
        required("source", pl.String(), f"'{PROBE}' = placed by replay, '{ORDER}' = a real order"),
        required("order_id", pl.String(), "of a probe B or S and the distance asked for; of a real order its own"),
        required("watermark_ns", _INT, "event time of the newest quote, print or book behind the row's inputs"),
        required("side", pl.Int8(), "+1 buys, -1 sells", at_least=-1, at_most=1),
        optional(
            "asked_bps",
            _INT,
            "distance asked for, bps, before its price was rounded; null for a real order, whose price came first",
            at_least=0,
        ),
        required("price_ticks", _INT, "its price, ticks", at_least=1),
        required(
            "size_lots",
            _INT,
            f"its size, lots; of a probe {UNIT_QUOTE:,} quote currency at the mid, as near as lots allow",
            at_least=1,
        ),
        *FILL_INPUTS,
        *_labels(),
    ),
    sort_by=_BY_ORDER,
    key=_BY_ORDER,
)
