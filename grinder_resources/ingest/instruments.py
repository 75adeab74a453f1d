"""Which tick, lot and session an instrument has.

Four places are asked in order: `instruments.yaml` in the landing folder, the packaged list of known venues, the pin
file of the lake, and at last the data themselves. Units that were inferred are written to the pin file, so every
later day is counted in the same units; a finer price that comes later is quarantined as off_grid, never rounded.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from grinder_resources.contracts.instruments import ALWAYS_OPEN, Instrument
from grinder_resources.errors import BadDeclaration, OutOfRange

FILE_NAME = "instruments.yaml"
ANY_SYMBOL = "*"
_PACKAGED = Path(__file__).parent.parent / "contracts" / FILE_NAME
_FIELDS = {"tick_size", "lot_size", "session", "allow_locked"}

Entries = Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Listing:
    """An instrument as a source lists it; `allow_locked` says that bid = ask is a legal quote there."""

    instrument: Instrument
    allow_locked: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """(venue, symbol)."""
        return self.instrument.venue, self.instrument.symbol

    @property
    def facts(self) -> dict[str, str | bool]:
        """What decides how rows are counted, as JSON-ready facts."""
        return {
            "venue": self.instrument.venue,
            "symbol": self.instrument.symbol,
            "tick_size": str(self.instrument.tick_size),
            "lot_size": str(self.instrument.lot_size),
            "session": self.instrument.session,
            "allow_locked": self.allow_locked,
        }


@dataclass(frozen=True)
class Places:
    """Largest number of decimals seen in a source's prices and sizes."""

    price: int = 0
    size: int = 0

    def widen(self, other: "Places") -> "Places":
        """Return the larger of each."""
        return Places(max(self.price, other.price), max(self.size, other.size))


class Listings:
    """Resolves (venue, symbol) to a Listing and remembers inferred units in `pin_file`."""

    def __init__(self, landing: Path, pin_file: Path) -> None:
        self._pin_file = pin_file
        self._known = [(path, _read(path)) for path in (landing / FILE_NAME, _PACKAGED, pin_file)]

    def resolve(self, venue: str, symbol: str, infer: Callable[[], Places]) -> Listing:
        """Return the listing; `infer` is called only where no file names the instrument.

        Raises BadDeclaration for an entry without valid numbers, OutOfRange for a session or unit that is not one.
        """
        for path, entries in self._known:
            symbols = entries.get(venue, {})
            entry = symbols.get(symbol, symbols.get(ANY_SYMBOL))
            if entry is not None:
                return _listing(path, venue, symbol, entry)
        places = infer()
        entry = {"tick_size": _power(places.price), "lot_size": _power(places.size)}
        self._pin(venue, symbol, entry)
        return _listing(self._pin_file, venue, symbol, entry)

    def _pin(self, venue: str, symbol: str, entry: dict[str, str]) -> None:
        pinned = {name: dict(symbols) for name, symbols in _read(self._pin_file).items()}
        pinned.setdefault(venue, {})[symbol] = entry
        self._pin_file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._pin_file.with_name(f".{self._pin_file.name}.{os.getpid()}")
        fresh.write_text(yaml.safe_dump(pinned, sort_keys=True), encoding="utf-8")
        fresh.replace(self._pin_file)
        self._known[-1] = (self._pin_file, pinned)


def _power(places: int) -> str:
    return f"{Decimal(1).scaleb(-places):f}"


def _listing(path: Path, venue: str, symbol: str, entry: Mapping[str, Any]) -> Listing:
    where = f"{path}: {venue}: {symbol}"
    unknown = sorted(set(entry) - _FIELDS)
    locked = entry.get("allow_locked", False)
    if unknown or not isinstance(locked, bool):
        raise BadDeclaration(
            "an instrument entry has fields that are not understood",
            where=where,
            got=", ".join(unknown) or f"allow_locked: {locked!r}",
            expected=", ".join(sorted(_FIELDS)),
        )
    tick, lot = (_decimal(where, entry, name) for name in ("tick_size", "lot_size"))
    return Listing(Instrument(venue, symbol, tick, lot, str(entry.get("session", ALWAYS_OPEN))), locked)


def _decimal(where: str, entry: Mapping[str, Any], name: str) -> Decimal:
    try:
        value = Decimal(str(entry[name]))
    except (KeyError, InvalidOperation) as error:
        raise BadDeclaration(
            f"an instrument needs {name} as a decimal number",
            where=where,
            got=repr(entry.get(name)),
            expected='e.g. "0.01"',
        ) from error
    if value.is_finite() and not Decimal("1e-18") <= value <= Decimal("1e18"):
        raise OutOfRange(f"{name} is not one that 64-bit integers can count", where=where, got=str(value))
    return value


def _read(path: Path) -> Entries:
    return _parse(path, path.read_bytes()) if path.is_file() else {}


@cache
def _parse(path: Path, data: bytes) -> Entries:
    try:
        entries = yaml.safe_load(data) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadDeclaration("not a YAML file", where=str(path), got=str(error)) from error
    well_formed = isinstance(entries, dict) and all(
        isinstance(symbols, dict) and all(isinstance(entry, dict) for entry in symbols.values())
        for symbols in entries.values()
    )
    if not well_formed:
        raise BadDeclaration(
            "an instruments file maps venue to symbol to units",
            where=str(path),
            expected='e.g. binance: {BTCUSDT: {tick_size: "0.01", lot_size: "0.00001"}}',
        )
    return entries
