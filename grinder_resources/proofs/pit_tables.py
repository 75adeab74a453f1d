"""Tables whose rows must not know their future: when a row was decided, and how it is made again from a day of Bronze.

silver/features/<version>
    Decided at t1 (`confirm_ts_ns`). Minutes, levels, touches and then features are built; identity, watermark, context
    and features are compared. Labels are the future and left out. So is the one rule about events that looks at it: a
    touch is not published if the quotes fall silent before its labels are complete. Here it is built all the same,
    because a deleted future is silent.
silver/snapshots
    Decided at `ts_ns`; every column is compared. Only the asked second is written: an instrument's session says which
    rows are written, and nothing else.
gold/training/regime
    Decided at `ts_ns`; inputs and watermark are compared. The row is made from the snapshot built again, followed by a
    minute in which nothing happens, because a row without a label is not published.
gold/training/toxicity, if the lake has it
    As before, from the snapshots of an hour and the prints and quotes of the day.

gold/training/grid_spacing, if the lake has it
    As before, but for the grids: which was best is a label, and so is the one chosen on windows that had ended.
gold/training/fill_probability, if the lake has it
    As before, an order at a time, from the snapshot of its second; of a real order its placement alone is told.

Held fixed: `bronze/instruments`, and `silver/bars` of earlier days.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import polars as pl

from grinder_resources.contracts.bronze import ORDERS
from grinder_resources.contracts.events import LABEL_NAMES
from grinder_resources.contracts.gold import REGIME_DATASET, REGIME_HORIZON_S, REGIME_LABEL, SNAPSHOT_FEATURES
from grinder_resources.contracts.gold_fills import FILL_DATASET, FILL_LABELS, LOOK_BACK_DAYS, ORDER
from grinder_resources.contracts.gold_grid import GRID_SPACING, GRID_SWEEP, WINDOW_S
from grinder_resources.contracts.gold_toxicity import ADVERSE_LABEL, HOUR_S, TOXICITY_DATASET, VOLATILITY_LABEL
from grinder_resources.contracts.instruments import NS_PER_SECOND, Instrument
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.contracts.table import Table
from grinder_resources.features.manifest import load_manifest
from grinder_resources.features.version import FeatureManifest
from grinder_resources.gold.fill_probability import MarketDay as FillDay
from grinder_resources.gold.fill_probability import fill_rows
from grinder_resources.gold.grid_spacing import spacing_rows
from grinder_resources.gold.toxicity import toxicity_rows
from grinder_resources.learning.regime import regime_rows
from grinder_resources.market.labels import LabelConfig
from grinder_resources.market.level_events import EventConfig
from grinder_resources.proofs.rebuild import MarketDay

EVERY_TOUCH = EventConfig(labels=LabelConfig(max_gap_s=NS_PER_SECOND))
"""The usual events, but no silence of the quotes is too long."""

Row = Mapping[str, Any]

_GRID_KNOWN = {"date", "venue", "symbol", "ts_ns", "watermark_ns", *(column.name for column in SNAPSHOT_FEATURES)}
_GRID_LABELS = tuple(name for name in GRID_SPACING.schema if name not in _GRID_KNOWN)


@dataclass(frozen=True)
class Decisions:
    """A table of decisions.

    decided
        Column that holds the decision time.
    labels
        Columns that may know the future.
    rebuild
        A day of Bronze and a stored row to that row made again; no row if it is not there.
    optional
        Whether a lake may lack the table.
    """

    table: Table
    decided: str
    labels: tuple[str, ...]
    rebuild: Callable[[MarketDay, Row], pl.DataFrame]
    optional: bool = False

    def compared(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the columns that must not change."""
        return rows.drop(self.labels)


def decision_tables(version: str) -> dict[str, Decisions]:
    """Return the tables by name, with the features of one version."""
    manifest = load_manifest(version)
    tables = (
        Decisions(manifest.table, "confirm_ts_ns", LABEL_NAMES, partial(_features, manifest)),
        Decisions(SNAPSHOTS, "ts_ns", (), _snapshot),
        Decisions(REGIME_DATASET, "ts_ns", (REGIME_LABEL, "label_end_ns"), _regime),
        Decisions(
            TOXICITY_DATASET, "ts_ns", (VOLATILITY_LABEL, ADVERSE_LABEL, "label_end_ns"), _toxicity, optional=True
        ),
        Decisions(GRID_SPACING, "ts_ns", _GRID_LABELS, _grid_spacing, optional=True),
        Decisions(FILL_DATASET, "ts_ns", FILL_LABELS, _fill, optional=True),
    )
    return {decisions.table.name: decisions for decisions in tables}


def _features(manifest: FeatureManifest, day: MarketDay, row: Row) -> pl.DataFrame:
    mine = (pl.col("venue") == row["venue"]) & (pl.col("event_id") == row["event_id"])
    return day.features(manifest, day.events(EVERY_TOUCH).filter(mine))


def _snapshot(day: MarketDay, row: Row) -> pl.DataFrame:
    instruments = {key: _open_for_a_second(instrument, row["ts_ns"]) for key, instrument in day.instruments.items()}
    return replace(day, instruments=instruments).snapshots().filter(_same(row))


def _regime(day: MarketDay, row: Row) -> pl.DataFrame:
    return regime_rows(_with_quiet(_snapshot(day, row), REGIME_HORIZON_S)).filter(_same(row))


def _toxicity(day: MarketDay, row: Row) -> pl.DataFrame:
    mine, now = day.of((row["venue"], row["symbol"])), row["ts_ns"]
    hour = _open_from(mine.instrument, max(mine.instrument.session_ns(day.day)[0], now - HOUR_S * NS_PER_SECOND), now)
    known = replace(mine, instruments=dict.fromkeys(mine.instruments, hour)).snapshots()
    seconds = _with_quiet(known.filter(pl.col("ts_ns") <= now), REGIME_HORIZON_S)
    return toxicity_rows(seconds, mine.best_quotes, mine.trades, mine.instruments).filter(_same(row))


def _grid_spacing(day: MarketDay, row: Row) -> pl.DataFrame:
    return spacing_rows(_with_quiet(_snapshot(day, row), WINDOW_S), GRID_SWEEP.empty()).filter(_same(row))


def _fill(day: MarketDay, row: Row) -> pl.DataFrame:
    mine, second = day.of((row["venue"], row["symbol"])), row["ts_ns"] // NS_PER_SECOND * NS_PER_SECOND
    yesterday = mine.bars_before.filter(pl.col("date") >= day.day - timedelta(days=LOOK_BACK_DAYS))
    market = FillDay(
        day=day.day,
        snapshots=_snapshot(mine, {**row, "ts_ns": second}),
        bars=pl.concat([yesterday, mine.bars]),
        quotes=mine.quotes,
        trades=mine.trades,
        orders=_placement(row) if row["source"] == ORDER else ORDERS.empty(),
        instruments=mine.instruments,
    )
    same_order = (pl.col("order_id") == row["order_id"]) & (pl.col("source") == row["source"])
    return fill_rows(market, least_watched_s=0).filter(_same(row), same_order)


def _placement(row: Row) -> pl.DataFrame:
    """Return the event of `bronze/orders` with which a real order began."""
    told = {"event": "placed", "seq": 0, "filled_lots": 0}
    return pl.DataFrame([{name: {**row, **told}.get(name) for name in ORDERS.schema}], schema=ORDERS.schema)


def _with_quiet(snapshots: pl.DataFrame, seconds: int) -> pl.DataFrame:
    """Return the snapshots and the last of them at every one of some seconds in which nothing happens."""
    quiet = [
        snapshots.tail(1).with_columns(ts_ns=pl.col("ts_ns") + second * NS_PER_SECOND)
        for second in range(1, seconds + 1)
    ]
    return pl.concat([snapshots, *quiet])


def _same(row: Row) -> pl.Expr:
    return pl.all_horizontal(pl.col(name) == row[name] for name in ("venue", "symbol", "ts_ns"))


def _open_for_a_second(instrument: Instrument, time_ns: int) -> Instrument:
    """Return the instrument with a session of one second, or as it is in the day's last second, which has no text."""
    return _open_from(instrument, time_ns, time_ns)


def _open_from(instrument: Instrument, first_ns: int, last_ns: int) -> Instrument:
    """Return the instrument with a session of these seconds, or as it is where they end with the day."""
    first, last = (datetime.fromtimestamp(time_ns // NS_PER_SECOND, UTC) for time_ns in (first_ns, last_ns))
    end = last + timedelta(seconds=1)
    session = f"{first:%H:%M:%S}-{end:%H:%M:%S} UTC"
    return replace(instrument, session=session) if first.date() == end.date() else instrument
