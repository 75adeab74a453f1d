"""Where a column comes from: the columns of other tables that its values are a function of.

Only what can be shown is said. Tests change every source column, make the table again and look at what moved: each
column that moved names the source, and each source that is named moved something. Identity and times are not named,
nor which rows exist; a feature's sources are those of its group. Where an instrument has no quotes of its own, the best
levels of its books take their place. Tables that are not spoken of here have no entry, which is not the same as none.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from grinder_resources.contracts.bronze import DEPTH, QUOTES, TRADES
from grinder_resources.contracts.events import CONTEXT, LABELS, LEVEL_EVENTS
from grinder_resources.contracts.gates import GATE_EVENTS, GATE_HORIZONS_MIN, GATE_INPUTS, GATE_ROC_DATASET
from grinder_resources.contracts.gold import REGIME_DATASET, REGIME_LABEL, SIGNALS, SNAPSHOT_FEATURES
from grinder_resources.contracts.silver import BARS, SNAPSHOTS
from grinder_resources.contracts.table import Table
from grinder_resources.features.groups.rolling import BASES
from grinder_resources.features.manifest import feature_table, load_manifest, versions
from grinder_resources.features.registry import GROUPS
from grinder_resources.features.version import FeatureManifest


@dataclass(frozen=True, order=True)
class Source:
    """One column of one table."""

    table: str
    column: str


Sources = Mapping[str, tuple[Source, ...]]
"""Column -> what it is a function of."""


def _of(table: Table, columns: str) -> tuple[Source, ...]:
    return tuple(Source(table.name, column) for column in columns.split())


_MID = _of(QUOTES, "bid_ticks ask_ticks")
_BEST = (*_MID, *_of(QUOTES, "bid_lots ask_lots"))
_SIZES = _of(QUOTES, "bid_lots ask_lots")
_BIDS, _ASKS = _of(DEPTH, "bid_lots"), _of(DEPTH, "ask_lots")
_BOOK = _of(DEPTH, "bid_ticks bid_lots ask_ticks ask_lots")
_TAPE = _of(TRADES, "price_ticks size_lots aggressor")
_FLOW = _of(TRADES, "size_lots aggressor")
_LOTS = _of(TRADES, "size_lots")
_RANGES = _of(BARS, "high_half_ticks low_half_ticks")
_CLOSES, _VOLUME = _of(BARS, "close_half_ticks"), _of(BARS, "volume_lots")
_LEVELS = _of(BARS, "high_half_ticks low_half_ticks close_half_ticks volume_lots notional_tick_lots")

_OF_BARS: Sources = MappingProxyType(
    {
        **dict.fromkeys(("open_half_ticks", "high_half_ticks", "low_half_ticks", "close_half_ticks"), _MID),
        "volume_lots": _LOTS,
        "buy_lots": _FLOW,
        "sell_lots": _FLOW,
        "notional_tick_lots": _of(TRADES, "price_ticks size_lots"),
    }
)

_SNAPSHOT_RULES: Mapping[str, tuple[Source, ...]] = MappingProxyType(
    {
        "mid_half_ticks spread_bps natr_bps atr_sum_half_ticks sum_abs_returns_bps net_return_bps range_score": _MID,
        "imbalance_l1_bps thin_l1_lots": _SIZES,
        "microprice_dev_x1000 ofi_10s_lots ofi_zscore_x1000": _BEST,
        "depth_bid_lots wall_bid_score_topN_x1000": _BIDS,
        "depth_ask_lots wall_ask_score_topN_x1000": _ASKS,
        "depth_imbalance_topN_bps": (*_BIDS, *_ASKS),
        "impact_sell_topN_bps impact_sell_topN_insufficient_depth": _of(DEPTH, "bid_ticks bid_lots"),
        "impact_buy_topN_bps impact_buy_topN_insufficient_depth": _of(DEPTH, "ask_ticks ask_lots"),
    }
)


def _snapshots() -> Sources:
    named = {name: sources for names, sources in _SNAPSHOT_RULES.items() for name in names.split()}
    for column in SNAPSHOTS.schema:
        if column.startswith(("ret_", "range_")) and column not in named:
            named[column] = _MID
        elif column.startswith("trade_imbalance_"):
            named[column] = _FLOW
        elif column.startswith("volume_"):
            named[column] = _LOTS
    return named


_OF_GROUP: Mapping[str, tuple[Source, ...]] = MappingProxyType(
    {
        "level_context": _of(LEVEL_EVENTS, "direction_sign level_price_half_ticks spot_half_ticks atr_sum_half_ticks"),
        "session_context": (*_of(LEVEL_EVENTS, "level_price_half_ticks atr_sum_half_ticks"), *_RANGES, *_VOLUME),
        "approach_context": (
            *_of(LEVEL_EVENTS, "direction_sign touch_half_ticks atr_sum_half_ticks prior_touches attempt_index"),
            *_CLOSES,
        ),
        "sma_context": (*_of(LEVEL_EVENTS, "level_price_half_ticks atr_sum_half_ticks"), *_CLOSES),
        "mean_reversion": (*_of(LEVEL_EVENTS, "direction_sign spot_half_ticks atr_sum_half_ticks"), *_CLOSES),
        "confluence": (
            *_of(LEVEL_EVENTS, "level_kind_name direction_sign level_price_half_ticks atr_sum_half_ticks"),
            *_LEVELS,
        ),
        "barrier_physics": (*_of(LEVEL_EVENTS, "direction_sign level_price_half_ticks atr_sum_half_ticks"), *_BOOK),
        "tape_physics": (*_of(LEVEL_EVENTS, "level_price_half_ticks atr_sum_half_ticks"), *_TAPE, *_MID),
        "pressure_indicators": _of(LEVEL_EVENTS, "direction_sign"),
        "net_pressure": (),
        "attempt_trend": (),
        "rolling": tuple(Source(SNAPSHOTS.name, base.column) for base in BASES),
    }
)
"""What a group of features reads itself; what it takes from other groups is in their own entries."""


def group_sources(name: str) -> tuple[Source, ...]:
    """Return everything the features of a group are a function of, other groups followed to their tables."""
    inherited = (source for need in GROUPS[name].needs for source in group_sources(need))
    return tuple(sorted({*_OF_GROUP[name], *inherited}))


def _features(manifest: FeatureManifest) -> Sources:
    own = {column: group_sources(group.name) for group in manifest.present for column in group.columns}
    return {**_same(LEVEL_EVENTS, (column.name for column in (*CONTEXT, *LABELS))), **own}


def _same(table: Table, columns: Iterable[str]) -> dict[str, tuple[Source, ...]]:
    """Return columns that are carried over under their own names."""
    return {column: (Source(table.name, column),) for column in columns}


def _regime() -> Sources:
    carried = _same(SNAPSHOTS, (column.name for column in SNAPSHOT_FEATURES))
    return {**carried, REGIME_LABEL: _of(SNAPSHOTS, "mid_half_ticks")}


def _gate_roc() -> Sources:
    changes = {
        name: (Source(GATE_EVENTS.name, f"roc_forward_{minutes}m_pct_x1e6"),)
        for minutes in GATE_HORIZONS_MIN
        for name in (f"sign_forward_{minutes}m", f"size_forward_{minutes}m_pct_x1e6")
    }
    return {**_same(GATE_EVENTS, (column.name for column in GATE_INPUTS)), **changes}


_TABLES: Mapping[str, Callable[[], Sources]] = MappingProxyType(
    {
        BARS.name: lambda: _OF_BARS,
        SNAPSHOTS.name: _snapshots,
        REGIME_DATASET.name: _regime,
        GATE_ROC_DATASET.name: _gate_roc,
    }
)


def column_sources(table: Table) -> Sources:
    """Return what the columns of a table come from, empty for a table of which nothing is said.

    `gold/training/signals_production` carries over the feature version its contract was made from; that is the one
    with the same columns.
    """
    if table.name in _TABLES:
        return _TABLES[table.name]()
    for version in versions():
        features = feature_table(version)
        if table.name == features.name:
            return _features(load_manifest(version))
        if table.name == SIGNALS and table.schema == features.schema:
            return _same(
                features, (name for name in features.schema if name not in {"date", "venue", "symbol", "ts_ns"})
            )
    return {}
