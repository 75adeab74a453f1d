"""The trial ledger: every fit and every try, written down where it happens, so that nobody can forget the failures.

A result is worth as much as the number of tries behind it allows (Bailey and López de Prado 2014). The functions that
fit and judge take a ledger and append to it themselves; there is no way around it, and no record is ever removed.

The file is JSON lines. A record holds the hash of the one before and its own, over its bytes, so that an edited,
removed, repeated or moved record breaks the chain at its line; a tail that was cut off is missed by the head
(`learning.journal`). Integers and texts only: no float, no clock.

A chain stops accidents and quiet edits, not someone who computes both files anew: whoever needs that keeps the hash of
the newest record elsewhere.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NoReturn

from grinder_resources.errors import ContractBroken, LedgerBroken
from grinder_resources.hashing import canonical_json, sha256_bytes, sha256_facts
from grinder_resources.learning.journal import HINT, NO_LINE, Head, Journal

LEDGER_FILE = "ledger.jsonl"
"""Name of the ledger in the models folder."""

VERIFIES = "verify"
"""A fact that is true where a known trial was only repeated to prove it; it makes no new trial."""

Kind = Literal["fit", "walk_forward", "tuning", "backtest", "threshold"]


@dataclass(frozen=True)
class Trial:
    """One try.

    subject, question
        The spec or model, and its head, as `head` or `head/class`; '' where the try is about the whole.
    facts
        What was tried and what came of it: integers, texts, booleans, null, and lists and objects of those.
    blocks, returns
        Numbers of blocks of time, ascending, and what the try earned in each, as whole units; empty for a mere fit.
    """

    kind: Kind
    subject: str
    question: str
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    blocks: tuple[int, ...] = ()
    returns: tuple[int, ...] = ()

    @cached_property
    def key(self) -> str:
        """Equal for the same try: the sha256 of everything but returns and the fact that it was a verification."""
        facts = {name: value for name, value in self.facts.items() if name != VERIFIES}
        return sha256_facts([self.kind, self.subject, self.question, facts])


@dataclass(frozen=True)
class Record:
    """A trial at its place: `seq` counts from 1, `previous` is the sha256 of the record before."""

    seq: int
    previous: str
    trial: Trial
    sha256: str


class Ledger:
    """The trials in the file at `path`, which need not exist yet.

    verify
        Trials appended here only repeat known ones to prove them, and say so.
    """

    def __init__(self, path: Path, *, verify: bool = False) -> None:
        self.path = path
        self._journal = Journal(path)
        self._added: Mapping[str, Any] = {VERIFIES: True} if verify else {}

    def verifying(self) -> "Ledger":
        """Return the same ledger for trials that are repeated to prove them."""
        return Ledger(self.path, verify=True)

    def append(self, trials: Sequence[Trial]) -> None:
        """Add trials, all or none, durably, in time independent of how many there are.

        Raises ContractBroken for a fact that is no integer, text, or list or object of those, LedgerBroken if the file
        is not as long as it was left, StorageFull where the disk refuses.
        """
        for trial in trials:
            _refuse_floats([trial.facts, trial.blocks, trial.returns], trial)
        if trials:
            self._journal.append(partial(_lines, trials, self._added))

    def read(self) -> tuple[Record, ...]:
        """Return every record, oldest first, after checking all of them; none where there is no ledger.

        Raises LedgerBroken naming the first line that is not what was written there.
        """
        return tuple(self._verified(*self._journal.read()))

    def _verified(self, head: Head, lines: list[str]) -> Iterator[Record]:
        newest = NO_LINE
        for number, line in enumerate(lines, start=1):
            record = self._record(line, number)
            if (record.seq, record.previous) != (number, newest):
                expected = f"record {number} after {newest[:16]}"
                self._refuse("a record was removed, repeated or moved", number, f"record {record.seq}", expected)
            newest = record.sha256
            yield record
        if len(lines) < head.count:
            self._refuse("records at the end are missing", len(lines) + 1, f"{len(lines)} records", str(head.count))
        if len(lines) > head.count:
            self._refuse(
                "a record that the head does not know", head.count + 1, f"{len(lines)} records", f"{head.count}"
            )
        if newest != head.newest:
            self._refuse("the last record is not the one the head names", len(lines), newest[:16], head.newest[:16])

    def _record(self, line: str, number: int) -> Record:
        if not line.endswith("\n"):
            self._refuse("the last line is torn", number, f"{len(line)} characters and no end of line")
        try:
            facts = json.loads(line)
            seq, previous, own = (facts.pop(name) for name in ("seq", "previous", "sha256"))
            trial = Trial(**facts | {name: tuple(facts[name]) for name in ("blocks", "returns")})
        except (ValueError, KeyError, TypeError, AttributeError):
            self._refuse("the line is no record", number, line[:40])
        computed = sha256_bytes(line[:-1].replace(f'"sha256":"{own}",', "", 1).encode())
        if computed != own:
            self._refuse("the record was edited", number, f"sha256 {computed[:16]}", str(own)[:16])
        return Record(seq, previous, trial, own)

    def _refuse(self, what: str, line: int, got: str, expected: str = "") -> NoReturn:
        raise LedgerBroken(what, where=f"{self.path}, line {line}", got=got, expected=expected, hint=HINT)


def _lines(trials: Sequence[Trial], added: Mapping[str, Any], head: Head) -> tuple[list[str], str]:
    """Return the records that follow the head as lines, `added` to their facts, and the hash of the last."""
    lines, previous = [], head.newest
    for seq, trial in enumerate(trials, start=head.count + 1):
        record = {
            "seq": seq,
            "previous": previous,
            "kind": trial.kind,
            "subject": trial.subject,
            "question": trial.question,
            "facts": {**trial.facts, **added},
            "blocks": trial.blocks,
            "returns": trial.returns,
        }
        previous = sha256_bytes(canonical_json(record).encode())
        lines.append(canonical_json(record | {"sha256": previous}))
    return lines, previous


def _refuse_floats(value: Any, trial: Trial) -> None:
    match value:
        case Mapping():
            for item in value.values():
                _refuse_floats(item, trial)
        case list() | tuple():
            for item in value:
                _refuse_floats(item, trial)
        case str() | int() | None:
            return
        case _:
            raise ContractBroken(
                "a trial is written in integers and texts",
                where=f"{trial.kind} trial of {trial.subject}",
                got=f"{type(value).__name__} {value!r}",
            )
