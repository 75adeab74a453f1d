"""Writes the staged Parquet parts of one file and counts what went where."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import polars as pl

from grinder_resources.contracts.bronze import DEPTH
from grinder_resources.errors import CorruptFile, OutOfRange
from grinder_resources.ingest.quarantine import REPEAT
from grinder_resources.ingest.sieve import Sifted

_ROWS_PER_PART = 1_000_000
_DEPTH_ROWS_PER_PART = 100_000
_MOST = 1 << 62
_KEYS = ("date", "venue", "symbol")
QUARANTINE_SCHEMA = pl.Schema(
    {
        "date": pl.Date(),
        "table": pl.String(),
        "venue": pl.String(),
        "symbol": pl.String(),
        "line": pl.Int64(),
        "reason": pl.String(),
        "raw": pl.String(),
    }
)


def day_of(ts_ns: str = "ts_ns") -> pl.Expr:
    """Return the UTC day of a column of ns since the epoch."""
    return pl.from_epoch(pl.col(ts_ns), time_unit="ns").dt.date().alias("date")


class PartWriter:
    """Takes sifted rows in file order; a table's rows of one day are written whenever enough have gathered."""

    def __init__(self, folder: Path, source: str) -> None:
        self._folder = folder
        self._source = source
        self._waiting: dict[tuple[str, str], list[pl.DataFrame]] = defaultdict(list)
        self._parts: Counter[tuple[str, str]] = Counter()
        self._turnover: Counter[tuple[str, str]] = Counter()
        self._counts: list[pl.DataFrame] = []
        self._aside: list[pl.DataFrame] = []

    def add(self, sifted: Sifted) -> None:
        """Take rows of one table; raises OutOfRange where sums of price x size would leave 64-bit integers."""
        rows = sifted.rows.with_columns(day_of())
        self._counts.append(_count_rows(sifted.table.name, rows))
        self._aside.append(sifted.aside.with_columns(day_of(), pl.lit(sifted.table.name).alias("table")))
        for (day,), group in rows.drop("_late").partition_by("date", as_dict=True, maintain_order=True).items():
            place = (sifted.table.name, str(day))
            self._guard(place, group)
            waiting = self._waiting[place]
            waiting.append(group.drop("date"))
            most = _DEPTH_ROWS_PER_PART if sifted.table == DEPTH else _ROWS_PER_PART
            if sum(frame.height for frame in waiting) >= most:
                self._flush(place)

    def finish(self) -> dict[str, Any]:
        """Write what is left and return the facts of `done.json`.

        Raises CorruptFile if the file has bad rows and not one row, good or bad, that says its day.
        """
        for place in list(self._waiting):
            self._flush(place)
        aside = self._dated(pl.concat(self._aside)) if self._aside else pl.DataFrame(schema=QUARANTINE_SCHEMA)
        bad = aside.filter(pl.col("reason") != REPEAT).select(QUARANTINE_SCHEMA.names())
        bad.write_parquet(self._folder / "quarantine.parquet")
        counts = pl.concat([*self._counts, _count_aside(aside)]) if self._counts else _count_aside(aside)
        totals = counts.group_by("table", *_KEYS).agg(
            pl.col("rows_in", "rows_out", "quarantined", "deduplicated", "reordered").sum(),
            pl.col("first_ts_ns").min(),
            pl.col("last_ts_ns").max(),
            pl.col("last_line").max(),
        )
        entries = totals.with_columns(pl.col("date").cast(pl.String)).sort("table", *_KEYS).to_dicts()
        reasons: dict[str, Counter[str]] = defaultdict(Counter)
        for table, reason in bad.select("table", "reason").iter_rows():
            reasons[table][reason] += 1
        return {"counts": entries, "reasons": reasons}

    def _flush(self, place: tuple[str, str]) -> None:
        table, day = place
        folder = self._folder / table.rpartition("/")[2] / day
        folder.mkdir(parents=True, exist_ok=True)
        frames = self._waiting.pop(place)
        pl.concat(frames).write_parquet(
            folder / f"{self._parts[place]:05d}.parquet", compression="zstd", compression_level=1
        )
        self._parts[place] += 1

    def _dated(self, aside: pl.DataFrame) -> pl.DataFrame:
        first = min((day for frame in (*self._counts, aside) if (day := frame["date"].min()) is not None), default=None)
        if first is None and aside.height:
            raise CorruptFile(
                "not one row of the file says when it happened",
                where=self._source,
                got=f"{aside.height} rows, the first {aside['reason'][0]}: {aside['raw'][0]!r}",
                hint="Look at the file: it has the form of a source and not its content.",
            )
        return aside.with_columns(pl.col("date").fill_null(pl.lit(first, dtype=pl.Date)))

    def _guard(self, place: tuple[str, str], rows: pl.DataFrame) -> None:
        """Raise OutOfRange unless sums of price x size over a day fit int64 with room to spare."""
        if "size_lots" in rows.columns:
            turnover = (pl.col("price_ticks").cast(pl.Float64) * pl.col("size_lots")).sum()
        elif "bid_ticks" in rows.columns:
            columns = [pl.col(name) for name in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")]
            nested = isinstance(rows.schema["bid_ticks"], pl.List)
            bid, bid_size, ask, ask_size = (column.list.max() if nested else column for column in columns)
            depth = 20 if nested else 1
            turnover = (
                pl.max_horizontal(bid, ask).cast(pl.Float64) * pl.max_horizontal(bid_size, ask_size) * 2 * depth
            ).max()
        else:
            return
        value = int(rows.select(turnover).item() or 0)
        self._turnover[place] = self._turnover[place] + value if "size_lots" in rows.columns else value
        if self._turnover[place] > _MOST:
            raise OutOfRange(
                "price x size in ticks and lots leaves 64-bit integers",
                where=f"{self._source} for {place[0]} on {place[1]}",
                got=f"about {self._turnover[place]:.1e}",
                expected=f"at most {_MOST:.1e}",
                hint="Choose a coarser tick_size or lot_size in instruments.yaml.",
            )


def _count_rows(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by(_KEYS).agg(
        pl.lit(table).alias("table"),
        pl.len().cast(pl.Int64).alias("rows_in"),
        pl.len().cast(pl.Int64).alias("rows_out"),
        pl.lit(0, pl.Int64).alias("quarantined"),
        pl.lit(0, pl.Int64).alias("deduplicated"),
        pl.col("_late").sum().cast(pl.Int64).alias("reordered"),
        pl.col("ts_ns").min().alias("first_ts_ns"),
        pl.col("ts_ns").max().alias("last_ts_ns"),
        pl.col("seq").max().alias("last_line"),
    )


def _count_aside(aside: pl.DataFrame) -> pl.DataFrame:
    repeat = pl.col("reason") == REPEAT
    return (
        aside.group_by(*_KEYS, "table", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("rows_in"),
            pl.lit(0, pl.Int64).alias("rows_out"),
            (~repeat).sum().cast(pl.Int64).alias("quarantined"),
            repeat.sum().cast(pl.Int64).alias("deduplicated"),
            pl.lit(0, pl.Int64).alias("reordered"),
            pl.lit(None, pl.Int64).alias("first_ts_ns"),
            pl.lit(None, pl.Int64).alias("last_ts_ns"),
            pl.lit(None, pl.Int64).alias("last_line"),
        )
        .select(
            *_KEYS,
            "table",
            "rows_in",
            "rows_out",
            "quarantined",
            "deduplicated",
            "reordered",
            "first_ts_ns",
            "last_ts_ns",
            "last_line",
        )
    )
