"""What can be done to a model: stage it, promote it, roll it back. Each is a decision over where all versions stand.

A decision is taken while nobody else writes, and what follows from it (the version that leaves production, those beyond
`keep`) is written with it: nobody ever sees two versions in production, or none in between.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from grinder_resources.errors import PromotionRefused, RegistryRejected
from grinder_resources.registry.events import Action, Artifact, Event, Evidence
from grinder_resources.registry.evidence import seen
from grinder_resources.registry.gates import NEVER_OVERRIDDEN, Candidate, Finding, codes, findings
from grinder_resources.registry.log import Change, Draft, Standings
from grinder_resources.registry.states import Standing, Version, after


def staging(model: str, version: str, artifact: Artifact, evidence: Evidence | None, *, keep: int) -> Change:
    """Return the change that makes a version the candidate of its model; the candidate before is deprecated.

    A version that is staged already is staged again where its evidence is another one. One that was in production, or
    has been deprecated, is left where it is: training that makes the same bytes again is no new candidate.
    """
    reason = evidence.sentence if evidence else "No evidence: there is no walk-forward."

    def change(known: Standings) -> Sequence[Draft]:
        standing = known.get(model, Standing(model, {}))
        old, candidate = standing.versions.get(version), standing.staged
        if old and (old.state != "staged" or not _new(evidence, old.evidence)):
            return []
        others = [candidate] if candidate and candidate.version != version else []
        drafts = [_draft("deprecated", other, f"superseded by {version}") for other in others]
        drafts.append(Draft("staged", model, version, artifact, reason, evidence))
        return _kept(standing, drafts, keep)

    return change


def candidacy(known: Standings, model: str, version: str, models_dir: Path) -> tuple[Version, tuple[Finding, ...]]:
    """Return a version that could be promoted, the staged one where `version` is '', and what the gates say of it.

    Raises RegistryRejected where there is no such version, or it is in production or retired.
    """
    standing = standing_of(known, model)
    found = standing.versions.get(version) if version else standing.staged
    if found is None:
        _refuse("the registry has no such version", model, version or "nothing staged", standing)
    if found.state not in {"staged", "deprecated"}:
        _refuse("only what is staged or deprecated can be promoted", model, f"{version} is {found.state}", standing)
    return found, findings(Candidate(found, standing.production, seen(found, models_dir)))


def promotion(model: str, version: str, models_dir: Path, *, reason: str, despite: str = "", keep: int) -> Change:
    """Return the change that puts a version into production, the staged one where `version` is ''.

    despite
        Why it is done although gates speak against it; '' = it is not done then.

    It raises what `candidacy` does, and PromotionRefused with the codes of the gates. An artifact that does not verify
    is promoted for no reason whatever.
    """

    def change(known: Standings) -> Sequence[Draft]:
        found, said = candidacy(known, model, version, models_dir)
        against = codes(said)
        if against and (not despite or NEVER_OVERRIDDEN & set(against)):
            raise PromotionRefused(
                "the gates do not let it through",
                where=f"{model} {found.version}",
                got=" ".join(against),
                hint="" if despite else '--despite "why" records that it was done all the same.',
            )
        standing = known[model]
        others = [standing.production] if standing.production else []
        drafts = [_draft("deprecated", other, f"superseded by {found.version}") for other in others]
        drafts.append(_draft("promoted", found, despite or reason, against))
        return _kept(standing, drafts, keep)

    return change


def rollback(model: str, models_dir: Path, *, to: str = "", reason: str) -> Change:
    """Return the change that takes a version out of production and brings back the one before, or the version `to`.

    It raises RegistryRejected where there is nothing to go back to, PromotionRefused if its artifact does not verify.
    """

    def change(known: Standings) -> Sequence[Draft]:
        standing = standing_of(known, model)
        target = standing.versions.get(to or next(iter(standing.before), ""))
        if standing.production is None or target is None or target.state != "deprecated":
            _refuse("there is no version to go back to", model, to or "none before", standing)
        fault = seen(target, models_dir).artifact_fault
        if fault:
            raise PromotionRefused("the version to go back to cannot be used", where=target.folder, got=fault)
        why = f"back to {target.version}: {reason}"
        return [
            _draft("rolled_back", standing.production, why),
            _draft("promoted", target, f"back from {standing.production.version}: {reason}"),
        ]

    return change


def _new(evidence: Evidence | None, known: Evidence | None) -> bool:
    return evidence is not None and not evidence.says(known)


def standing_of(known: Standings, model: str) -> Standing:
    """Return where a model stands. Raises RegistryRejected if the registry does not know it."""
    if model not in known:
        raise RegistryRejected(
            "the registry does not know the model", got=model, expected=", ".join(sorted(known)) or "none is registered"
        )
    return known[model]


def version_of(known: Standings, model: str, version: str) -> Version:
    """Return a version of a model, whatever its state. Raises RegistryRejected if the registry does not know it."""
    standing = standing_of(known, model)
    if version not in standing.versions:
        _refuse("the registry has no such version", model, version, standing)
    return standing.versions[version]


def _draft(action: Action, version: Version, reason: str, gates: tuple[str, ...] = ()) -> Draft:
    return Draft(action, version.model, version.version, version.artifact, reason, gates=gates)


def _kept(standing: Standing, drafts: list[Draft], keep: int) -> list[Draft]:
    """Return the drafts, and after them the retirement of the oldest deprecated versions beyond `keep`.

    The version a rollback would return to is kept, however old.
    """
    for draft in drafts:
        standing = after(standing, Event(seq=0, actor="", at="", **vars(draft)))
    spared = standing.before[:1]
    old = [version for version in standing.kept if version.state == "deprecated" and version.version not in spared]
    beyond = max(0, len(standing.kept) - keep)
    return drafts + [_draft("retired", version, f"more than {keep} versions") for version in old[:beyond]]


def _refuse(what: str, model: str, got: str, standing: Standing) -> NoReturn:
    known = ", ".join(f"{version.version} {version.state}" for version in standing.versions.values())
    raise RegistryRejected(what, where=model, got=got, expected=known)
