"""How a daily asset publishes: day by day, checked before it is committed, recorded even if a later day fails.

Dagster records a ranged run as a whole or not at all; the lake commits day by day. `publish_days` keeps the two
together: when day 4 of 5 fails, three days are committed and three materialisations are recorded, and the next run
skips what is still true.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from grinder_assets.failures import in_dagster
from grinder_assets.metadata import column_lineage, day_metadata, run_metadata, verdict_metadata
from grinder_resources.contracts.table import Table
from grinder_resources.errors import CheckFailed, GrinderError
from grinder_resources.lake import Commit, Lake, fingerprint
from grinder_resources.progress import track


@dataclass(frozen=True)
class Verdict:
    """What one check says of one day: `facts` are short numbers or texts for the table in the UI."""

    passed: bool
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DayCheck:
    """A blocking check: a day that fails it is not committed. `rule` is the statement that must hold."""

    name: str
    rule: str
    judge: Callable[[pl.DataFrame, date], Verdict]


@dataclass(frozen=True)
class DayPlan:
    """How one table is built.

    upstream
        Day -> hashes of everything the day's rows depend on.
    build
        Day -> rows that conform to `table`.
    """

    table: Table
    code_version: str
    upstream: Callable[[date], Mapping[str, str]]
    build: Callable[[date], pl.DataFrame]
    checks: Sequence[DayCheck] = ()


@dataclass
class _Ledger:
    """What has happened so far in this run."""

    commits: dict[date, Commit] = field(default_factory=dict)
    rewritten: int = 0
    verdicts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def check_specs(key: dg.AssetKey, checks: Sequence[DayCheck]) -> list[dg.AssetCheckSpec]:
    """Return the declarations of blocking checks that Dagster shows beside an asset."""
    return [dg.AssetCheckSpec(check.name, asset=key, description=check.rule, blocking=True) for check in checks]


def publish_days(context: dg.AssetExecutionContext, lake: Lake, plan: DayPlan) -> dg.MaterializeResult:
    """Build, check and commit every day of the run; return what to show.

    Raises dg.Failure with the error's one line. The days finished before it are committed and recorded.
    """
    days = [date.fromisoformat(key) for key in context.partition_keys]
    ledger = _Ledger()
    try:
        for day in track(days, desc=plan.table.name):
            _publish_day(lake, plan, day, ledger)
    except GrinderError as error:
        _record(context, ledger)
        raise in_dagster(error, {"finished_days": len(ledger.commits)}) from error
    for day, commit in ledger.commits.items():
        # The UI asks the newest event for lineage; a copy in every day's would outweigh all else in the event log.
        lineage = column_lineage(plan.table) if day == days[-1] else {}
        context.add_asset_metadata({**day_metadata(commit), **lineage}, partition_key=day.isoformat())
    rows = sum(commit.rows for commit in ledger.commits.values())
    context.log.info(f"{plan.table.name}: {ledger.rewritten} of {len(days)} days rewritten, {rows} rows")
    return dg.MaterializeResult(
        metadata=run_metadata(ledger.rewritten, len(days), rows),
        check_results=[
            dg.AssetCheckResult(
                passed=True, check_name=check.name, metadata=verdict_metadata(ledger.verdicts.get(check.name, []))
            )
            for check in plan.checks
        ],
    )


def _publish_day(lake: Lake, plan: DayPlan, day: date, ledger: _Ledger) -> None:
    upstream = dict(plan.upstream(day))
    verified = lake.current(plan.table, day, fingerprint(plan.code_version, upstream))
    rows = plan.table.conform(plan.build(day)) if verified is None else verified
    for check in plan.checks:
        _judge(check, rows, plan.table, day, ledger)
    if verified is None:
        ledger.commits[day] = lake.commit(plan.table, rows, day=day, code_version=plan.code_version, upstream=upstream)
        ledger.rewritten += 1
    else:
        ledger.commits[day] = lake.stamps(plan.table.name)[day.isoformat()]


def _judge(check: DayCheck, rows: pl.DataFrame, table: Table, day: date, ledger: _Ledger) -> None:
    verdict = check.judge(rows, day)
    ledger.verdicts.setdefault(check.name, []).append({"date": day, "passed": verdict.passed, **verdict.facts})
    if not verdict.passed:
        raise CheckFailed(
            f"check {check.name!r} refused the day: {check.rule}",
            where=f"{table.name}/date={day}",
            got=", ".join(f"{name} = {value}" for name, value in verdict.facts.items()),
            hint="The day was not published; its previous version, if any, still stands",
        )


def _record(context: dg.AssetExecutionContext, ledger: _Ledger) -> None:
    """Record what a failing run leaves behind: the finished days and every verdict, the bad one included."""
    for day, commit in ledger.commits.items():
        context.log_event(
            dg.AssetMaterialization(context.asset_key, partition=day.isoformat(), metadata=day_metadata(commit))
        )
    for name, verdicts in ledger.verdicts.items():
        passed = all(verdict["passed"] for verdict in verdicts)
        evaluation = dg.AssetCheckEvaluation(
            context.asset_key, name, passed, metadata=verdict_metadata(verdicts), blocking=True
        )
        context.log_event(evaluation)
