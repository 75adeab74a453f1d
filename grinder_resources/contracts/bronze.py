"""Bronze tables: what a source said, typed, in integer ticks and lots, nothing computed."""

import polars as pl

from grinder_resources.contracts.table import DAY, SYMBOL, TS, VENUE, Table, optional, required

EVENT = (
    DAY,
    VENUE,
    SYMBOL,
    TS,
    optional(
        "recv_ns", pl.Int64(), "local receive time, ns UTC; null where the source has none; never used in features"
    ),
    required("seq", pl.Int64(), "position in the source's own order; breaks ties of ts_ns"),
)
BY_TIME = ("venue", "symbol", "ts_ns", "seq")

TRADES = Table(
    name="bronze/trades",
    doc="Prints. Identical rows are distinct trades unless they carry the same trade_id.",
    columns=(
        *EVENT,
        required("price_ticks", pl.Int64(), "price in ticks of the instrument", at_least=1),
        required("size_lots", pl.Int64(), "size in lots of the instrument", at_least=1),
        required(
            "aggressor", pl.Int8(), "+1 buyer took the ask, -1 seller hit the bid, 0 unknown", at_least=-1, at_most=1
        ),
        optional("trade_id", pl.String(), "the venue's id; null where the source has none"),
    ),
    sort_by=BY_TIME,
)

QUOTES = Table(
    name="bronze/quotes",
    doc="Best bid and ask after each change. Never crossed; locked rows only where the venue's rule allows them.",
    columns=(
        *EVENT,
        required("bid_ticks", pl.Int64(), "best bid in ticks", at_least=1),
        required("bid_lots", pl.Int64(), "size at the best bid in lots", at_least=1),
        required("ask_ticks", pl.Int64(), "best ask in ticks", at_least=1),
        required("ask_lots", pl.Int64(), "size at the best ask in lots", at_least=1),
    ),
    sort_by=BY_TIME,
)

DEPTH_LEVELS = 20
"""Levels a side kept in `bronze/depth`; a thinner book gives shorter lists."""

_LEVELS = pl.List(pl.Int64())
DEPTH = Table(
    name="bronze/depth",
    doc=f"The book's best {DEPTH_LEVELS} levels a side, best first, after each update.",
    columns=(
        *EVENT,
        required("bid_ticks", _LEVELS, "bid prices in ticks, strictly descending"),
        required("bid_lots", _LEVELS, "bid sizes in lots, > 0, same length as bid_ticks"),
        required("ask_ticks", _LEVELS, "ask prices in ticks, strictly ascending"),
        required("ask_lots", _LEVELS, "ask sizes in lots, > 0, same length as ask_ticks"),
        required("is_snapshot", pl.Boolean(), "true where the source sent the whole book, false after a diff"),
    ),
    sort_by=BY_TIME,
)

GATE_SOURCE_HORIZONS_MIN = (5, 15, 30, 60, 90, 240, 360)
"""Forward horizons, in minutes, that gate files may carry."""

_FLOAT = pl.Float64()
GATES = Table(
    name="bronze/gates",
    doc="The gate stream, one row a gate evaluation; numbers as the source printed them.",
    columns=(
        *EVENT,
        required("hazard", _FLOAT, "share of adjacent bits that flip, 0..1"),
        optional("hazard_threshold", _FLOAT, "threshold in force at the row"),
        optional("lambda", _FLOAT, "the source's lambda"),
        required("admit", pl.Boolean(), "the source's decision"),
        required("reasons", pl.String(), "reasons joined by '|', empty when admitted"),
        required("regime", pl.String(), "mean_revert, neutral, chaotic, ..."),
        optional("regime_confidence", _FLOAT, "0..1"),
        optional("coherence", _FLOAT, "1 - entropy"),
        optional("stability", _FLOAT, "1 - hazard"),
        optional("entropy", _FLOAT, "bits, 0..1"),
        optional("repetitions", pl.Int64(), "equal signatures in the look-back, this one included"),
        optional("price_close", _FLOAT, "close of the gate's candle, quote currency"),
        optional("roc_prev_pct", _FLOAT, "percent change of the previous candle"),
        *(
            optional(f"roc_forward_{minutes}m_pct", _FLOAT, f"percent change over the next {minutes} minutes: a label")
            for minutes in GATE_SOURCE_HORIZONS_MIN
        ),
    ),
    sort_by=BY_TIME,
    key=("venue", "symbol", "ts_ns"),
)

ORDER_EVENTS = ("placed", "part", "filled", "cancelled")
"""What can happen to a limit order, in the order it may happen; `part` leaves something open, the last two end it."""

ORDERS = Table(
    name="bronze/orders",
    doc="Events of limit orders as their owner saw them, one row each; outcomes and times are put together in Gold.",
    columns=(
        *EVENT,
        required("order_id", pl.String(), "the order's id, unique together with venue and symbol"),
        required("event", pl.String(), f"one of {', '.join(ORDER_EVENTS)}"),
        required("side", pl.Int8(), "+1 buy, -1 sell", at_least=-1, at_most=1),
        required("price_ticks", pl.Int64(), "limit price in ticks", at_least=1),
        required("size_lots", pl.Int64(), "size of the whole order in lots", at_least=1),
        required("filled_lots", pl.Int64(), "lots filled so far, this event included", at_least=0),
        optional("fill_ticks", pl.Int64(), "price of this fill in ticks; null where the event is no fill", at_least=1),
    ),
    sort_by=BY_TIME,
    key=("venue", "symbol", "order_id", "event", "ts_ns", "filled_lots"),
)

LOG_MODES = ("shadow", "canary", "active")
"""How far a decision let signals into trading; what is off writes no log."""

_BPS, _SPACING = pl.Int32(), pl.Int32()
PREDICTIONS = Table(
    name="bronze/predictions",
    doc="Decisions of trading processes, one row each: what the model read, what it said, and whether that was used.",
    columns=(
        *EVENT,
        required("mode", pl.String(), f"one of {', '.join(LOG_MODES)}"),
        required("applied", pl.Boolean(), "whether policies were let use the signal"),
        required("refusal", pl.String(), "code of why not, or of why there is no signal; empty where all went well"),
        required(
            "model_hash", pl.String(), "hash of the model's graph, 16 hex characters; empty where none was loaded"
        ),
        optional(
            "low_bps", _BPS, "probability of LOW; null where the model gave no answer", at_least=0, at_most=10_000
        ),
        optional("mid_bps", _BPS, "probability of MID", at_least=0, at_most=10_000),
        optional("high_bps", _BPS, "probability of HIGH; the three sum to 10000", at_least=0, at_most=10_000),
        optional("spacing_x1000", _SPACING, "how wide a grid should be, 1000 = as it is", at_least=500, at_most=2_000),
        optional("features", pl.String(), "canonical JSON of the inputs as read; null where there is no answer"),
        optional("features_hash", pl.String(), "first 16 hex characters of the sha256 of `features`"),
    ),
    sort_by=BY_TIME,
)

INSTRUMENTS = Table(
    name="bronze/instruments",
    doc="Units in force on the day, one row an instrument that has rows that day.",
    columns=(
        DAY,
        VENUE,
        SYMBOL,
        required("tick_size", pl.String(), "decimal text; price = price_ticks x tick_size"),
        required("lot_size", pl.String(), "decimal text; size = size_lots x lot_size"),
        required("session", pl.String(), "'24x7' or 'HH:MM-HH:MM Area/City' in local time"),
    ),
    sort_by=("venue", "symbol"),
    key=("venue", "symbol"),
)

QUARANTINE = Table(
    name="bronze/quarantine",
    doc="Rows that were kept aside, with the reason. date is the day the row would have had, or the file's first day.",
    columns=(
        DAY,
        required("table", pl.String(), "table the row was meant for"),
        required("source", pl.String(), "file path relative to the landing folder"),
        required("line", pl.Int64(), "1-based line (or record) number in the decompressed file"),
        required("reason", pl.String(), "reason code, one of ingest.quarantine.REASONS"),
        required("raw", pl.String(), "the offending text, at most 500 characters"),
    ),
    sort_by=("source", "line", "table", "reason"),
)

INGEST_LOG = Table(
    name="bronze/ingest_log",
    doc="Conservation per source file and table: rows_in = rows_out + quarantined + deduplicated.",
    columns=(
        DAY,
        required("table", pl.String(), "table the rows were meant for"),
        required("source", pl.String(), "file path relative to the landing folder"),
        required("source_sha256", pl.String(), "sha256 of the file as it lies there"),
        required("rows_in", pl.Int64(), "records of this file that belong to this table and day", at_least=0),
        required("rows_out", pl.Int64(), "rows published", at_least=0),
        required("quarantined", pl.Int64(), "rows kept aside", at_least=0),
        required("deduplicated", pl.Int64(), "rows dropped as exact repeats of a row already there", at_least=0),
        required("reordered", pl.Int64(), "published rows that arrived late, within the allowed lateness", at_least=0),
    ),
    sort_by=("table", "source"),
    key=("table", "source"),
)

BRONZE = (TRADES, QUOTES, DEPTH, GATES, ORDERS, PREDICTIONS, INSTRUMENTS, QUARANTINE, INGEST_LOG)
"""Every Bronze table, in the order they are published."""
