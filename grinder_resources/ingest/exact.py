"""Decimal text to whole ticks or lots, exactly: no price or size is ever a binary float.

`whole_units` is the definition; `column_units` is the same function over a column, in 128-bit integers.
"""

import re
from decimal import Context, Decimal

import polars as pl

from grinder_resources.contracts.instruments import Instrument
from grinder_resources.ingest.quarantine import RowError

MAX_UNITS = 1 << 53
"""Largest number of ticks or lots, so that a unit is also exact where a learner later needs float64."""

_SCALE = 18
_PLAIN = r"^-?[0-9]{1,18}(\.[0-9]{1,18})?$"
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)
# Ample for any price that passes the magnitude test; a longer text fails the comparison after multiplying back.
_EXACT = Context(prec=64)
_MEMO_SIZE = 1 << 17


def whole_units(text: str, increment: Decimal) -> int:
    """Return `text` / `increment` as an integer.

    Raises RowError: not_finite, wrong_type (not a number), too_large (beyond 2^53), off_grid (not a whole multiple).
    """
    if not _NUMBER.fullmatch(text):
        raise RowError("not_finite" if _NOT_FINITE.fullmatch(text) else "wrong_type")
    value = Decimal(text)
    if value == 0:
        return 0
    magnitude = value.adjusted() - increment.adjusted()
    if magnitude < -1:
        raise RowError("off_grid")
    if magnitude > _SCALE:
        raise RowError("too_large")
    if abs(value) > _EXACT.multiply(Decimal(MAX_UNITS), increment):
        raise RowError("too_large")
    units = int(_EXACT.divide(value, increment).to_integral_value())
    if _EXACT.multiply(Decimal(units), increment) != value:
        raise RowError("off_grid")
    return units


class Grid(dict[str, int]):
    """Texts to `whole_units` of one increment: `grid["61837.64"]`, computed at first sight and remembered.

    Looking up anything but a text raises RowError wrong_type (TypeError for a list or an object, which cannot be
    looked up).
    """

    def __init__(self, increment: Decimal) -> None:
        super().__init__()
        self._increment = increment

    def __missing__(self, text: object) -> int:
        if type(text) is not str:
            raise RowError("wrong_type")
        units = whole_units(text, self._increment)
        if len(self) >= _MEMO_SIZE:
            self.clear()
        self[text] = units
        return units


class Grids:
    """The grids of one instrument: `ticks` for prices, `lots` for sizes."""

    def __init__(self, instrument: Instrument) -> None:
        self.ticks = Grid(instrument.tick_size)
        self.lots = Grid(instrument.lot_size)


def column_units(texts: pl.Series, increment: Decimal) -> pl.DataFrame:
    """Return columns `units` (int64; null for a bad or null text) and `reason` (null for a good or null one)."""
    sign, digits, exponent = increment.as_tuple()
    places = -int(exponent)
    if sign or not 0 <= places <= _SCALE:
        return _one_by_one(texts, increment)
    whole = int("".join(map(str, digits))) * 10 ** (_SCALE - places)
    plain = texts.str.contains(_PLAIN)
    # The cast would round or refuse a text that is not plain decimal; such a text takes the slow, exact way below.
    scaled = texts.set(~plain.fill_null(True), None).cast(pl.Decimal(38, _SCALE)).to_physical()
    step = pl.lit(whole, dtype=pl.Int128)
    value = pl.col("scaled")
    large = value.abs() > pl.lit(whole * MAX_UNITS, dtype=pl.Int128)
    fast = pl.DataFrame({"scaled": scaled}).select(
        units=pl.when(~large & (value % step == 0)).then(value // step).cast(pl.Int64),
        reason=pl.when(large).then(pl.lit("too_large")).when(value % step != 0).then(pl.lit("off_grid")),
    )
    if plain.all():
        return fast
    slow = _one_by_one(texts.set(plain.fill_null(False), None), increment)
    return fast.select(units=pl.coalesce("units", slow["units"]), reason=pl.coalesce("reason", slow["reason"]))


def _one_by_one(texts: pl.Series, increment: Decimal) -> pl.DataFrame:
    units: list[int | None] = []
    reasons: list[str | None] = []
    for text in texts.to_list():
        unit, reason = None, None
        if text is not None:
            try:
                unit = whole_units(text, increment)
            except RowError as bad:
                reason = bad.reason
        units.append(unit)
        reasons.append(reason)
    return pl.DataFrame({"units": units, "reason": reasons}, schema={"units": pl.Int64(), "reason": pl.String()})


def decimal_places(text: str) -> int:
    """Return the digits after the point that matter: 2 for '1.250', 8 for '1e-8', 0 for '7' and for no number."""
    if not _NUMBER.fullmatch(text):
        return 0
    exponent = Decimal(text).normalize().as_tuple().exponent
    return max(0, -int(exponent))
