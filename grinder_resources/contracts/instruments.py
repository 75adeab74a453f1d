"""Instruments: the units that turn decimal prices and sizes into integers, and the trading session."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl

from grinder_resources.errors import OutOfRange

NS_PER_SECOND = 1_000_000_000
NS_PER_DAY = 86_400 * NS_PER_SECOND
ALWAYS_OPEN = "24x7"


@dataclass(frozen=True)
class Instrument:
    """One tradable thing on one venue.

    tick_size, lot_size
        Positive decimals. Every price is a whole number of ticks, every size a whole number of lots; they may be finer
        than the venue's own increments, never coarser.
    session
        '24x7' or 'HH:MM-HH:MM Area/City' in local time, e.g. '09:30-16:00 America/New_York'.
    """

    venue: str
    symbol: str
    tick_size: Decimal
    lot_size: Decimal
    session: str = ALWAYS_OPEN

    def __post_init__(self) -> None:
        for name in ("tick_size", "lot_size"):
            value = getattr(self, name)
            if not (value.is_finite() and value > 0):
                raise OutOfRange(f"{name} must be a positive number", where=self.label, got=str(value))
        self.session_ns(date(2024, 1, 2))

    @property
    def label(self) -> str:
        """`venue:symbol`."""
        return f"{self.venue}:{self.symbol}"

    def session_ns(self, day: date) -> tuple[int, int]:
        """Return [open, close) of the UTC day in ns since the epoch; the whole day when always open."""
        midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * NS_PER_SECOND
        if self.session == ALWAYS_OPEN:
            return midnight, midnight + NS_PER_DAY
        try:
            hours, zone_name = self.session.split(" ", maxsplit=1)
            first, last = (time.fromisoformat(text) for text in hours.split("-", maxsplit=1))
            zone = ZoneInfo(zone_name)
        except (ValueError, KeyError, OSError) as error:
            raise OutOfRange(
                "a session is '24x7' or 'HH:MM-HH:MM Area/City'", where=self.label, got=repr(self.session)
            ) from error
        bounds = (datetime.combine(day, moment, tzinfo=zone).timestamp() for moment in (first, last))
        opened, closed = (int(bound) * NS_PER_SECOND for bound in bounds)
        return opened, closed


def instruments_of(rows: pl.DataFrame) -> Mapping[tuple[str, str], Instrument]:
    """Return the instruments of one day's `bronze/instruments` rows, by (venue, symbol)."""
    facts = rows.select("venue", "symbol", "tick_size", "lot_size", "session").iter_rows()
    every = [
        Instrument(venue, symbol, Decimal(tick), Decimal(lot), session) for venue, symbol, tick, lot, session in facts
    ]
    return {(instrument.venue, instrument.symbol): instrument for instrument in every}
