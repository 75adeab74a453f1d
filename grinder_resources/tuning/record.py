"""Trials of a study on the trial ledger: one a question where something was earned, else one."""

from collections.abc import Iterable, Mapping
from typing import Any

from grinder_resources.learning.ledger import Record, Trial
from grinder_resources.tuning.backend import Outcome
from grinder_resources.tuning.component import Earnings, TunableComponent
from grinder_resources.tuning.parameters import Configuration, Value

PPM = 1_000_000
_REASON_CHARACTERS = 240


def trials_of(component: TunableComponent, study: str, outcome: Outcome) -> list[Trial]:
    """Return what the ledger keeps of a trial; what the component earned is of its last run.

    The fact `configuration` says what was tried, `outcome` how it went; numbers that are no integers stand as texts.
    """
    facts = {
        **component.facts,
        "objective": component.objective,
        "configuration": {name: _text(value) for name, value in sorted(outcome.configuration.items())},
        "outcome": _facts(study, outcome),
    }
    earned: Earnings = component.earned() if outcome.state == "complete" else {}
    if not earned:
        return [Trial("tuning", component.name, "", facts)]
    return [
        Trial("tuning", component.name, question, facts, tuple(by_block), tuple(by_block.values()))
        for question, by_block in earned.items()
    ]


def earned_on(records: Iterable[Record], component: str, study: str) -> dict[int, Earnings]:
    """Return what every complete trial of a study earned, by its number."""
    found: dict[int, dict[str, Mapping[int, int]]] = {}
    for trial in _of_study(records, component, study):
        if trial.trial.facts["outcome"]["state"] == "complete":
            earned = dict(zip(trial.trial.blocks, trial.trial.returns, strict=True))
            found.setdefault(_number(trial), {})[trial.trial.question] = earned
    return dict(found)


def record_of(records: Iterable[Record], component: str, study: str, number: int) -> str:
    """Return the sha256 of the last record of a trial, '' where there is none."""
    own = [record.sha256 for record in _of_study(records, component, study) if _number(record) == number]
    return own[-1] if own else ""


def _of_study(records: Iterable[Record], component: str, study: str) -> list[Record]:
    return [
        record
        for record in records
        if record.trial.kind == "tuning"
        and record.trial.subject == component
        and record.trial.facts.get("outcome", {}).get("study") == study
    ]


def _number(record: Record) -> int:
    return int(record.trial.facts["outcome"]["trial"])


def _facts(study: str, outcome: Outcome) -> dict[str, Any]:
    return {
        "study": study,
        "trial": outcome.number,
        "state": outcome.state,
        "score_ppm": None if outcome.score is None else round(outcome.score * PPM),
        "reason": outcome.reason[:_REASON_CHARACTERS],
    }


def _text(value: Value) -> int | str:
    return value if type(value) is int else str(value)


def figures(value: float | None) -> str:
    """Return a score: four decimals, whole from a thousand on; '' for none."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4f}"


def shown(configuration: Configuration) -> str:
    """Return a configuration on one line."""
    return ", ".join(f"{name} {_text(value)}" for name, value in configuration.items())
