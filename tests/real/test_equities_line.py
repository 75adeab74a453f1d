"""The main line on real data: five days of one US stock, from Tardis files to the walk-forward."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from grinder_resources.cli import main
from grinder_resources.contracts.bronze import INGEST_LOG, QUARANTINE, QUOTES, TRADES
from grinder_resources.contracts.events import LEVEL_EVENTS
from grinder_resources.contracts.reports import verdicts_table
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.lake import Lake
from grinder_resources.learning.specs import SPECS

TRADES_A_DAY = [24_057, 33_282, 26_872, 22_262, 19_123]
QUOTES_A_DAY = [38_587, 39_554, 43_635, 33_841, 31_573]
DAYS = [date(2013, 10, day) for day in range(7, 12)]


@pytest.fixture(scope="module")
def lake(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    root = tmp_path_factory.mktemp("equities")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("LAKE", "STAGING", "INSTRUMENTS", "WAREHOUSE", "REPORTS", "MODELS", "LANDING", "SYMBOLS"):
            patch.setenv(f"GRINDER_{name}", "")
            patch.delenv(f"GRINDER_{name}")
        patch.setenv("DAGSTER_HOME", str(root / "dagster"))
        options = ["--symbols", "IBM", "--data", str(root / "data"), "--models", str(root / "models")]
        assert main(["run", "--landing", str(real_data / "tardis"), *options]) == 0
    return Lake(str(root / "data" / "lake"))


def test_every_row_of_the_files_is_in_bronze(lake: Lake) -> None:
    """Counts are those of the files, identical prints are kept, nothing is set aside."""
    assert [lake.read(TRADES, day, day).height for day in DAYS] == TRADES_A_DAY
    assert [lake.read(QUOTES, day, day).height for day in DAYS] == QUOTES_A_DAY
    assert lake.read(INGEST_LOG)["rows_in"].sum() == sum(TRADES_A_DAY) + sum(QUOTES_A_DAY)
    assert lake.read(QUARANTINE).is_empty()


def test_snapshots_cover_the_session(lake: Lake) -> None:
    """One row a second from the first quote to the close, none before 13:30 or after 20:00 UTC."""
    seconds = lake.read(SNAPSHOTS).with_columns(at=pl.from_epoch("ts_ns", time_unit="ns"))
    per_day = seconds.group_by("date").agg(
        pl.len(), pl.col("at").min().alias("first"), pl.col("at").max().alias("last")
    )
    assert per_day["len"].min() >= 0.99 * 6.5 * 3600  # type: ignore[operator]
    assert {moment.strftime("%H:%M") for moment in per_day["first"]} == {"13:30"}
    assert {moment.strftime("%H:%M") for moment in per_day["last"]} <= {"19:59", "20:00"}


def test_events_are_plenty_and_labelled(lake: Lake) -> None:
    """Every day touches levels, and all three outcomes occur."""
    events = lake.read(LEVEL_EVENTS)
    assert events.group_by("date").len()["len"].min() >= 30  # type: ignore[operator]
    assert set(events["outcome"]) == {"BREAK", "BOUNCE", "CHOP"}


def test_the_walk_forward_judges_every_head(lake: Lake) -> None:
    """Both modes have a verdict in words for each of the fifteen heads, an edge or none."""
    verdicts = lake.read(verdicts_table("level_signals_stage_b_full"))
    heads = [head.name for head in SPECS["level_signals_stage_b_full"].heads]
    for mode in ("expanding", "rolling"):
        assert sorted(verdicts.filter(pl.col("mode") == mode)["head"]) == sorted(heads)
    assert verdicts.filter(pl.col("verdict").str.len_chars() == 0).is_empty()
