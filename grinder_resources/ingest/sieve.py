"""The rules every source is held to, whatever its format: candidates in, good rows and rows kept aside out.

Each candidate gets the first reason that applies: what its reader found, then time, then the rules of its table, then
lateness. Rows that come late but within the allowed lateness stay (Bronze is sorted by time when a day is put
together) and are counted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from grinder_resources.contracts.bronze import DEPTH, GATES, ORDERS, PREDICTIONS, QUOTES, TRADES
from grinder_resources.contracts.calibration import CERTAIN_BPS, SPACING_LIMITS_X1000
from grinder_resources.contracts.table import Table
from grinder_resources.ingest.instruments import Listing
from grinder_resources.ingest.limits import Limits
from grinder_resources.ingest.quarantine import REPEAT
from grinder_resources.ingest.records import REASON, Candidates

EARLIEST_NS = 946_684_800_000_000_000
LATEST_NS = 4_102_444_800_000_000_000
NS_PER_MS = 1_000_000

_LATE = "_late"
_INSTRUMENT = ("venue", "symbol")
_MAY_BE_NULL = {"recv_ns", "trade_id"}

ASIDE = pl.Schema(
    {
        "venue": pl.String(),
        "symbol": pl.String(),
        "ts_ns": pl.Int64(),
        "line": pl.Int64(),
        "reason": pl.String(),
        "raw": pl.String(),
    }
)
"""Columns of rows kept aside; venue, symbol and ts_ns are null where the row does not say."""

Newest = dict[tuple[str, str, str], int]
"""(table, venue, symbol) -> newest event time seen, ns."""


@dataclass(frozen=True)
class Sifted:
    """Judged rows of one table.

    rows
        The table's columns without `date`, plus `_late` (true where the row came after a newer one).
    aside
        Columns of `ASIDE`; reason `repeat` marks rows that are already there.
    """

    table: Table
    rows: pl.DataFrame
    aside: pl.DataFrame


class Sieve:
    """Judges the candidates of one file in order; remembers the newest event of each table and instrument."""

    def __init__(self, listings: Iterable[Listing], limits: Limits, newest: Newest | None = None) -> None:
        self._may_lock = [list(listing.key) for listing in listings if listing.allow_locked]
        self._lateness_ns = limits.max_lateness_ms * NS_PER_MS
        self.newest: Newest = dict(newest or {})

    def sift(self, candidates: Candidates) -> Sifted:
        """Return the good rows, in file order, and the others with their reasons."""
        table = candidates.table
        judged = candidates.rows.with_columns(
            pl.coalesce(REASON, _time_rule(), *_rules(table, self._may_lock)).alias(REASON)
        )
        good = judged.filter(pl.col(REASON).is_null())
        good = self._mark_late(table, good)
        bad = pl.concat(
            [
                judged.filter(pl.col(REASON).is_not_null()),
                good.filter(pl.col(REASON).is_not_null()).drop(_LATE),
            ]
        )
        return Sifted(table, good.filter(pl.col(REASON).is_null()).drop(REASON), _aside(bad, candidates))

    def _mark_late(self, table: Table, good: pl.DataFrame) -> pl.DataFrame:
        if good.is_empty():
            return good.with_columns(pl.lit(False).alias(_LATE))
        one = all(good[name].n_unique() == 1 for name in _INSTRUMENT)
        groups = [good] if one else good.partition_by(_INSTRUMENT, maintain_order=True)
        return pl.concat([self._mark_one(table, group) for group in groups])

    def _mark_one(self, table: Table, group: pl.DataFrame) -> pl.DataFrame:
        key = (table.name, group["venue"][0], group["symbol"][0])
        before = self.newest.get(key, EARLIEST_NS)
        behind = pl.max_horizontal(pl.col("ts_ns").cum_max().shift(1, fill_value=before), pl.lit(before)) - pl.col(
            "ts_ns"
        )
        marked = group.with_columns(
            (behind > 0).alias(_LATE), pl.when(behind > self._lateness_ns).then(pl.lit("out_of_order")).alias(REASON)
        )
        self.newest[key] = max(before, _as_int(group["ts_ns"].max()))
        return marked


def _as_int(value: object) -> int:
    assert isinstance(value, int)
    return value


def _time_rule() -> pl.Expr:
    inside = pl.col("ts_ns").is_between(EARLIEST_NS, LATEST_NS, closed="left")
    return pl.when(~inside.fill_null(False)).then(pl.lit("out_of_range_time"))


def _rules(table: Table, may_lock: Sequence[Sequence[str]]) -> list[pl.Expr]:
    missing = [
        pl.col(column.name).is_null() for column in table.columns if not column.nullable and column.name != "date"
    ]
    rules: list[pl.Expr] = [pl.when(pl.any_horizontal(missing)).then(pl.lit("missing_field"))]
    if table == TRADES:
        rules.append(_not_positive("price_ticks", "size_lots"))
    if table == QUOTES:
        rules.append(_not_positive("bid_ticks", "bid_lots", "ask_ticks", "ask_lots"))
        rules.extend(_crossing(pl.col("bid_ticks"), pl.col("ask_ticks"), may_lock))
    if table == DEPTH:
        rules.extend(_book_rules())
        rules.extend(_crossing(pl.col("bid_ticks").list.first(), pl.col("ask_ticks").list.first(), may_lock))
    if table == ORDERS:
        rules.append(_not_positive("price_ticks", "size_lots", "fill_ticks"))
        rules.extend(_order_rules())
    if table == PREDICTIONS:
        rules.append(_bad_answer())
    if table == GATES:
        numbers = [pl.col(column.name).is_finite() for column in table.columns if column.dtype == pl.Float64()]
        rules.append(
            pl.when(~pl.all_horizontal(number.fill_null(True) for number in numbers)).then(pl.lit("not_finite"))
        )
    return rules


def _not_positive(*columns: str) -> pl.Expr:
    return pl.when(pl.min_horizontal(columns) <= 0).then(pl.lit("not_positive"))


def _crossing(bid: pl.Expr, ask: pl.Expr, may_lock: Sequence[Sequence[str]]) -> list[pl.Expr]:
    allowed = pl.any_horizontal(
        pl.lit(False), *((pl.col("venue") == venue) & (pl.col("symbol") == symbol) for venue, symbol in may_lock)
    )
    return [
        pl.when(bid > ask).then(pl.lit("crossed")),
        pl.when((bid == ask) & ~allowed).then(pl.lit("locked")),
    ]


def _book_rules() -> list[pl.Expr]:
    """Whole pairs, both sides, strictly descending bids and ascending asks, and everything positive."""
    paired = pl.all_horizontal(
        pl.col(f"{side}_ticks").list.len() == pl.col(f"{side}_lots").list.len() for side in ("bid", "ask")
    )
    filled = (pl.col("bid_ticks").list.len() > 0) & (pl.col("ask_ticks").list.len() > 0)
    steps = [pl.col("bid_ticks").list.diff().list.max() >= 0, pl.col("ask_ticks").list.diff().list.min() <= 0]
    unsorted = pl.any_horizontal(step.fill_null(False) for step in steps)
    smallest = pl.min_horizontal(pl.col(name).list.min() for name in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots"))
    return [
        pl.when(~(paired & filled) | unsorted).then(pl.lit("bad_levels")),
        pl.when(smallest <= 0).then(pl.lit("not_positive")),
    ]


def _order_rules() -> list[pl.Expr]:
    """Only a fill has a price, no worse than the limit; what is filled fits the event and the size."""
    event, filled, size = (pl.col(name) for name in ("event", "filled_lots", "size_lots"))
    is_fill, has_price = event.is_in(["part", "filled"]), pl.col("fill_ticks").is_not_null()
    fits = (
        pl.when(event == "placed")
        .then(filled == 0)
        .when(event == "filled")
        .then(filled == size)
        .otherwise(filled.is_between(is_fill.cast(pl.Int64), size - 1))
    )
    beyond = (pl.col("fill_ticks") - pl.col("price_ticks")) * pl.col("side") > 0
    return [
        pl.when(is_fill & ~has_price).then(pl.lit("missing_field")),
        pl.when(~fits | (has_price & ~is_fill) | beyond.fill_null(False)).then(pl.lit("bad_fill")),
    ]


def _bad_answer() -> pl.Expr:
    """Probabilities are not negative and sum to what is certain; a spacing lies within its limits."""
    probs, (narrowest, widest) = ("low_bps", "mid_bps", "high_bps"), SPACING_LIMITS_X1000
    whole = (pl.min_horizontal(probs) >= 0) & (pl.sum_horizontal(probs, ignore_nulls=False) == CERTAIN_BPS)
    fits = whole & pl.col("spacing_x1000").is_between(narrowest, widest)
    return pl.when(~fits).then(pl.lit("bad_answer"))  # null, and so no fault, where there is no answer


def _aside(bad: pl.DataFrame, candidates: Candidates) -> pl.DataFrame:
    if bad.is_empty():
        return pl.DataFrame(schema=ASIDE)
    quiet = bad[REASON] == REPEAT
    raw = [None if repeat else candidates.text_of(line) for line, repeat in zip(bad["seq"], quiet, strict=True)]
    dated = pl.when(pl.col("ts_ns").is_between(EARLIEST_NS, LATEST_NS, closed="left")).then("ts_ns")
    return bad.select(
        "venue",
        "symbol",
        dated.alias("ts_ns"),
        pl.col("seq").alias("line"),
        REASON,
        pl.Series("raw", raw, dtype=pl.String()),
    )
