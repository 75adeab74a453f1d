"""The drift report of a model: every finding about its last hours, and what follows from them in one line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl

from grinder_resources.contracts.monitoring import HOUR_NS, drift_table
from grinder_resources.contracts.operations import MonitoringSettings
from grinder_resources.monitoring.pairs import Pair
from grinder_resources.monitoring.states import KINDS, MENDED_BY_TRAINING, Finding, Kind, State, worst

MOST_NAMED = 3
"""Findings that a reason names; of more it says how many."""


@dataclass(frozen=True)
class Window:
    """Hours that are looked at: `first` to `last`, both inclusive, counted since 1970-01-01 UTC."""

    first: int
    last: int

    @property
    def start_ns(self) -> int:
        """When the window begins; that moment is within."""
        return self.first * HOUR_NS

    @property
    def end_ns(self) -> int:
        """When the window ends; that moment is not within."""
        return (self.last + 1) * HOUR_NS

    @property
    def label(self) -> str:
        """The window as people read it, e.g. `2025-01-19 08:00 to 2025-01-20 08:00 UTC`."""
        start, end = (datetime.fromtimestamp(ns // 10**9, UTC) for ns in (self.start_ns, self.end_ns))
        return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True)
class DriftReport:
    """How the last hours of a model lie against what it was made on.

    version, model_hash
        Folder of the version that is served and the hash of its graph; '' where the model has none.
    settings
        What counted as drift.
    window
        None where nothing has been sketched yet.
    findings
        In the order of KINDS, worst first within.
    pairs
        Sketches of the window and of the training rows, by name.
    """

    model: str
    doc: str
    version: str
    model_hash: str
    settings: MonitoringSettings
    window: Window | None = None
    findings: tuple[Finding, ...] = ()
    pairs: Mapping[str, Pair] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """The worst state of any finding, skew among them."""
        return worst(finding.state for finding in self.findings)

    @property
    def has_drift(self) -> bool:
        """Whether something is critical that a newer model would mend."""
        return any(finding.measured.kind in MENDED_BY_TRAINING for finding in self.of_state("critical"))

    @property
    def rows(self) -> int:
        """Rows of the window: of the input or answer that has most."""
        return max((pair.now.rows for pair in self.pairs.values()), default=0)

    def of_state(self, state: State) -> tuple[Finding, ...]:
        """Return the findings in a state."""
        return tuple(finding for finding in self.findings if finding.state == state)

    def of_kind(self, kind: Kind) -> tuple[Finding, ...]:
        """Return the findings of a kind."""
        return tuple(finding for finding in self.findings if finding.measured.kind == kind)

    @property
    def reason(self) -> str:
        """Why the state is what it is, short enough for a tag: the worst findings by name, or that there are none."""
        if self.window is None:
            return "nothing has been sketched yet"
        found = self.of_state(self.state)
        if self.state in ("ok", "unknown"):
            return f"{len(found)} of {len(self.findings)} findings are {self.state}, none is worse"
        named = [_short(finding) for finding in found[:MOST_NAMED]]
        more = [f"{len(found) - MOST_NAMED} more"] if len(found) > MOST_NAMED else []
        return f"{self.state}: {', '.join([*named, *more])}"

    @property
    def sentence(self) -> str:
        """What follows, in plain words."""
        if self.has_drift:
            return f"{self.model} drifts: {self.reason.removeprefix('critical: ')}."
        if self.state == "critical":
            return f"{self.model} does not read what the lake has: {self.reason.removeprefix('critical: ')}."
        said = {"warning": "is being watched", "ok": "lies as in training", "unknown": "cannot be judged yet"}
        return f"{self.model} {said[self.state]}: {self.reason.removeprefix('warning: ')}."

    def table(self) -> pl.DataFrame:
        """Return the rows of `monitoring/drift/<model>`."""
        table = drift_table(self.model)
        records = [{"model_hash": self.model_hash, **_record(finding)} for finding in self.findings]
        return table.conform(pl.DataFrame(records, schema=table.schema, orient="row"))


def in_order(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return findings by kind, the largest effect first within."""
    return tuple(sorted(findings, key=lambda one: (KINDS.index(one.measured.kind), -one.effect, one.measured.name)))


def _short(finding: Finding) -> str:
    measured = finding.measured
    what = {"feature": "", "prediction": "answer ", "skew": "skew "}.get(measured.kind, f"{measured.kind} of ")
    return f"{what}{measured.name} {finding.effect:.2f}"


def _record(finding: Finding) -> dict[str, object]:
    measured = finding.measured
    return {
        "kind": measured.kind,
        "name": measured.name,
        "rows": measured.rows,
        "statistic": measured.statistic,
        "effect": measured.effect,
        "usual": measured.usual,
        "p_value": measured.p_value,
        "q_value": finding.q_value,
        "state": finding.state,
        "sentence": finding.sentence,
    }
