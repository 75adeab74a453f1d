"""From a line of the registry's log to the event it holds: the strict reader, with `parse(event.line) == event`."""

from grinder_resources.errors import ManifestRejected, RegistryRejected
from grinder_resources.export.strict_json import integer, items, record, reject, strict_json, text, texts
from grinder_resources.registry.events import ACTIONS, AnswerEvidence, Artifact, Event, Evidence

MAX_LINE_BYTES = 1 << 20

_EVENT = (
    "seq",
    "action",
    "model",
    "version",
    "artifact",
    "reason",
    "actor",
    "at",
    "evidence",
    "gates",
    "previous",
    "signed_by",
    "sha256",
    "signature",
)
_ARTIFACT = ("manifest", "model_hash", "chain_root", "dataset", "spec", "data_from", "data_until")
_EVIDENCE = ("promote", "sentence", "codes", "answers", "spec", "dataset", "ledger_count", "ledger_newest")
_ANSWER = ("answer", "head", "folds_ppm", "ece_upper_ppm", "codes")


def parse_event(line: str, where: str) -> Event:
    """Return the event on a line of the log, given without its end.

    Raises RegistryRejected for a line that is no event, or not, byte for byte, the one that was written.
    """
    try:
        event, stated = _event(strict_json(line.encode(), where, MAX_LINE_BYTES))
    except ManifestRejected as error:
        raise RegistryRejected(f"the line is no event: {error.what}", where=where, got=error.got) from error
    if event.sha256 != stated or event.line != line:
        raise RegistryRejected(
            "the event was edited", where=where, got=f"sha256 {event.sha256[:16]}", expected=stated[:16]
        )
    return event


def _event(value: object) -> tuple[Event, str]:
    found = record(value, _EVENT, "event")
    action = text(found["action"], "action")
    if action not in ACTIONS:
        reject("an action is one of the registry's", "action", action)
    names = ("model", "version", "reason", "actor", "at", "previous", "signed_by", "signature")
    event = Event(
        seq=integer(found["seq"], "seq"),
        action=action,
        artifact=Artifact(**_texts(found["artifact"], _ARTIFACT, "artifact")),
        evidence=None if found["evidence"] is None else _evidence(found["evidence"]),
        gates=texts(found["gates"], "gates"),
        **{name: text(found[name], name) for name in names},
    )
    return event, text(found["sha256"], "sha256")


def _evidence(value: object) -> Evidence:
    found = record(value, _EVIDENCE, "evidence")
    promote = found["promote"]
    if not isinstance(promote, bool):
        reject("a truth value is needed here", "promote", repr(promote))
    return Evidence(
        promote=promote,
        codes=texts(found["codes"], "codes"),
        answers=items(found["answers"], _answer, "answers"),
        ledger_count=integer(found["ledger_count"], "ledger_count"),
        **{name: text(found[name], name) for name in ("sentence", "spec", "dataset", "ledger_newest")},
    )


def _answer(value: object, where: str) -> AnswerEvidence:
    found = record(value, _ANSWER, where)
    return AnswerEvidence(
        answer=text(found["answer"], where),
        head=text(found["head"], where),
        folds_ppm=items(found["folds_ppm"], _known, where),
        ece_upper_ppm=_known(found["ece_upper_ppm"], where),
        codes=texts(found["codes"], where),
    )


def _known(value: object, where: str) -> int | None:
    return None if value is None else integer(value, where)


def _texts(value: object, names: tuple[str, ...], where: str) -> dict[str, str]:
    found = record(value, names, where)
    return {name: text(found[name], f"{where}.{name}") for name in names}
