"""The registry as a report of one model: the newest artifact staged, what the gates say of it, its history as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from grinder_resources.contracts.registry import history_table
from grinder_resources.errors import RegistryRejected
from grinder_resources.export.artifact import latest_version
from grinder_resources.lake import Lake, fingerprint
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.registry.changes import candidacy, staging
from grinder_resources.registry.events import Event
from grinder_resources.registry.evidence import artifact_of, evidence_of
from grinder_resources.registry.gates import Finding
from grinder_resources.registry.log import HINT, Registry, Signer
from grinder_resources.registry.printing import evidence_row
from grinder_resources.registry.states import Standing, standings

HISTORY = "reports/registry/"
"""Where the histories lie in the lake: they remember that there was a registry."""


@dataclass(frozen=True)
class RegistryReport:
    """What a run finds.

    events
        All that happened to the model, oldest first.
    staged
        Whether this run staged a version, or new evidence of it.
    findings
        What the gates say of the candidate; empty where nothing is staged.
    """

    model: str
    standing: Standing
    events: tuple[Event, ...]
    staged: bool
    findings: tuple[Finding, ...]

    @property
    def sentence(self) -> str:
        """Where the model stands, in plain words."""
        production, candidate = self.standing.production, self.standing.staged
        stands = f"{production.version} is in production" if production else "no version is in production"
        if candidate is None:
            return f"{self.model}: {stands}, nothing is staged."
        against = [finding.gate.code for finding in self.findings if not finding.passed]
        said = f"gates speak against it: {' '.join(against)}" if against else "every gate lets it through"
        return f"{self.model}: {stands}, {candidate.version} is staged; {said}."

    @property
    def versions(self) -> list[dict[str, object]]:
        """One short row a version that is not retired, newest first."""
        return [
            {
                "version": version.version,
                "state": version.state,
                "since": version.since,
                "data until": version.artifact.data_until,
                "model hash": version.artifact.model_hash,
            }
            for version in reversed(self.standing.kept)
        ]

    @property
    def evidence(self) -> list[dict[str, str]]:
        """One short row an answer of the candidate, or else of the version in production."""
        shown = self.standing.staged or self.standing.production
        answers = shown.evidence.answers if shown and shown.evidence else ()
        names = ("answer", "ece upper", "skill by fold", "against it")
        return [dict(zip(names, evidence_row(answer), strict=True)) for answer in answers]

    @property
    def history(self) -> list[dict[str, object]]:
        """One short row an event, newest first."""
        return [
            {
                "event": event.seq,
                "at": event.at,
                "action": event.action,
                "version": event.version,
                "by": event.actor,
                "reason": event.reason,
                "despite": " ".join(event.gates),
            }
            for event in reversed(self.events)
        ]


def registry_report(
    spec: ModelSpec, lake: Lake, models_dir: Path, *, keep: int, actor: str, at: str, signer: Signer | None = None
) -> RegistryReport:
    """Stage the newest artifact of a model with the evidence in the lake, and return where the model stands then.

    keep
        Versions of a model that are not retired.
    actor, at
        Who does it, and when, in UTC.
    signer
        Signs what is added; None = nobody.

    A registry is made if there never was one. Raises RegistryRejected where the lake knows of one that is gone, or it
    is torn, ArtifactRejected or ManifestRejected for an artifact that does not verify.
    """
    registry = opened_registry(lake, models_dir)
    version = latest_version(models_dir, spec.name)
    added: tuple[Event, ...] = ()
    if version:
        artifact = artifact_of(models_dir / f"{spec.name}_{version}")
        change = staging(spec.name, version, artifact, evidence_of(spec, lake, models_dir), keep=keep)
        added = registry.change(change, actor=actor, at=at, signer=signer)
    events = registry.read()
    known = standings(events)
    standing = known.get(spec.name, Standing(spec.name, {}))
    found = candidacy(known, spec.name, "", models_dir)[1] if standing.staged else ()
    return RegistryReport(spec.name, standing, tuple(e for e in events if e.model == spec.name), bool(added), found)


def opened_registry(lake: Lake, models_dir: Path) -> Registry:
    """Return the registry among the models, made if there never was one.

    Raises RegistryRejected where there is none, but the lake holds the history of one: then it was lost.
    """
    registry = Registry(models_dir)
    if registry.exists:
        return registry
    histories = [table for table in lake.tables() if table.startswith(HISTORY)]
    if histories:
        raise RegistryRejected(
            "the registry is gone, but the lake remembers it",
            where=str(registry.folder),
            got=", ".join(histories),
            hint=HINT,
        )
    registry.create()
    return registry


def commit_history(lake: Lake, model: str, events: Sequence[Event], code_version: str) -> pl.DataFrame:
    """Replace `reports/registry/<model>` by these events, unless it holds them already; return the rows."""
    table = history_table(model)
    rows = table.conform(pl.DataFrame([_row(event) for event in events], schema=table.schema, orient="row"))
    upstream = {"log": events[-1].sha256} if events else {}
    if lake.current(table, None, fingerprint(code_version, upstream)) is None:
        lake.commit(table, rows, day=None, code_version=code_version, upstream=upstream)
    return rows


def _row(event: Event) -> tuple[object, ...]:
    evidence, artifact = event.evidence, event.artifact
    return (
        event.seq,
        event.at,
        event.action,
        event.version,
        artifact.model_hash,
        artifact.manifest,
        artifact.chain_root,
        artifact.data_until,
        event.actor,
        event.reason,
        " ".join(event.gates),
        evidence.promote if evidence else None,
        " ".join(evidence.codes) if evidence else None,
        evidence.ledger_count if evidence else None,
        event.signed_by,
        event.previous,
        event.sha256,
    )
