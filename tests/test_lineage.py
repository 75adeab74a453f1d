"""Column lineage is what moves: a source column is changed, the table made again, and what differs is looked at."""

from collections.abc import Callable, Mapping

import polars as pl
import pytest

from grinder_resources.contracts.bronze import DEPTH, QUOTES, TRADES
from grinder_resources.contracts.events import LEVEL_EVENTS
from grinder_resources.contracts.gates import GATE_EVENTS, GATE_ROC_DATASET
from grinder_resources.contracts.gold import REGIME_DATASET, signals_table
from grinder_resources.contracts.silver import BARS, SNAPSHOTS
from grinder_resources.contracts.table import Table
from grinder_resources.features.build import build_features
from grinder_resources.features.manifest import feature_table, load_manifest, versions
from grinder_resources.learning.gate_roc import gate_roc_rows
from grinder_resources.learning.regime import regime_rows
from grinder_resources.lineage import Source, column_sources
from grinder_resources.market.bars import build_bars
from grinder_resources.market.level_events import level_events
from grinder_resources.market.snapshots import build_snapshots
from tests.market_days import DAY, INSTRUMENT, random_day

NEWEST = load_manifest(versions()[-1])
FEATURES = NEWEST.table
MADE = random_day(5)
EVENTS = level_events(MADE.quotes, MADE.bars_today, MADE.bars_before, [INSTRUMENT], DAY)[0]
Rows = Mapping[str, pl.DataFrame]

GATES = (
    pl.DataFrame({name: [3, -5, 7] for name in GATE_EVENTS.schema})
    .cast({name: dtype if dtype.is_integer() else pl.String() for name, dtype in GATE_EVENTS.schema.items()})
    .with_columns(date=pl.lit(DAY))
)

INPUTS: Rows = {
    QUOTES.name: MADE.quotes,
    TRADES.name: MADE.trades,
    DEPTH.name: MADE.depth,
    BARS.name: pl.concat([MADE.bars_before, MADE.bars_today]),
    SNAPSHOTS.name: MADE.snapshots,
    LEVEL_EVENTS.name: EVENTS,
    GATE_EVENTS.name: GATES,
}


def _features(rows: Rows) -> pl.DataFrame:
    today = pl.col("date") == DAY
    return build_features(
        NEWEST,
        rows[LEVEL_EVENTS.name],
        quotes=rows[QUOTES.name],
        trades=rows[TRADES.name],
        depth=rows[DEPTH.name],
        bars_today=rows[BARS.name].filter(today),
        bars_before=rows[BARS.name].filter(~today),
        instruments=[INSTRUMENT],
        day=DAY,
        snapshots=rows[SNAPSHOTS.name],
    )


def _snapshots(rows: Rows) -> pl.DataFrame:
    units = {(INSTRUMENT.venue, INSTRUMENT.symbol): INSTRUMENT}
    return build_snapshots(rows[QUOTES.name], rows[TRADES.name], rows[DEPTH.name], units, DAY)


MAKE: Mapping[Table, tuple[tuple[str, ...], Callable[[Rows], pl.DataFrame]]] = {
    BARS: ((QUOTES.name, TRADES.name), lambda rows: build_bars(rows[QUOTES.name], rows[TRADES.name])),
    SNAPSHOTS: ((QUOTES.name, TRADES.name, DEPTH.name), _snapshots),
    REGIME_DATASET: ((SNAPSHOTS.name,), lambda rows: regime_rows(rows[SNAPSHOTS.name])),
    GATE_ROC_DATASET: ((GATE_EVENTS.name,), lambda rows: gate_roc_rows(rows[GATE_EVENTS.name])),
    FEATURES: (tuple(INPUTS), _features),
}
FIXED = {"date", "venue", "symbol", "event_id", "seq", "trade_id", "is_snapshot", "gap"}
"""Identity, and what decides which rows there are."""
FALLING = {"bid_ticks", "low_half_ticks"}
"""What is made smaller, so that quotes stay uncrossed, books sorted and bars whole."""


SIGN = {Source(LEVEL_EVENTS.name, "direction_sign")}
"""What `confluence_alignment` hears alone: the averages never agree on the made-up day, so nobody sees it move."""


def told(name: str) -> bool:
    """Return whether lineage speaks of a column: of no identity and of no time."""
    return name not in FIXED and not name.endswith("_ns")


def changed(column: str, dtype: pl.DataType) -> pl.Expr:
    """Return other values of a column, by a little and by a lot, that still make sense beside the others."""
    sign = -1 if column in FALLING else 1
    if isinstance(dtype, pl.List):
        return pl.col(column).list.eval(pl.element() + 400 * sign * pl.int_range(1, pl.len() + 1))
    if dtype == pl.String():
        return pl.col(column).reverse()
    if column in {"aggressor", "direction_sign"}:
        return -pl.col(column)
    row = pl.int_range(pl.len())
    return (pl.col(column) + sign * (1 + row % 3) * (1 + 399 * (row % 2))).cast(dtype, wrap_numerical=True)


def moved(table: Table) -> dict[str, set[Source]]:
    """Return which source columns move which columns of the table."""
    sources, make = MAKE[table]
    before, found = make(INPUTS), {name: set[Source]() for name in table.schema if told(name)}
    for source in sources:
        rows = INPUTS[source]
        for column in filter(told, rows.columns):
            other = rows.with_columns(changed(column, rows.schema[column]).alias(column))
            after = make({**INPUTS, source: other})
            for name, movers in found.items():
                if not before[name].equals(after[name]):
                    movers.add(Source(source, column))
    return {name: sources for name, sources in found.items() if sources}


@pytest.mark.parametrize("table", [BARS, SNAPSHOTS, REGIME_DATASET, GATE_ROC_DATASET], ids=lambda table: table.name)
def test_a_column_names_exactly_what_moves_it(table: Table) -> None:
    """No source is left out and none is made up."""
    named = {name: set(sources) for name, sources in column_sources(table).items() if told(name)}
    assert named == moved(table)


def test_a_group_of_features_names_exactly_what_moves_one_of_its_columns() -> None:
    """Features are told by group: the union of what moves its columns; what is carried over moves with itself alone."""
    named, seen = column_sources(FEATURES), moved(FEATURES)
    for group in NEWEST.present:
        unseen = SIGN if "confluence_alignment" in group.columns else set()
        assert {source for name in group.columns for source in seen.get(name, ())} | unseen == set(
            named[group.columns[0]]
        )
    own = {column.name for column in NEWEST.features}
    carried = {name for name in named if name not in own and told(name)}
    assert {name: seen[name] for name in carried} == {name: {Source(LEVEL_EVENTS.name, name)} for name in carried}


@pytest.mark.parametrize("version", versions())
def test_production_carries_over_the_version_it_was_promoted_from(version: str) -> None:
    """A Gold column has one source, of its own name, in the version with the same columns."""
    features = feature_table(version)
    named = column_sources(signals_table(features))
    assert set(named.values()) == {(Source(features.name, name),) for name in named}


def test_a_table_nothing_is_known_of_says_nothing() -> None:
    """Touches decide which rows there are, so their columns are not told apart."""
    assert column_sources(LEVEL_EVENTS) == {}
