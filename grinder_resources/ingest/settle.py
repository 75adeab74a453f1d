"""One UTC day of one table, settled over all files: repeats dropped, contradictions kept aside, order made total.

Identity: a trade with an id is identified by (venue, symbol, trade_id), a gate by (venue, symbol, ts_ns), an event of
an order by (venue, symbol, order_id, event, ts_ns, filled_lots), an answered decision by (venue, symbol, ts_ns, mode,
model_hash, features_hash). The first of equal rows stays and the others are counted; rows with one identity and
different content are all kept aside. Rows without an identity are never compared, because identical prints are distinct
trades. A file with the bytes of another is a repeat as a whole.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from grinder_resources.contracts.bronze import GATES, INGEST_LOG, ORDERS, PREDICTIONS, QUARANTINE, TRADES
from grinder_resources.contracts.table import Table
from grinder_resources.errors import ConservationBroken
from grinder_resources.ingest.quarantine import RAW_CHARACTERS, check_share
from grinder_resources.ingest.staged import Staged

_FILE, _LINE, _FATE = "_file", "_line", "_fate"
_KEPT, _REPEATED, _CONFLICTING = "kept", "repeated", "conflicting"
_SOURCE_ONLY = {"date", "seq", "recv_ns"}
_IDENTITY = {
    TRADES.name: ["venue", "symbol", "trade_id"],
    GATES.name: list(GATES.key),
    ORDERS.name: list(ORDERS.key),
    PREDICTIONS.name: ["venue", "symbol", "ts_ns", "mode", "model_hash", "features_hash"],
}
_SUMS = ("rows_in", "rows_out", "quarantined", "deduplicated", "reordered")


@dataclass(frozen=True)
class Settled:
    """One day of one table: its rows, those kept aside (`bronze/quarantine`) and the counts (`bronze/ingest_log`)."""

    rows: pl.DataFrame
    quarantine: pl.DataFrame
    log: pl.DataFrame


def settle(staged: Staged, table: Table, day: date) -> Settled:
    """Put one day of a table together.

    Raises ConservationBroken if a file's rows do not add up, TooManyQuarantined if too many contradict each other.
    """
    counts = staged.counts_of(table, day)
    indices = sorted(set(counts["file"].to_list()))
    rows = _judge(table, _gather(staged, table, day, indices))
    log = _log(staged, counts, _fates(rows))
    quarantine = _quarantine(staged, table, day, rows, indices)
    kept = rows.filter(pl.col(_FATE) == _KEPT).with_columns(pl.lit(day).alias("date")).select(table.schema.names())
    settled = Settled(table.conform(kept), quarantine, log)
    _check_conservation(table, day, settled)
    return settled


def settle_aside(staged: Staged, table: Table, day: date) -> Settled:
    """Return the same as `settle`, but empty rows: cheaper, because only tables with an identity have to be read."""
    if table.name in _IDENTITY:
        settled = settle(staged, table, day)
        return Settled(table.empty(), settled.quarantine, settled.log)
    counts = staged.counts_of(table, day)
    indices = sorted(set(counts["file"].to_list()))
    fates = [
        {_FILE: index, _FATE: _REPEATED if staged.files[index].copy else _KEPT, "len": rows_out}
        for index, rows_out in counts.group_by("file").agg(pl.col("rows_out").sum()).iter_rows()
    ]
    quarantine = pl.concat([QUARANTINE.empty(), *(staged.aside_of(index, table, day) for index in indices)])
    schema = {_FILE: pl.Int64(), _FATE: pl.String(), "len": pl.Int64()}
    return Settled(
        table.empty(), QUARANTINE.conform(quarantine), _log(staged, counts, pl.DataFrame(fates, schema=schema))
    )


def _gather(staged: Staged, table: Table, day: date, indices: list[int]) -> pl.DataFrame:
    """Return the rows of all files; `seq` goes on from file to file, so one file alone keeps its line numbers."""
    names = [name for name in table.schema.names() if name != "date"]
    schema = {name: table.schema[name] for name in names} | {_LINE: pl.Int64(), _FILE: pl.Int64(), _FATE: pl.String()}
    frames = [pl.DataFrame(schema=schema)]
    offset = 0
    for index in indices:
        rows, copy = staged.rows_of(index, table, day).select(names), staged.files[index].copy
        fate = pl.lit(_REPEATED if copy else _KEPT).alias(_FATE)
        frames.append(
            rows.with_columns(
                pl.col("seq").alias(_LINE), pl.lit(index, pl.Int64).alias(_FILE), fate, pl.col("seq") + offset
            )
        )
        last = rows["seq"].max()
        offset += last if isinstance(last, int) and not copy else 0
    return pl.concat(frames)


def _judge(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Decide the fate of rows that share an identity."""
    identity = _IDENTITY.get(table.name)
    if identity is None:
        return rows
    named = pl.col(identity[-1]).is_not_null() & (pl.col(_FATE) == _KEPT)
    keys = rows.filter(named).select(identity)
    if keys.n_unique() == keys.height:
        return rows
    content = pl.struct(name for name in table.schema.names() if name not in _SOURCE_ONLY)
    twice = named & pl.struct(identity).is_duplicated()
    rest, shared = rows.filter(~twice), rows.filter(twice)
    fate = (
        pl.when(content.n_unique().over(identity) > 1)
        .then(pl.lit(_CONFLICTING))
        .when(pl.int_range(pl.len()).over(identity) > 0)
        .then(pl.lit(_REPEATED))
        .otherwise(_FATE)
    )
    return pl.concat([rest, shared.with_columns(fate.alias(_FATE))])


def _fates(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by(_FILE, _FATE).len().cast({"len": pl.Int64})


def _log(staged: Staged, counts: pl.DataFrame, fates: pl.DataFrame) -> pl.DataFrame:
    """Return counts by file: what the reader saw and kept aside, and what became of the rows it let through."""
    how_many = {(index, fate): count for index, fate, count in fates.iter_rows()}
    entries = []
    for index, name, day, *sums in (
        counts.group_by("file", "table", "date").agg(pl.col(_SUMS).sum()).sort("file").iter_rows()
    ):
        rows_in, _, quarantined, deduplicated, reordered = sums
        kept, repeated, conflicting = (how_many.get((index, fate), 0) for fate in (_KEPT, _REPEATED, _CONFLICTING))
        entries.append(
            {
                "date": day,
                "table": name,
                "source": staged.files[index].source,
                "source_sha256": staged.files[index].sha256,
                "rows_in": rows_in,
                "rows_out": kept,
                "quarantined": quarantined + conflicting,
                "deduplicated": deduplicated + repeated,
                "reordered": min(reordered, kept),
            }
        )
    return INGEST_LOG.conform(pl.DataFrame(entries, schema=INGEST_LOG.schema))


def _quarantine(staged: Staged, table: Table, day: date, rows: pl.DataFrame, indices: list[int]) -> pl.DataFrame:
    frames = [QUARANTINE.empty(), *(staged.aside_of(index, table, day) for index in indices)]
    conflicting = rows.filter(pl.col(_FATE) == _CONFLICTING)
    for (index,), found in sorted(conflicting.partition_by(_FILE, as_dict=True).items()):
        source = staged.files[int(str(index))].source
        check_share(
            source,
            table.name,
            rows.filter(pl.col(_FILE) == index).height,
            {"conflicting_duplicate": found.height},
            staged.limits,
        )
        content = pl.struct(name for name in table.schema.names() if name not in _SOURCE_ONLY).struct.json_encode()
        frames.append(
            found.select(
                pl.lit(day).alias("date"),
                pl.lit(table.name).alias("table"),
                pl.lit(source).alias("source"),
                pl.col(_LINE).alias("line"),
                pl.lit("conflicting_duplicate").alias("reason"),
                content.str.slice(0, RAW_CHARACTERS).alias("raw"),
            )
        )
    return QUARANTINE.conform(pl.concat(frames))


def _check_conservation(table: Table, day: date, settled: Settled) -> None:
    log = settled.log
    broken = log.filter(pl.col("rows_in") != pl.col("rows_out") + pl.col("quarantined") + pl.col("deduplicated"))
    whole = settled.rows.height == log["rows_out"].sum() and settled.quarantine.height == log["quarantined"].sum()
    if broken.height or not whole:
        raise ConservationBroken(
            "rows in are not rows out + quarantined + deduplicated",
            where=f"{table.name} on {day}" + (f", {broken['source'][0]}" if broken.height else ""),
            got=f"{settled.rows.height} rows and {settled.quarantine.height} kept aside",
            expected=", ".join(f"{name} {log[name].sum()}" for name in _SUMS[:-1]),
            hint="Remove the staging folder and run again.",
        )
