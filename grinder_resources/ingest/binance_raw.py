"""Binance collector logs: one websocket message a line after the local receive time, spot or USD-M futures.

    <receive time, us or ns> {"stream": "...", "data": {...}}
    <receive time, us or ns> {"lastUpdateId": ..., "bids": [...], "asks": [...]}      an answer of the REST interface

Event times: trades T; book updates T on futures and E on spot; book tickers T on futures, estimated on spot (see
`clock`). A REST answer seeds the book and is no row itself: the first update that continues it is flagged as the
whole book. The receive clock may be wrong by seconds, so it is stored and never compared with anything.
"""

from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

from grinder_resources.contracts.bronze import DEPTH, DEPTH_LEVELS, QUOTES, TRADES
from grinder_resources.contracts.table import Table
from grinder_resources.errors import AmbiguousSource
from grinder_resources.ingest.book import BookChain, Levels, Outcome, Update
from grinder_resources.ingest.clock import ExchangeClock
from grinder_resources.ingest.exact import Grid, decimal_places
from grinder_resources.ingest.instruments import Listing, Places
from grinder_resources.ingest.limits import Limits
from grinder_resources.ingest.lines import Line, blocks, lines_of
from grinder_resources.ingest.quarantine import RowError
from grinder_resources.ingest.records import Candidates, RowBuffer
from grinder_resources.ingest.strict_json import line_fault, parse_line, parse_object, take, take_ms

VERSION = "binance_raw-1"
_BATCH = 20_000
_STAMP_FACTOR = {16: 1_000, 19: 1}
_TICKER = {"u", "b", "B", "a", "A"}
_PRINTS = {"trade": "t", "aggTrade": "a"}


class BinanceRawReader:
    """Reads the files of one symbol in the order they were recorded; book and clock run on from file to file."""

    def __init__(self, listing: Listing, limits: Limits, state: dict[str, Any]) -> None:
        self._symbol = listing.key[1]
        self._label = listing.instrument.label
        self._limits = limits
        self._ticks = Grid(listing.instrument.tick_size)
        self._lots = Grid(listing.instrument.lot_size)
        self._chain = BookChain(DEPTH_LEVELS, state.get("book", {}))
        self._clock = ExchangeClock(state.get("clock", {}))
        self._print_kind: str = state.get("print_kind", "")
        self._early: list[tuple[Line, int, dict[str, int]]] = []
        self._buffers = {table.name: RowBuffer(table, listing.key) for table in (TRADES, QUOTES, DEPTH)}

    def read(self, path: Path) -> Iterator[Candidates]:
        """Yield candidate rows; raises as `limits.pieces`, AmbiguousSource for mixed single and aggregate trades."""
        for block in blocks(path, self._limits):
            for line in lines_of(block):
                self._read_line(line)
            yield from self._full(_BATCH)
        self._settle(self._chain.finish())
        self._release_early()
        yield from self._full(1)

    def state(self) -> dict[str, Any]:
        """Return what the next file needs, as JSON-ready facts."""
        return {"book": self._chain.state(), "clock": self._clock.state(), "print_kind": self._print_kind}

    def _full(self, rows: int) -> Iterator[Candidates]:
        for buffer in self._buffers.values():
            if len(buffer) >= rows:
                yield buffer.take()

    def _read_line(self, line: Line) -> None:
        known: dict[str, Any] = {}
        try:
            stamp, _, body = line.data.partition(b" ")
            known = {"ts_ns": _receive_time(stamp)}
            message = parse_line(Line(line.number, body, line.cut, line.too_long))
            self._dispatch(line, known["ts_ns"], message)
        except RowError as bad:
            self._put(_meant_for(line.data), line, known, line_fault(line, bad))

    def _dispatch(self, line: Line, recv_ns: int, message: dict[str, Any]) -> None:
        if "lastUpdateId" in message:
            last = take(message, "lastUpdateId", int)
            self._settle(self._chain.snapshot(last, self._levels(message, "bids"), self._levels(message, "asks")))
            return
        data = take(message, "data", dict) if "stream" in message else message
        kind = data.get("e") or ("bookTicker" if set(data) >= _TICKER else None)
        if kind in _PRINTS:
            self._print(kind, line, recv_ns, self._own(data))
        elif kind == "bookTicker":
            self._ticker(line, recv_ns, self._own(data))
        elif kind == "depthUpdate":
            self._depth(line, recv_ns, self._own(data))
        elif kind is None and "result" not in message:
            raise RowError("missing_field")

    def _own(self, data: dict[str, Any]) -> dict[str, Any]:
        if take(data, "s", str) != self._symbol:
            raise RowError("foreign_row")
        return data

    def _print(self, kind: str, line: Line, recv_ns: int, data: dict[str, Any]) -> None:
        if self._print_kind not in {"", kind}:
            raise AmbiguousSource(
                "a collector log mixes single and aggregate trades, which are the same prints twice",
                where=f"{self._label}, line {line.number}",
                expected="one of the streams trade and aggTrade",
                hint="Record one of them, or remove the other from the log.",
            )
        self._print_kind = kind
        ts_ns = take_ms(data, "T")
        self._clock.see(recv_ns, take_ms(data, "E"))
        if data.get("X", "MARKET") != "MARKET":
            raise RowError("off_book")
        values = {
            "ts_ns": ts_ns,
            "recv_ns": recv_ns,
            "price_ticks": self._ticks[take(data, "p", str)],
            "size_lots": self._lots[take(data, "q", str)],
            # m: the buyer was the maker, so the seller was the aggressor.
            "aggressor": -1 if take(data, "m", bool) else 1,
            "trade_id": str(take(data, _PRINTS[kind], int)),
        }
        self._put(TRADES, line, values)

    def _ticker(self, line: Line, recv_ns: int, data: dict[str, Any]) -> None:
        update_id = take(data, "u", int)
        values = {
            "recv_ns": recv_ns,
            "bid_ticks": self._ticks[take(data, "b", str)],
            "bid_lots": self._lots[take(data, "B", str)],
            "ask_ticks": self._ticks[take(data, "a", str)],
            "ask_lots": self._lots[take(data, "A", str)],
        }
        if "T" in data:
            self._put(QUOTES, line, {**values, "ts_ns": take_ms(data, "T")})
        elif self._clock.ready:
            self._put(QUOTES, line, {**values, "ts_ns": self._clock.time_of(recv_ns, update_id)})
        else:
            self._early.append((line, update_id, values))

    def _release_early(self) -> None:
        """Time the tickers that came before the first exchange time: a clock without any reading can only guess."""
        for line, update_id, values in self._early:
            recv_ns = values["recv_ns"]
            if self._clock.ready:
                self._put(QUOTES, line, {**values, "ts_ns": self._clock.time_of(recv_ns, update_id)})
            else:
                self._put(QUOTES, line, {"ts_ns": recv_ns}, "out_of_range_time")
        self._early.clear()

    def _depth(self, line: Line, recv_ns: int, data: dict[str, Any]) -> None:
        futures = "pu" in data
        sent_ns = take_ms(data, "E")
        ts_ns = take_ms(data, "T") if futures else sent_ns
        last = take(data, "u", int)
        previous = take(data, "pu", int) if futures else take(data, "U", int) - 1
        self._clock.see(recv_ns, sent_ns)
        if self._early:
            self._release_early()
        self._clock.see_book(last, ts_ns)
        bids, asks = self._levels(data, "b"), self._levels(data, "a")
        self._settle(self._chain.update(Update(line.number, line.data, ts_ns, recv_ns, previous, last, bids, asks)))

    def _levels(self, data: dict[str, Any], name: str) -> Levels:
        ticks, lots = self._ticks, self._lots
        try:
            levels = [(ticks[price], lots[size]) for price, size in take(data, name, list)]
        except (TypeError, ValueError) as error:
            raise RowError("bad_levels") from error
        # Tuples sort by price first, so the least one has the lowest price.
        if levels and (min(levels)[0] <= 0 or min(map(itemgetter(1), levels)) < 0):
            raise RowError("not_positive")
        return levels

    def _settle(self, outcomes: Iterator[Outcome]) -> None:
        for update, top, reason in outcomes:
            values = top._asdict() if top else {}
            values["ts_ns"] = update.ts_ns
            values["recv_ns"] = update.recv_ns
            self._buffers[DEPTH.name].add(update.line, update.text, values, reason)

    def _put(self, table: Table, line: Line, values: dict[str, Any], reason: str | None = None) -> None:
        self._buffers[table.name].add(line.number, line.data, values, reason)


def scan_places(path: Path, limits: Limits, lines: int = 50_000) -> Places:
    """Return the largest number of decimals in the prices and sizes of a log's first lines."""
    prices: set[str] = set()
    sizes: set[str] = set()
    seen = 0
    for block in blocks(path, limits):
        for line in lines_of(block):
            seen += 1
            try:
                pairs = _pairs(parse_object(line.data.partition(b" ")[2]))
                prices.update(str(price) for price, _ in pairs)
                sizes.update(str(size) for _, size in pairs)
            except (RowError, ValueError, TypeError):
                continue
        if seen >= lines:
            break
    return Places(max(map(decimal_places, prices), default=0), max(map(decimal_places, sizes), default=0))


def _pairs(message: dict[str, Any]) -> list[Any]:
    data = message.get("data", message)
    if "p" in data:
        return [(data["p"], data["q"])]
    if "B" in data:
        return [(data["b"], data["B"]), (data["a"], data["A"])]
    return [*data.get("bids", data.get("b", [])), *data.get("asks", data.get("a", []))]


def _receive_time(stamp: bytes) -> int:
    factor = _STAMP_FACTOR.get(len(stamp))
    if factor is None or not stamp.isdigit():
        raise RowError("not_json")
    return int(stamp) * factor


def _meant_for(text: bytes) -> Table:
    if b"@bookTicker" in text:
        return QUOTES
    return TRADES if b"@trade" in text or b"@aggTrade" in text else DEPTH
