"""A failed run says what failed, why, what to do and how to go on; only what can pass by itself is tried again."""

import dagster as dg

from grinder_assets.failure_message import failure_message
from grinder_assets.failures import refusals_as_failures
from grinder_resources.errors import CommitConflict, CorruptFile, GrinderError


def run_of(error: Exception, tags: dict[str, str]) -> tuple[dg.ExecuteInProcessResult, str]:
    @dg.op(name="bronze__trades")
    def trades() -> None:
        with refusals_as_failures():
            raise error

    @dg.job(name="daily")
    def job() -> None:
        trades()

    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
        failures = [event for event in result.all_events if event.is_step_failure]
        return result, failure_message(result.dagster_run, failures)


def test_a_refusal_says_its_line_its_days_and_the_way_out() -> None:
    """Nobody has to open the log to know what to do."""
    tags = {
        "dagster/asset_partition_range_start": "2025-01-07",
        "dagster/asset_partition_range_end": "2025-01-09",
        "grinder/reason": "late_data",
    }
    result, message = run_of(CorruptFile("the file ends in the middle of a row", where="a.csv.gz"), tags)
    assert message.splitlines() == [
        f"daily failed for 2025-01-07 .. 2025-01-09: run {result.dagster_run.run_id}",
        "It ran because: late_data",
        "Step bronze__trades",
        "  CORRUPT_FILE: the file ends in the middle of a row (a.csv.gz)",
        "Do: docs/troubleshooting.md says what to do about CORRUPT_FILE; the line above names the place.",
        "Again: in the UI, Runs > this run > Re-execute from failure; days already made are skipped.",
    ]


def test_a_defect_is_called_one() -> None:
    """An error that is no refusal is ours, and its own words are shown."""
    _, message = run_of(ValueError("not this"), {})
    assert "  ValueError: not this" in message
    assert "Do: this is a defect of ours; please report it with the run's log." in message


def test_a_run_that_died_names_the_machine() -> None:
    """Without a failed step the process was killed."""
    run = dg.DagsterRun(job_name="daily", tags={"dagster/failure_reason": "START_TIMEOUT"})
    message = failure_message(run, [])
    assert "No step failed (START_TIMEOUT): its process died or never started." in message
    assert "Do: look at the memory and disk of the machine" in message


def test_an_overtaken_commit_is_tried_again_and_a_refusal_is_not() -> None:
    """The other writer is done a moment later; a corrupt file stays corrupt."""
    assert _kind(CommitConflict("another writer was first")) is dg.RetryRequested
    assert _kind(CorruptFile("torn")) is dg.Failure


def _kind(error: GrinderError) -> type[BaseException]:
    try:
        with refusals_as_failures():
            raise error
    except (dg.RetryRequested, dg.Failure) as raised:
        return type(raised)
    return type(None)  # type: ignore[return-value]
