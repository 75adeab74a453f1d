"""The source formats, as staging sees them: one entry per reader, all with the same four answers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from grinder_resources.errors import UnknownName
from grinder_resources.ingest import binance_raw, gates, grinder_jsonl, orders, predictions, tardis
from grinder_resources.ingest.instruments import Listing, Places
from grinder_resources.ingest.landing import Feed, LandingFile
from grinder_resources.ingest.limits import Limits
from grinder_resources.ingest.recognise import (
    BINANCE_RAW,
    GATE_STREAM,
    GRINDER_JSONL,
    ORDER_STREAM,
    PREDICTION_LOG,
    TARDIS,
)
from grinder_resources.ingest.records import MARKET_TABLES, Candidates

ListingMap = Mapping[tuple[str, str], Listing]
State = dict[str, Any]
ReadPlain = Callable[[Path, Limits], Iterator[Candidates]]
ReadLines = Callable[[Path, ListingMap, Limits], Iterator[Candidates]]
Scan = Callable[[Path, Limits], Mapping[tuple[str, str], Places]]


class Reader(Protocol):
    """Reads the files of one feed in order."""

    def read(self, file: LandingFile) -> Iterator[Candidates]:
        """Yield the candidate rows of a file."""
        ...

    def state(self) -> State:
        """Return what the next file of a chained feed needs to know, as JSON-ready facts; {} if files stand alone."""
        ...


@dataclass(frozen=True)
class Format:
    """One source format.

    version
        Changes whenever the same bytes would give other rows.
    chained
        Whether a file continues the state of the file before it.
    instruments
        The instruments that need units, each with the way to infer them from the feed.
    reader
        Makes a reader from units, limits and the state left by the file before ({} for none).
    """

    version: str
    chained: bool
    instruments: Callable[[Feed, Limits], Mapping[tuple[str, str], Callable[[], Places]]]
    reader: Callable[[ListingMap, Limits, State], Reader]


def format_of(feed: Feed) -> Format:
    """Return the format of a feed."""
    try:
        return FORMATS[feed.format]
    except KeyError as error:
        raise UnknownName("no reader has this name", got=feed.format, expected=", ".join(FORMATS)) from error


class _Tardis:
    def __init__(self, listings: ListingMap, limits: Limits, _: State) -> None:
        self._listings = listings
        self._limits = limits

    def read(self, file: LandingFile) -> Iterator[Candidates]:
        facts = file.facts
        return tardis.read(
            file.path, MARKET_TABLES[facts.tables[0]], self._listings[facts.venue, facts.symbol or ""], self._limits
        )

    def state(self) -> State:
        return {}


def _tardis_instruments(feed: Feed, limits: Limits) -> dict[tuple[str, str], Callable[[], Places]]:
    def infer() -> Places:
        firsts = {file.facts.tables[0]: file for file in reversed(feed.files)}
        places = Places()
        for name, file in firsts.items():
            places = places.widen(tardis.scan_places(file.path, MARKET_TABLES[name], limits))
        return places

    return {(feed.venue, feed.symbol or ""): infer}


class _BinanceRaw:
    def __init__(self, listings: ListingMap, limits: Limits, state: State) -> None:
        (listing,) = listings.values()
        self._reader = binance_raw.BinanceRawReader(listing, limits, state)

    def read(self, file: LandingFile) -> Iterator[Candidates]:
        return self._reader.read(file.path)

    def state(self) -> State:
        return self._reader.state()


def _binance_instruments(feed: Feed, limits: Limits) -> dict[tuple[str, str], Callable[[], Places]]:
    return {(feed.venue, feed.symbol or ""): lambda: binance_raw.scan_places(feed.files[0].path, limits)}


class _ByLine:
    """Reads files whose every line names its instrument, by a function of path, units and limits."""

    def __init__(self, read: ReadLines, listings: ListingMap, limits: Limits, _: State) -> None:
        self._read = read
        self._listings = listings
        self._limits = limits

    def read(self, file: LandingFile) -> Iterator[Candidates]:
        return self._read(file.path, self._listings, self._limits)

    def state(self) -> State:
        return {}


def _named_by_line(scan: Scan, feed: Feed, limits: Limits) -> dict[tuple[str, str], Callable[[], Places]]:
    found: dict[tuple[str, str], Places] = {}
    for file in feed.files:
        for key, places in scan(file.path, limits).items():
            # Units come from the first file that names the instrument; finer prices later are quarantined.
            found.setdefault(key, places)
    return {key: partial(found.__getitem__, key) for key in found}


class _WithoutUnits:
    """Reads files that hold no price and no size, by a function of path and limits."""

    def __init__(self, read: ReadPlain, _listings: ListingMap, limits: Limits, _: State) -> None:
        self._read = read
        self._limits = limits

    def read(self, file: LandingFile) -> Iterator[Candidates]:
        return self._read(file.path, self._limits)

    def state(self) -> State:
        return {}


def _no_instruments(_feed: Feed, _limits: Limits) -> dict[tuple[str, str], Callable[[], Places]]:
    return {}


def _without_units(version: str, read: ReadPlain) -> Format:
    return Format(version, chained=False, instruments=_no_instruments, reader=partial(_WithoutUnits, read))


def _by_line(version: str, scan: Scan, read: ReadLines) -> Format:
    return Format(version, chained=False, instruments=partial(_named_by_line, scan), reader=partial(_ByLine, read))


FORMATS = {
    BINANCE_RAW: Format(binance_raw.VERSION, chained=True, instruments=_binance_instruments, reader=_BinanceRaw),
    GATE_STREAM: _without_units(gates.VERSION, gates.read),
    GRINDER_JSONL: _by_line(grinder_jsonl.VERSION, grinder_jsonl.scan_instruments, grinder_jsonl.read),
    ORDER_STREAM: _by_line(orders.VERSION, orders.scan_instruments, orders.read),
    PREDICTION_LOG: _without_units(predictions.VERSION, predictions.read),
    TARDIS: Format(tardis.VERSION, chained=False, instruments=_tardis_instruments, reader=_Tardis),
}
"""Every format, by the name `recognise` gives it."""
