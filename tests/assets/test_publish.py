"""The publish loop: what a failing range leaves behind, what a second run does, what a check prevents."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from grinder_assets.metadata import column_lineage
from grinder_assets.publish import DayCheck, DayPlan, Verdict, publish_days
from grinder_assets.tables import daily_asset, upstream_hashes
from grinder_resources.contracts.silver import BARS
from grinder_resources.contracts.table import DAY, Table, required
from grinder_resources.dagster import LakeResource
from grinder_resources.errors import NoData, PartitionMissing
from grinder_resources.lake import Lake

NUMBERS = Table("silver/numbers", "A number a day.", (DAY, required("n", pl.Int64(), "a number", at_least=0)), ("n",))
FIRST, LAST = "2025-01-06", "2025-01-10"
RANGE = {"dagster/asset_partition_range_start": FIRST, "dagster/asset_partition_range_end": LAST}

Build = Callable[[date], pl.DataFrame]


@dataclass(frozen=True)
class Outcome:
    """What a run left in Dagster's event log."""

    success: bool
    events: list[dg.DagsterEvent]


def one_row(day: date) -> pl.DataFrame:
    return pl.DataFrame({"date": [day], "n": [day.day]}, schema=NUMBERS.schema)


def asset(build: Build, checks: tuple[DayCheck, ...] = (), code_version: str = "1") -> dg.AssetsDefinition:
    @daily_asset(NUMBERS, code_version=code_version, checks=checks)
    def numbers(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
        return publish_days(context, lake.open(), DayPlan(NUMBERS, code_version, lambda _day: {}, build, checks))

    return numbers


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[dg.AssetsDefinition], Outcome]]:
    instance = dg.DagsterInstance.ephemeral(tempdir=str(tmp_path))

    def materialize(definition: dg.AssetsDefinition) -> Outcome:
        resources = {"lake": LakeResource(root=str(tmp_path / "lake"))}
        result = dg.materialize([definition], instance=instance, resources=resources, tags=RANGE, raise_on_error=False)
        return Outcome(
            result.success, [entry.dagster_event for entry in instance.all_logs(result.run_id) if entry.dagster_event]
        )

    yield materialize
    instance.dispose()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def fails_on_day_four(day: date) -> pl.DataFrame:
    if day == date(2025, 1, 9):
        raise NoData("no rows", where="a file")
    return one_row(day)


def recorded(outcome: Outcome) -> list[str]:
    return [event.partition or "" for event in outcome.events if event.is_step_materialization]


def failure(outcome: Outcome) -> str:
    (event,) = [event for event in outcome.events if event.is_step_failure]
    return str(event.step_failure_data.user_failure_data.description)


def metadata(outcome: Outcome, name: str) -> Any:
    events = [event for event in outcome.events if event.is_step_materialization]
    return events[-1].materialization.metadata[name].value


def test_a_range_that_fails_on_day_four_keeps_three(run: Any, lake: Lake) -> None:
    """Three days are committed and recorded, and the failure is the library's one line."""
    result = run(asset(fails_on_day_four))
    assert not result.success
    assert [day.day for day in lake.days(NUMBERS.name)] == [6, 7, 8]
    assert recorded(result) == ["2025-01-06", "2025-01-07", "2025-01-08"]
    assert failure(result) == "NO_DATA: no rows (a file)"


def test_a_failed_range_resumes(run: Any, lake: Lake) -> None:
    """The next run rewrites only what is missing and records all five days."""
    run(asset(fails_on_day_four))
    result = run(asset(one_row))
    assert result.success
    assert recorded(result) == ["2025-01-06", "2025-01-07", "2025-01-08", "2025-01-09", "2025-01-10"]
    assert metadata(result, "rewritten") == "2 of 5 days rewritten"
    assert lake.read(NUMBERS)["n"].to_list() == [6, 7, 8, 9, 10]


def test_an_unchanged_range_is_skipped(run: Any, lake: Lake) -> None:
    """Materialising twice rewrites nothing and changes no logical hash."""
    run(asset(one_row))
    before = lake.stamps(NUMBERS.name)
    result = run(asset(one_row))
    assert metadata(result, "rewritten") == "0 of 5 days rewritten"
    assert lake.stamps(NUMBERS.name) == before


def test_changed_code_rebuilds_to_the_same_hash(run: Any, lake: Lake) -> None:
    """Another code version rebuilds every day; equal rows keep their logical hash."""
    run(asset(one_row))
    before = {day: stamp.logical_sha256 for day, stamp in lake.stamps(NUMBERS.name).items()}
    result = run(asset(one_row, code_version="2"))
    assert metadata(result, "rewritten") == "5 of 5 days rewritten"
    assert {day: stamp.logical_sha256 for day, stamp in lake.stamps(NUMBERS.name).items()} == before


def test_a_damaged_day_is_rebuilt(run: Any, lake: Lake) -> None:
    """A day whose file was lost is not taken for unchanged."""
    run(asset(one_row))
    for file in lake.files(NUMBERS.name, date(2025, 1, 7)):
        Path(file).unlink()
    assert metadata(run(asset(one_row)), "rewritten") == "1 of 5 days rewritten"
    assert lake.read(NUMBERS)["n"].to_list() == [6, 7, 8, 9, 10]


def test_a_failing_check_publishes_nothing_of_the_day(run: Any, lake: Lake) -> None:
    """The bad day is not committed, the days before it are, and the check shows as failed with its numbers."""
    small = DayCheck(
        "small", "numbers are below 8", lambda rows, _day: Verdict(rows["n"].max() < 8, {"max": rows["n"].max()})
    )
    result = run(asset(one_row, (small,)))
    assert not result.success
    assert [day.day for day in lake.days(NUMBERS.name)] == [6, 7]
    assert "check 'small' refused the day: numbers are below 8" in failure(result)
    (evaluation,) = [event for event in result.events if event.event_type_value == "ASSET_CHECK_EVALUATION"]
    assert not evaluation.asset_check_evaluation_data.passed
    assert "| 2025-01-08 | False | 8 |" in evaluation.asset_check_evaluation_data.metadata["days"].value


def test_per_day_facts_are_recorded(run: Any) -> None:
    """Every day of a range carries its own row count and logical hash."""
    result = run(asset(one_row))
    counts = {
        event.partition: event.materialization.metadata["dagster/partition_row_count"].value
        for event in result.events
        if event.is_step_materialization
    }
    assert counts == {f"2025-01-{day:02}": 1 for day in (6, 7, 8, 9, 10)}


def test_what_a_check_counted_is_there_to_draw(run: Any) -> None:
    """Counts of all days are numbers of the check, beside its table of days; words stay in the table."""
    small = DayCheck("small", "rule", lambda rows, _day: Verdict(True, {"n": rows["n"].sum(), "note": "fine"}))
    evaluation = next(
        event.asset_check_evaluation_data
        for event in run(asset(one_row, (small,))).events
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION
    )
    assert set(evaluation.metadata) == {"n", "days"}
    assert evaluation.metadata["n"].value == 6 + 7 + 8 + 9 + 10


def test_the_newest_day_carries_the_lineage_of_its_columns(tmp_path: Path) -> None:
    """Once a run, and under Dagster's own name; a table nothing is known of has none."""
    lineage = column_lineage(BARS)["dagster/column_lineage"].deps_by_column
    assert {(dep.asset_key.to_user_string(), dep.column_name) for dep in lineage["buy_lots"]} == {
        ("bronze/trades", "size_lots"),
        ("bronze/trades", "aggressor"),
    }
    assert column_lineage(NUMBERS) == {}

    @daily_asset(BARS, code_version="1")
    def bars(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
        return publish_days(context, lake.open(), DayPlan(BARS, "1", lambda _day: {}, lambda _day: BARS.empty()))

    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        resources = {"lake": LakeResource(root=str(tmp_path / "lake"))}
        result = dg.materialize([bars], instance=instance, resources=resources, tags=RANGE)
    events = result.asset_materializations_for_node("silver__bars")
    assert [event.partition for event in events if "dagster/column_lineage" in event.metadata] == [LAST]


def test_a_day_is_not_built_on_a_hole(lake: Lake) -> None:
    """An upstream day that was never committed is named."""
    lake.commit(NUMBERS, one_row(date(2025, 1, 6)), day=date(2025, 1, 6), code_version="1")
    with pytest.raises(PartitionMissing, match="silver/numbers/date=2025-01-07"):
        upstream_hashes(lake, [NUMBERS], date(2025, 1, 7), date(2025, 1, 7))
