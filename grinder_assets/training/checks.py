"""Leak checks as blocking asset checks: looked at in memory before a model is fitted, shown by day."""

import dagster as dg

from grinder_assets.metadata import facts_table
from grinder_resources.learning.leaks.case import LeakCase
from grinder_resources.learning.leaks.checks import LEAK_CHECKS, LeakCheck, day_table, find_leaks, refuse


def check_name(check: LeakCheck) -> str:
    """Return what a leak check is called beside its asset."""
    return f"leak_{check.name}"


def leak_check_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """Return the declarations of every leak check of a training asset."""
    return [
        dg.AssetCheckSpec(check_name(check), asset=key, description=check.rule, blocking=True) for check in LEAK_CHECKS
    ]


def leak_check_results(context: dg.AssetExecutionContext, case: LeakCase) -> list[dg.AssetCheckResult]:
    """Return the passed results of every leak check, each with its table of days.

    Raises LeakFound if any check finds a leak, after all of them are recorded: a failing step returns nothing.
    """
    findings = find_leaks(case)
    leaking = {finding.check for finding in findings}
    results = [
        dg.AssetCheckResult(
            passed=check.name not in leaking,
            check_name=check_name(check),
            metadata={"days": facts_table(day_table(case, findings, check.name))},
        )
        for check in LEAK_CHECKS
    ]
    if findings:
        for result in results:
            context.log_event(_evaluation(context.asset_key, result))
    refuse(findings, case.spec.dataset)
    context.log.info(f"{len(LEAK_CHECKS)} leak checks, {len(case.days)} days, {len(case.folds)} folds: no leak")
    return results


def _evaluation(key: dg.AssetKey, result: dg.AssetCheckResult) -> dg.AssetCheckEvaluation:
    assert result.check_name is not None
    return dg.AssetCheckEvaluation(key, result.check_name, result.passed, metadata=result.metadata, blocking=True)
