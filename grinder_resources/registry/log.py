"""The registry's file: `<models>/registry/log.jsonl`, to which events are added and from which none is taken.

It lies in a journal (`learning.journal`): a writer reads all events, decides, and adds its own while nobody else can,
so that two who promote at once do so one after the other, and whoever is killed leaves all of its events or none.

A registry is made once, by `create`. From then on a missing or torn file is an error, never "no models". Who takes the
whole folder away leaves models without a registry; that there was one, the lake's history still says.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grinder_resources.errors import RegistryRejected, SignatureRejected
from grinder_resources.export.durable import locked, write_folder, written
from grinder_resources.learning.journal import NO_LINE, Head, Journal
from grinder_resources.registry.events import Action, Artifact, Event, Evidence
from grinder_resources.registry.lines import parse_event
from grinder_resources.registry.states import Standing, after, standings

REGISTRY_FOLDER, LOG_FILE = "registry", "log.jsonl"

HINT = "Restore the whole folder from a copy: models are not forgotten because a file is."
VERIFY = "`grinder registry verify` names the line."


@dataclass(frozen=True)
class Draft:
    """What a change wants to say; the log adds its number, time, actor and hashes."""

    action: Action
    model: str
    version: str
    artifact: Artifact
    reason: str
    evidence: Evidence | None = None
    gates: tuple[str, ...] = ()


Standings = dict[str, Standing]

Change = Callable[[Standings], Sequence[Draft]]
"""Takes where every model stands, returns what shall happen; raises to refuse, and then nothing has happened."""


@dataclass(frozen=True)
class Signer:
    """A key that signs events: its name, and a function of 32 bytes to a signature in hex."""

    name: str
    sign: Callable[[bytes], str]


class Registry:
    """The events in the models folder `models_dir`."""

    def __init__(self, models_dir: Path) -> None:
        self.folder = models_dir / REGISTRY_FOLDER
        self.path = self.folder / LOG_FILE
        self._journal = Journal(self.path, error=RegistryRejected, hint=HINT, verify=VERIFY, starts=False)

    @property
    def exists(self) -> bool:
        """Whether a registry was made here; says nothing about its files."""
        return self.folder.exists()

    def create(self) -> bool:
        """Make an empty registry in one rename; return False, and change nothing, where there is one already.

        Raises RegistryRejected if what is there cannot be read, StorageFull where the disk refuses.
        """
        models = self.folder.parent
        with written(self.folder), locked(models):
            if not self.exists:
                write_folder(self.folder, Journal.beginning(LOG_FILE), lambda _: None)
                return True
        self.read()
        return False

    def read(self) -> tuple[Event, ...]:
        """Return all events, oldest first, after checking every line and that each can follow those before.

        Raises RegistryRejected where there is no registry, or one of its files is missing, torn or altered.
        """
        self._require()
        events = _verified(*self._journal.read(), self.path)
        standings(events)
        return events

    def standings(self) -> Standings:
        """Return where every model stands. Raises what `read` raises."""
        return standings(self.read())

    def change(self, change: Change, *, actor: str, at: str, signer: Signer | None = None) -> tuple[Event, ...]:
        """Add what `change` wants, all or none, durably; return it as events.

        at
            UTC, `YYYY-MM-DDTHH:MM:SSZ`. Where the newest event is later than that, its time is taken.

        Raises what `change` raises, RegistryRejected as `read` and for an event that cannot follow, SignatureRejected
        without a signer where the newest event is signed, StorageFull where the disk refuses.
        """
        added: list[Event] = []

        def decide(head: Head, lines: list[str]) -> tuple[list[str], str]:
            events = _verified(head, lines, self.path)
            known = standings(events)
            newest = events[-1] if events else None
            for draft in change(known):
                event = _event(draft, newest, actor, at, signer)
                known[event.model] = after(known.get(event.model, Standing(event.model, {})), event)
                added.append(event)
                newest = event
            return [event.line for event in added], added[-1].sha256 if added else head.newest

        self._require()
        self._journal.decide(decide)
        return tuple(added)

    def _require(self) -> None:
        if not self.exists:
            raise RegistryRejected(
                "there is no registry", where=str(self.folder), hint="`grinder registry init` makes an empty one."
            )


def _event(draft: Draft, newest: Event | None, actor: str, at: str, signer: Signer | None) -> Event:
    if newest and newest.signed_by and signer is None:
        raise SignatureRejected(
            "the newest event is signed, so the next one has to be",
            where=f"event {newest.seq}",
            got="no key",
            hint="--key or GRINDER_SIGNING_KEY names one.",
        )
    event = Event(
        seq=newest.seq + 1 if newest else 1,
        at=max(at, newest.at) if newest else at,
        actor=actor,
        previous=newest.sha256 if newest else NO_LINE,
        signed_by=signer.name if signer else "",
        **vars(draft),
    )
    return replace(event, signature=signer.sign(bytes.fromhex(event.sha256))) if signer else event


def _verified(head: Head, lines: list[str], path: Path) -> tuple[Event, ...]:
    """Return the events on the lines. Raises RegistryRejected naming the first line that is not what was written."""
    events: list[Event] = []
    newest = NO_LINE
    for number, line in enumerate(lines, start=1):
        where = f"{path}, line {number}"
        if not line.endswith("\n"):
            raise RegistryRejected("the last line is torn", where=where, got=f"{len(line)} characters", hint=HINT)
        event = parse_event(line[:-1], where)
        if (event.seq, event.previous) != (number, newest):
            raise RegistryRejected(
                "an event was removed, repeated or moved", where=where, got=f"event {event.seq}", expected=f"{number}"
            )
        newest = event.sha256
        events.append(event)
    if (len(events), newest) != (head.count, head.newest):
        raise RegistryRejected(
            "the log is not the one its head names",
            where=str(path),
            got=f"{len(events)} events up to {newest[:16]}",
            expected=f"{head.count} up to {head.newest[:16]}",
            hint=HINT,
        )
    return tuple(events)
