"""Leak checks as blocking asset checks: looked at in memory before a model is fitted, shown by day."""

import dagster as dg

from grinder_assets.metadata import facts_table
from grinder_resources.learning.leaks.case import LeakCase
from grinder_resources.learning.leaks.checks import (
    LEAK_CHECKS,
    LEAK_FAMILIES,
    LeakFamily,
    day_table,
    find_leaks,
    refuse,
)


def check_name(family: LeakFamily) -> str:
    """Return what a family of leak checks is called beside its asset."""
    return f"leak_{family.name}"


def leak_check_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """Return the declarations of the leak checks of a training asset, one a family."""
    return [
        dg.AssetCheckSpec(check_name(family), asset=key, description=family.rule, blocking=True)
        for family in LEAK_FAMILIES
    ]


def leak_check_results(context: dg.AssetExecutionContext, case: LeakCase) -> list[dg.AssetCheckResult]:
    """Return the passed results of the leak checks, one a family, each with its table of days.

    Raises LeakFound if any check finds a leak, after all results are recorded: a failing step returns nothing.
    """
    findings = find_leaks(case)
    leaking = {finding.check for finding in findings}
    results = [
        dg.AssetCheckResult(
            passed=leaking.isdisjoint(check.name for check in family.checks),
            check_name=check_name(family),
            metadata={
                "checks": ", ".join(check.name for check in family.checks),
                "days": facts_table(day_table(case, findings, family.checks)),
            },
        )
        for family in LEAK_FAMILIES
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
