"""What the bot's tools fix about its fill model: rows of round trips, buckets, bins, and the files that hold them.

A round trip is a position that was opened and closed again. The bot calls the share of them that gained something a
"fill probability": nothing here says whether an order is filled. That is `gold/training/fill_probability`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from grinder_resources.contracts.requirements import require

ROUNDTRIPS_ID = "fill_outcomes_v1"
"""Name of the data set, its folder and its schema."""

FILL_MODEL_SCHEMA, FILL_EVAL_SCHEMA = "fill_model_v0", "fill_model_eval_v0"
DATASET_VERSION = "v1"
CERTAIN_BPS = 10_000
EMPTY_PRIOR_BPS = 5_000
"""What a model that saw no row says of every round trip."""

NOTIONAL_LIMITS = (100, 500, 1_000, 5_000)
"""Upper ends of the buckets of notional, quote currency, each included; above the last is one more."""

HOLDING_MS_LIMITS = (1_000, 10_000, 60_000, 300_000)
"""Upper ends of the buckets of holding time, ms, each included; above the last is one more."""

MAX_FILL_COUNT = 3
"""Entry fills from this many on are one bucket."""

DIRECTIONS = ("long", "short")
OUTCOMES = ("win", "loss", "breakeven")
WIN = OUTCOMES[0]

_TEXT, _TIME, _COUNT, _FLOAT = pl.String(), pl.Int64(), pl.Int32(), pl.Float64()

ROUNDTRIPS = pl.Schema(
    {
        "row_id": _TEXT,
        "symbol": _TEXT,
        "direction": _TEXT,
        "entry_ts": _TIME,
        "entry_price": _FLOAT,
        "entry_qty": _FLOAT,
        "entry_fee": _FLOAT,
        "entry_fill_count": _COUNT,
        "exit_ts": _TIME,
        "exit_price": _FLOAT,
        "exit_qty": _FLOAT,
        "exit_fee": _FLOAT,
        "exit_fill_count": _COUNT,
        "realized_pnl": _FLOAT,
        "net_pnl": _FLOAT,
        "pnl_bps": _COUNT,
        "holding_time_ms": _TIME,
        "notional": _FLOAT,
        "outcome": _TEXT,
        "source": _TEXT,
        "dataset_version": _TEXT,
    }
)
"""The 21 columns, in order. Times are ms, prices and money quote currency, sizes base units; none is ever null."""


@dataclass(frozen=True)
class FillModel:
    """The bot's model: `bins` gives bps by `direction|notional|fills|holding`, every other key gets the prior.

    bins
        The last three parts of a key are numbers of buckets, e.g. 'long|0|1|2'.
    """

    bins: Mapping[str, int]
    global_prior_bps: int
    n_train_rows: int

    def __post_init__(self) -> None:
        for key, bps in {**self.bins, "global_prior_bps": self.global_prior_bps}.items():
            require(0 <= bps <= CERTAIN_BPS, "a probability lies within 0 and 10,000 bps", key, bps)
        require(self.n_train_rows >= len(self.bins), "every bin holds a row", "n_train_rows", self.n_train_rows)

    def predict_bps(self, key: str) -> int:
        """Return the share of round trips of a key that gained something, bps."""
        return self.bins.get(key, self.global_prior_bps)


def rate_bps(wins: int, rows: int) -> int:
    """Return wins / rows in bps, half up, as the bot rounds it; rows > 0."""
    return (wins * CERTAIN_BPS + rows // 2) // rows
