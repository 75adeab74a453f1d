"""The Gold table behind a model for the bot: the 15 numbers its runtime feeds, in its own units.

What the bot counts in whole units is an integer here. Where its unit is a fraction (prices and turnover in quote
currency, trend in -1..1) a column is a float64 that comes from integers by one division, the nearest float64 to the
exact ratio, so that no order of adding can change it.
"""

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from grinder_resources.contracts.bot import FEATURE_ORDER, NOT_MARKET_DATA
from grinder_resources.contracts.gold import REGIME_DATASET, REGIME_LABEL
from grinder_resources.contracts.table import Column, Table, required

HOUR_MINUTES = 60
DAY_MINUTES = 24 * HOUR_MINUTES
LOOK_BACK_DAYS = 1
"""Days of bars before the day itself that its 24-hour windows read."""

_INT, _FLOAT = pl.Int64(), pl.Float64()
_CLOSES = "one-minute closes known in [ts - {window}, ts]"

_MARKET: Mapping[str, tuple[pl.DataType, str]] = MappingProxyType(
    {
        "price_mid": (_FLOAT, "(best bid + best ask) / 2, quote currency"),
        "price_bid": (_FLOAT, "best bid, quote currency"),
        "price_ask": (_FLOAT, "best ask, quote currency"),
        "spread_bps": (_INT, "(ask - bid) / mid in bps, truncated"),
        "volume_24h": (_FLOAT, "turnover of the minutes inside [ts - 24 h, ts), quote currency"),
        "volume_1h": (_FLOAT, "turnover of the minutes inside [ts - 1 h, ts), quote currency"),
        "volatility_1h_bps": (_INT, f"root of the sum of squared returns, bps, of {_CLOSES.format(window='1 h')}"),
        "volatility_24h_bps": (_INT, f"root of the sum of squared returns, bps, of {_CLOSES.format(window='24 h')}"),
        "trend_strength": (
            _FLOAT,
            f"(last - first) / sum of absolute changes, -1..1, of {_CLOSES.format(window='1 h')}",
        ),
        "momentum_1h": (_INT, f"last / first - 1, bps, half-even, of {_CLOSES.format(window='1 h')}"),
    }
)


def _input(name: str) -> Column:
    if name in NOT_MARKET_DATA:
        return required(name, _INT, "0: no market data, and what the bot feeds if it does not know", at_most=0)
    dtype, doc = _MARKET[name]
    return required(name, dtype, doc)


_REGIME = {column.name: column for column in REGIME_DATASET.columns}

REGIME_BOT_DATASET = Table(
    name="gold/training/regime_bot",
    doc="Rows and label of gold/training/regime with the bot's 15 inputs. A window that reaches before the first bar, "
    "or before the day before, holds what there is; one without two closes has volatility, trend and momentum 0.",
    columns=(
        *(_REGIME[name] for name in ("date", "venue", "symbol", "ts_ns", "watermark_ns")),
        *map(_input, FEATURE_ORDER),
        *(_REGIME[name] for name in ("range_60s_x1000", REGIME_LABEL, "label_end_ns")),
    ),
    sort_by=REGIME_DATASET.sort_by,
    key=REGIME_DATASET.key,
)
