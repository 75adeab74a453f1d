"""What a snapshot build can be told, and what it means for one instrument."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from math import ceil

from grinder_resources.contracts.instruments import NS_PER_DAY, NS_PER_SECOND, Instrument
from grinder_resources.errors import OutOfRange
from grinder_resources.market.l1 import epsilon_in_lots
from grinder_resources.market.state import Settings

ROUND_LOT = 100
"""Whole units in the reference size of an instrument that trades in whole units: the round lot of US shares."""

_MS_NS = 1_000_000
_MAX_FACTOR = 1 << 59


@dataclass(frozen=True)
class SnapshotConfig:
    """Parameters of bars and snapshots; the defaults are the bot's.

    grid_ms
        Distance of the rows, ms; divides 1000 so that every window is a whole number of rows.
    bar_interval_ms
        Length of a bar, ms.
    atr_period, range_horizon
        Bars in ATR and trend; each needs one closed bar more.
    max_bars
        Closed bars held.
    max_gap_s
        A quote or book older than this, in seconds, is not carried forward, and windows do not reach over it.
    qty_ref
        Size whose market impact is measured, base units; rounded up to a whole lot. Instruments that trade in whole
        units (lot_size >= 1) take 100 lots instead.

    Raises OutOfRange for a parameter that is not positive, or a grid that does not divide a second.
    """

    grid_ms: int = 1000
    bar_interval_ms: int = 60_000
    atr_period: int = 14
    range_horizon: int = 14
    max_bars: int = 1000
    max_gap_s: int = 60
    qty_ref: Decimal = Decimal("0.003")

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (Decimal(value).is_finite() and value > 0):
                raise OutOfRange(f"{name} must be positive", where="SnapshotConfig", got=str(value))
        if 1000 % self.grid_ms:
            raise OutOfRange(
                "grid_ms must divide a second",
                where="SnapshotConfig",
                got=str(self.grid_ms),
                expected="1000, 500, 250, ...",
            )

    @property
    def rows_per_second(self) -> int:
        """Grid times in a second."""
        return 1000 // self.grid_ms

    @property
    def grid_ns(self) -> int:
        """Distance of the rows, ns."""
        return self.grid_ms * _MS_NS

    def qty_ref_lots(self, lot_size: Decimal) -> int:
        """Return the reference size in whole lots of `lot_size` base units."""
        return ROUND_LOT if lot_size >= 1 else ceil(Fraction(self.qty_ref) / Fraction(lot_size))


def kernel_settings(instrument: Instrument, day: date, config: SnapshotConfig) -> Settings:
    """Return the kernel's constants for one instrument on one UTC day; rows lie inside the session and the day.

    Raises OutOfRange where the lot size is too odd or too large for exact bps.
    """
    numerator, denominator = epsilon_in_lots(instrument.lot_size)
    if max(numerator, 10_000 * denominator) >= _MAX_FACTOR:
        raise OutOfRange("lot_size leaves the exact range", where=instrument.label, got=str(instrument.lot_size))
    opened, closed = instrument.session_ns(day)
    midnight = midnight_ns(day)
    return Settings(
        grid_ns=config.grid_ns,
        bar_ns=config.bar_interval_ms * _MS_NS,
        max_gap_ns=config.max_gap_s * NS_PER_SECOND,
        open_ns=max(opened, midnight),
        close_ns=min(closed, midnight + NS_PER_DAY),
        qty_ref_lots=config.qty_ref_lots(instrument.lot_size),
        epsilon_numerator=numerator,
        epsilon_denominator=denominator,
    )


def midnight_ns(day: date) -> int:
    """Return the start of the UTC day, ns since 1970-01-01."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * NS_PER_SECOND
