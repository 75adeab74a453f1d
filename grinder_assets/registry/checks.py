"""Promotion gates as asset checks: a warning where one speaks against the candidate, never a failed run."""

from collections.abc import Iterable

import dagster as dg

from grinder_resources.registry.gates import GATES, Finding


def gate_check_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """Return the declarations of the gate checks of a registry asset, one a gate."""
    return [dg.AssetCheckSpec(_name(gate.name), asset=key, description=gate.rule, blocking=False) for gate in GATES]


def gate_check_results(found: Iterable[Finding]) -> list[dg.AssetCheckResult]:
    """Return the result of every gate; all pass where there is no candidate, for there is nothing to hold back."""
    known = {finding.gate.name: finding for finding in found}
    return [_result(gate.name, gate.code, known.get(gate.name)) for gate in GATES]


def _result(name: str, code: str, finding: Finding | None) -> dg.AssetCheckResult:
    passed = finding is None or finding.passed
    return dg.AssetCheckResult(
        passed=passed,
        check_name=_name(name),
        severity=dg.AssetCheckSeverity.WARN,
        description=finding.sentence if finding else "nothing is staged",
        metadata={} if passed else {"code": code},
    )


def _name(gate: str) -> str:
    return f"gate_{gate}"
