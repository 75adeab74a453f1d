"""The pages on sources are run: the files they show are read, and the rows they show are what comes out."""

import re
from pathlib import Path

import polars as pl
import pytest

from grinder_resources.contracts.bronze import BRONZE, INGEST_LOG, QUARANTINE
from grinder_resources.ingest.bronze import bronze_day, stage_landing
from grinder_resources.ingest.limits import Limits
from grinder_resources.ingest.recognise import (
    BINANCE_RAW,
    GATE_STREAM,
    GRINDER_JSONL,
    ORDER_STREAM,
    PREDICTION_LOG,
    TARDIS,
    recognise,
)
from grinder_resources.ingest.staged import Staged

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "sources"
PAGES = {
    "tardis": TARDIS,
    "binance": BINANCE_RAW,
    "bot": GRINDER_JSONL,
    "gates": GATE_STREAM,
    "orders": ORDER_STREAM,
    "predictions": PREDICTION_LOG,
}
BLOCK = re.compile(r"```\w+ (file|rows)=(\S+)\n(.*?)```", re.DOTALL)
TABLES = {table.name: table for table in BRONZE}


def blocks(page: str, kind: str) -> dict[str, str]:
    """Return the page's files by name, or its rows by table."""
    text = (FOLDER / f"{page}.md").read_text(encoding="utf-8")
    return {name: content for found, name, content in BLOCK.findall(text) if found == kind}


def staged(page: str, folder: Path) -> Staged:
    """Stage the files of a page as if a reader had dropped them."""
    landing = folder / "landing"
    landing.mkdir()
    for name, content in blocks(page, "file").items():
        (landing / name).write_text(content, encoding="utf-8")
    return stage_landing(landing, folder / "staging", folder / "instruments.yaml")


def shown(rows: pl.DataFrame) -> str:
    """Return rows as the pages show them: lists in brackets, booleans small."""
    lists = [name for name, dtype in rows.schema.items() if isinstance(dtype, pl.List)]
    texts = [pl.format("[{}]", pl.col(name).cast(pl.List(pl.String())).list.join(" ")).alias(name) for name in lists]
    return rows.with_columns(texts).write_csv(quote_style="never")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_its_reader_makes(page: str, tmp_path: Path) -> None:
    """Every line of every example becomes the rows on the page, and none is set aside."""
    found = staged(page, tmp_path)
    expected = blocks(page, "rows")
    (day,) = found.days()
    formats = {recognise(path, path.name, Limits()).format for path in (tmp_path / "landing").iterdir()}
    assert formats == {PAGES[page]}
    assert expected
    for name, content in expected.items():
        rows = bronze_day(found, TABLES[name], day)
        assert shown(rows.select(content.splitlines()[0].split(","))) == content
    assert bronze_day(found, QUARANTINE, day).is_empty()
    delivered = bronze_day(found, INGEST_LOG, day).filter(pl.col("rows_out") > 0)
    assert set(delivered["table"]) == set(expected)
