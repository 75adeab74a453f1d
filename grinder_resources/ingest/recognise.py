"""What one landing file is, told from its first lines; the name is never believed."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from grinder_resources.contracts.bronze import DEPTH, GATES, ORDERS, PREDICTIONS, QUOTES, TRADES
from grinder_resources.ingest import orders, tardis
from grinder_resources.ingest.limits import Limits
from grinder_resources.ingest.lines import head_lines

TARDIS = "tardis"
BINANCE_RAW = "binance_raw"
GRINDER_JSONL = "grinder_jsonl"
GATE_STREAM = "gates"
GATE_SUMMARY = "gate summary"
ORDER_STREAM = "orders"
PREDICTION_LOG = "predictions"

_LINES = 400
_TARDIS_NAME = re.compile(
    r"(?P<venue>[a-z0-9-]+)_(?:trades|quotes|book_snapshot_\d+)_\d{4}-\d\d-\d\d_(?P<symbol>[^.]+)\.csv(\.gz)?"
)
_COLLECTOR = re.compile(rb"(\d{16}|\d{19}) \{")
_FEATURES = {"mid_price", "natr_bps", "warmup_bars"}
_L2_FEATURES = {"impact_buy_topN_bps", "wall_bid_score_topN_x1000"}
_FEATURE_HINT = (
    "Dumped feature snapshots are results, not market rows: land the SNAPSHOT ticks they were computed from."
)
_DIFF_HINT = "Book diffs in Tardis form are not read: land book_snapshot_5 or book_snapshot_25 instead."
_ORDER_HINT = f"A CSV of orders has exactly the header {orders.HEADERS[0].decode()}; ts_ms may stand for ts_ns."


@dataclass(frozen=True)
class FileFacts:
    """What a file is.

    format
        A reader's name, GATE_SUMMARY, or '' if nothing recognises it (then `hint` may say what to do).
    venue, symbol
        What it is about; symbol is None where every row names its own instrument.
    tables
        Names of the Bronze tables it delivers.
    starts
        First receive time of a collector log, as written; 0 for formats whose files stand alone.
    """

    format: str
    venue: str = ""
    symbol: str | None = None
    tables: tuple[str, ...] = ()
    starts: int = 0
    hint: str = ""


_UNKNOWN = FileFacts("")


def recognise(path: Path, name: str, limits: Limits) -> FileFacts:
    """Return what the file at `path` is; raises as `limits.pieces` does if its first bytes cannot be decompressed."""
    lines = head_lines(path, limits, _LINES)
    if not lines:
        return _UNKNOWN
    if lines[0] in orders.HEADERS:
        return FileFacts(ORDER_STREAM, tables=(ORDERS.name,))
    if b"order_id" in lines[0].split(b","):
        return FileFacts("", hint=_ORDER_HINT)
    if lines[0].startswith(b"exchange,"):
        return _tardis(lines, name)
    collector = [line for line in lines if _COLLECTOR.match(line)]
    if collector:
        return _binance(collector)
    return _json(lines)


def _tardis(lines: list[bytes], name: str) -> FileFacts:
    header = lines[0].decode("utf-8", "replace")
    table = tardis.table_of(header)
    if table is None:
        return FileFacts("", hint=_DIFF_HINT if "is_snapshot" in header.split(",") else "")
    columns = header.split(",")
    rows = [cells for line in lines[1:] if len(cells := line.decode("utf-8", "replace").split(",")) == len(columns)]
    at_venue, at_symbol = columns.index("exchange"), columns.index("symbol")
    instruments = Counter((cells[at_venue], cells[at_symbol]) for cells in rows)
    named = _TARDIS_NAME.fullmatch(Path(name).name)
    fallback = (named["venue"], named["symbol"]) if named else ("", "")
    # A stray foreign row is quarantined later; the file is about what most of its first rows name.
    (venue, symbol), _ = max(instruments.items(), key=itemgetter(1), default=(fallback, 0))
    return FileFacts(TARDIS, venue, symbol, (table.name,)) if venue and symbol else _UNKNOWN


def _binance(lines: list[bytes]) -> FileFacts:
    """Futures messages carry `pu`, or an event name on the book ticker; spot ones carry neither."""
    symbols: Counter[str] = Counter()
    futures = False
    for line in lines:
        data = _record(line.partition(b" ")[2]).get("data", {})
        if isinstance(data, dict) and "s" in data:
            symbols[str(data["s"])] += 1
            futures = futures or "pu" in data or data.get("e") == "bookTicker"
    # A stray foreign line is quarantined later; a log that mixes symbols is another kind of file.
    symbol, count = max(symbols.items(), key=itemgetter(1), default=("", 0))
    if 2 * count <= symbols.total():
        return FileFacts("", hint="A collector log must be about one symbol: split it by symbol." if symbols else "")
    return FileFacts(
        BINANCE_RAW,
        "binance-futures" if futures else "binance",
        symbol,
        (TRADES.name, QUOTES.name, DEPTH.name),
        starts=int(lines[0].partition(b" ")[0].ljust(19, b"0")),
    )


def _json(lines: list[bytes]) -> FileFacts:
    hint = ""
    for line in lines:
        record = _record(line)
        if record.get("type") in ("SNAPSHOT", "l2_snapshot"):
            return FileFacts(GRINDER_JSONL, tables=(QUOTES.name, DEPTH.name))
        if record.get("type") == "order":
            return FileFacts(ORDER_STREAM, tables=(ORDERS.name,))
        if record.get("type") == "prediction":
            return FileFacts(PREDICTION_LOG, tables=(PREDICTIONS.name,))
        if "instrument" in record and {"hazard", "structure"} & set(record):
            return FileFacts(GATE_STREAM, tables=(GATES.name,))
        if set(record) >= _FEATURES or set(record) >= _L2_FEATURES:
            hint = _FEATURE_HINT
    text = b"\n".join(lines)
    if lines[0].startswith(b"{") and b'"regimes"' in text and b'"horizons"' in text:
        return FileFacts(GATE_SUMMARY)
    return FileFacts("", hint=hint)


def _record(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}
