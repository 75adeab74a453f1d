"""The main line and the use cases on real data: five days of one US stock, from Tardis files to verdicts."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from grinder_resources.cli import main
from grinder_resources.contracts.bronze import INGEST_LOG, QUARANTINE, QUOTES, TRADES
from grinder_resources.contracts.events import LEVEL_EVENTS
from grinder_resources.contracts.fill_report import FILL_SHARES
from grinder_resources.contracts.gold_grid import GRID_SWEEP
from grinder_resources.contracts.grid_report import SCORES
from grinder_resources.contracts.reports import verdicts_table
from grinder_resources.contracts.score_guard import POLICIES
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.contracts.toxicity_report import RANKING
from grinder_resources.lake import Lake
from grinder_resources.learning.specs import SPECS
from grinder_resources.usecases.grid_spacing.summary import promoted

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
        assert main(["use-cases", *options[2:]]) == 0
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


def test_grids_are_swept_over_every_session_and_narrow_ones_lose(lake: Lake) -> None:
    """75 windows a day; where lines are nearer than two maker fees, no round trip earns."""
    sweep = lake.read(GRID_SWEEP)
    assert sweep.group_by("date").agg(pl.col("ts_ns").n_unique())["ts_ns"].to_list() == [75] * 5
    narrow = sweep.filter(pl.col("spacing_x1000") == 3_000)
    assert narrow["round_trips"].sum() > 1_000
    assert narrow["round_trip_x1000"].max() == 0


def test_hindsight_earns_more_than_any_choice_that_can_be_made(lake: Lake) -> None:
    """The verdict is honest: the rules lose money, and what the model earns, if anything, is not shown to be more."""
    scores = lake.read(SCORES)
    earned = dict(scores.select("policy", "pnl").iter_rows())
    assert earned["hindsight"] == max(earned.values()) > 0
    assert earned["rules"] < earned["model"] < earned["hindsight"]
    assert earned["rules"] < earned["pause"] == 0
    assert not promoted(scores)


def test_toxic_minutes_are_ranked_by_what_came(lake: Lake) -> None:
    """The model ranks HIGH minutes far better than chance; real files have no hidden state to compare with."""
    ranking = lake.read(RANKING)
    assert set(ranking["against"]) == {"observed"}
    model = ranking.filter(pl.col("score") == "model", pl.col("question") == "HIGH in the next minute")
    assert model["low"].item() > 0.6


def test_farther_orders_fill_less_often(lake: Lake) -> None:
    """Observed and predicted shares fall with the distance at every horizon, and agree within ten points."""
    shares = lake.read(FILL_SHARES).filter(pl.col("by") == "distance")
    for _, horizon in shares.sort(pl.col("group").cast(pl.Int64)).group_by("horizon_s", maintain_order=True):
        assert horizon["predicted"].is_sorted(descending=True)
        assert horizon["observed"].is_sorted(descending=True)
    assert shares["gap"].abs().max() < 0.1  # type: ignore[operator]


def test_the_guard_says_why_it_is_not_promoted(lake: Lake) -> None:
    """Seven hours are too little for an interval, and after all costs nothing is earned."""
    verdicts = set(lake.read(POLICIES)["verdict"])
    assert len(verdicts) == 1
    assert all(verdict.startswith("no promotion: ") for verdict in verdicts)
