"""The snapshot engine of one instrument: events in, silver/snapshots rows out, as they become final.

The Silver build feeds it a day in one piece, a live process feeds it event by event; both run
`market.kernel.advance`. The engine starts cold: a day can be built alone, and its first rows are in warm-up.
"""

from datetime import date
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import polars as pl

from grinder_resources.contracts.instruments import NS_PER_DAY, Instrument
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.errors import OutOfRange
from grinder_resources.market.bars import BAR_FIELDS, CLOSE, HIGH, LOW
from grinder_resources.market.events import events
from grinder_resources.market.flow import OFI_WINDOW_NS
from grinder_resources.market.kernel import ROW_COLUMNS, advance
from grinder_resources.market.settings import SnapshotConfig, kernel_settings, midnight_ns
from grinder_resources.market.state import Events, Rings, new_memory, new_rings
from grinder_resources.market.volatility import BarFeatures, BarHistory
from grinder_resources.market.windows import NULL

Ints = npt.NDArray[np.int64]

_BAR_COLUMNS = ("natr_bps", "atr_sum_half_ticks", "sum_abs_returns_bps", "net_return_bps", "range_score", "warmup_bars")
_FIRST_CAPACITY = 16


class SnapshotEngine:
    """Snapshots of one instrument over one UTC day.

    instrument
        Units and session.
    day
        UTC day; events of other days are refused.
    config
        Grid, bars and reference size.
    """

    def __init__(self, instrument: Instrument, day: date, config: SnapshotConfig | None = None) -> None:
        self._config = config or SnapshotConfig()
        self._instrument = instrument
        self._day = day
        self._settings = kernel_settings(instrument, day, self._config)
        self._fed_until = midnight_ns(day) - 1
        self._day_end = midnight_ns(day) + NS_PER_DAY - 1
        self._memory = new_memory(midnight_ns(day))
        self._rings = new_rings(self._config.rows_per_second, _FIRST_CAPACITY)
        self._history = BarHistory(self._config.atr_period, self._config.range_horizon, self._config.max_bars)
        self._pending: list[Ints] = []
        self._per_bar = [self._history.features]
        self._closed_before = 0

    def feed(
        self,
        quotes: pl.DataFrame | None = None,
        trades: pl.DataFrame | None = None,
        depth: pl.DataFrame | None = None,
        *,
        until_ns: int | None = None,
    ) -> pl.DataFrame:
        """Take the next events and return the silver/snapshots rows of the grid times that are final with them.

        quotes, trades, depth
            Rows of this instrument in the Bronze schemas, each in time order, later than everything fed before.
        until_ns
            Everything up to and including this time has been fed; the end of the day by default.

        Raises OutOfRange for events outside (last `until_ns`, `until_ns`] or numbers beyond the exact range.
        """
        self.fold(events(quotes, trades, depth), until_ns=until_ns)
        return self.rows()

    def fold(self, piece: Events, *, until_ns: int | None = None) -> None:
        """Take the next events as `feed` does, and keep the rows that are final with them for `rows`.

        For many small pieces: a frame costs far more than a few events do.
        """
        until = self._day_end if until_ns is None else min(until_ns, self._day_end)
        self._check_times(piece, until)
        self._make_room(piece.quotes.ts)
        rows, bars = self._advance(piece, until)
        self._fed_until = until
        if self._memory.inexact:
            raise OutOfRange(
                "order flow or a book level leaves the exact range",
                where=self._instrument.label,
                hint="Sizes and prices must be positive; a coarser lot size makes the numbers smaller.",
            )
        self._per_bar += [
            self._history.close(*(Decimal(int(bar[place])) for place in (HIGH, LOW, CLOSE))) for bar in bars.T
        ]
        if rows.shape[1]:
            self._pending.append(rows)

    def rows(self) -> pl.DataFrame:
        """Return the silver/snapshots rows that became final since they were last asked for."""
        pending = np.concatenate([np.empty((len(ROW_COLUMNS), 0), np.int64), *self._pending], axis=1)
        frame = self._frame(pending, self._per_bar, self._closed_before)
        self._pending, self._per_bar = [], [self._history.features]
        self._closed_before = self._memory.bars_closed
        return frame

    def _check_times(self, piece: Events, until: int) -> None:
        for stream in (piece.quotes.ts, piece.trades.ts, piece.books.ts):
            in_order = bool((stream[1:] >= stream[:-1]).all())
            if stream.size and not (in_order and self._fed_until < stream[0] and stream[-1] <= until):
                raise OutOfRange(
                    "events come late, out of order or belong to another day",
                    where=self._instrument.label,
                    got=f"ts_ns {stream[0]} to {stream[-1]}",
                    expected=f"{self._fed_until + 1} to {until}",
                )

    def _make_room(self, ts: Ints) -> None:
        """Grow the ring of the order flow if the quotes of some 10 s might not fit."""
        per_window = np.bincount((ts - ts[0]) // OFI_WINDOW_NS) if ts.size else np.zeros(1, np.int64)
        busiest = int((per_window + np.append(per_window[1:], 0)).max())
        needed = self._memory.event_count + busiest
        if needed > self._rings.events.size:
            self._rings = _grown(self._rings, self._memory.event_head, 2 * needed)
            self._memory.event_head = 0

    def _advance(self, piece: Events, until: int) -> tuple[Ints, Ints]:
        steps = max(0, (until - self._memory.next_grid) // self._config.grid_ns + 1)
        intervals = (until - self._fed_until) // self._settings.bar_ns + 2
        rows = np.empty((len(ROW_COLUMNS), steps), np.int64)
        bars = np.empty((BAR_FIELDS, min(piece.quotes.ts.size, intervals)), np.int64)
        row_count, bar_count = advance(self._memory, self._rings, self._settings, piece, until, rows, bars)
        return rows[:, :row_count], bars[:, :bar_count]

    def _frame(self, rows: Ints, per_bar: list[BarFeatures], closed_before: int) -> pl.DataFrame:
        if not rows.shape[1]:
            return SNAPSHOTS.empty()
        columns = dict(zip(ROW_COLUMNS, rows, strict=True))
        bars = columns.pop("bars_closed") - closed_before
        table = np.array([_bar_numbers(features) for features in per_bar], np.int64).T
        columns |= {name: values[bars] for name, values in zip(_BAR_COLUMNS, table, strict=True)}
        return (
            pl.DataFrame(columns)
            .with_columns(_nulled(name) for name in columns)
            .with_columns(
                pl.lit(self._day).alias("date"),
                pl.lit(self._instrument.venue).alias("venue"),
                pl.lit(self._instrument.symbol).alias("symbol"),
                pl.col("gap") != 0,
                pl.when(pl.col("book_ts_ns").is_not_null())
                .then(self._settings.qty_ref_lots)
                .cast(pl.Int64)
                .alias("qty_ref_lots"),
            )
            .select(SNAPSHOTS.schema.names())
        )


def _grown(rings: Rings, head: int, capacity: int) -> Rings:
    """Return the rings with room for `capacity` events, the oldest one first."""
    event_ts, events = (np.zeros(capacity, np.int64) for _ in range(2))
    event_ts[: rings.events.size] = np.roll(rings.event_ts, -head)
    events[: rings.events.size] = np.roll(rings.events, -head)
    return Rings(rings.samples, event_ts, events)


def _bar_numbers(features: BarFeatures) -> tuple[int, ...]:
    return (
        features.natr_bps,
        NULL if features.true_range_sum is None else int(features.true_range_sum),
        features.sum_abs_returns_bps,
        features.net_return_bps,
        features.range_score,
        features.warmup_bars,
    )


def _nulled(name: str) -> pl.Expr:
    """Return the column with the kernel's NULL as null, if its contract allows null at all."""
    nullable = {column.name for column in SNAPSHOTS.columns if column.nullable}
    column = pl.col(name)
    return pl.when(column != NULL).then(column).alias(name) if name in nullable else column
