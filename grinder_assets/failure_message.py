"""What a person reads about a failed run: what failed, the line of the error, what to do, how to run it again."""

from collections.abc import Sequence

import dagster as dg

from grinder_assets.partitions import RANGE_END, RANGE_START
from grinder_assets.run_tags import DETAIL, REASON

_PARTITION = "dagster/partition"
_FAILURE_REASON = "dagster/failure_reason"


def failure_message(run: dg.DagsterRun, failures: Sequence[dg.DagsterEvent]) -> str:
    """Return the message about a failed run, a line a fact."""
    days = _days(run)
    lines = [f"{run.job_name} failed{f' for {days}' if days else ''}: run {run.run_id}"]
    why = run.tags.get(REASON)
    if why:
        lines.append(f"It ran because: {why}{f' ({run.tags[DETAIL]})' if DETAIL in run.tags else ''}")
    for line, steps in _by_line(failures).items():
        lines += [f"Step {', '.join(steps)}", f"  {line}"]
    if not failures:
        known = run.tags.get(_FAILURE_REASON)
        lines.append(
            f"No step failed{f' ({known})' if known else ''}: its process died or never started. "
            "Dagster tries such a run once again."
        )
    lines.append(f"Do: {_advice(failures)}")
    lines.append("Again: in the UI, Runs > this run > Re-execute from failure; days already made are skipped.")
    return "\n".join(lines)


def _by_line(failures: Sequence[dg.DagsterEvent]) -> dict[str, list[str]]:
    """Return the steps that failed with each line: a file that cannot be read stops every table it is for."""
    steps: dict[str, list[str]] = {}
    for event in failures:
        steps.setdefault(failure_line(event), []).append(str(event.step_key))
    return steps


def failure_line(event: dg.DagsterEvent) -> str:
    """Return the one line of a step's failure: the refusal, or what our own error says."""
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return " ".join(error.message.split()) if error else "no error was recorded"


def _advice(failures: Sequence[dg.DagsterEvent]) -> str:
    refused = [failure_line(event).split(":")[0] for event in failures if event.step_failure_data.user_failure_data]
    if refused:
        codes = ", ".join(dict.fromkeys(refused))
        return f"docs/troubleshooting.md says what to do about {codes}; the line above names the place."
    if failures:
        return "this is a defect of ours; please report it with the run's log."
    return "look at the memory and disk of the machine, then at the log of the code server."


def _days(run: dg.DagsterRun) -> str:
    if RANGE_START in run.tags:
        return f"{run.tags[RANGE_START]} .. {run.tags[RANGE_END]}"
    return run.tags.get(_PARTITION, "")
