"""What happened to a model, as one line of the registry's log: facts that are frozen, hashed and, if asked, signed.

A line is canonical JSON in integers and texts. `sha256` is over the rest of the line but the signature, `previous` is
that of the event before, so that a name of the newest event is a name of all of them. `signed_by` is part of what is
hashed: a signature cannot be taken away without a trace.
"""

from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, get_args

from grinder_resources.hashing import canonical_json, sha256_bytes

Action = Literal["staged", "promoted", "deprecated", "rolled_back", "retired"]
ACTIONS: tuple[Action, ...] = get_args(Action)

_OWN = ("sha256", "signature")


@dataclass(frozen=True)
class Artifact:
    """The bytes a version stands for, and what they were made from.

    manifest
        sha256 of `manifest.json`, which names every other file with its own.
    model_hash, chain_root, dataset
        As the manifest says: hash of the graph, root of the chain, first 16 hex characters of the rows' hash.
    spec
        sha256 of the facts of the model spec it was fitted by; '' where `config.json` does not say.
    data_from, data_until
        First and last ISO day of its rows, training to test; '' where `config.json` does not say.
    """

    manifest: str
    model_hash: str
    chain_root: str
    dataset: str
    spec: str = ""
    data_from: str = ""
    data_until: str = ""


@dataclass(frozen=True)
class AnswerEvidence:
    """What the walk-forward says of one class of a head.

    folds_ppm
        Skill of each fold in time order, parts per million; None where the fold could not be scored.
    ece_upper_ppm
        Upper bound of the calibration error; None where there is none, as for a regression.
    codes
        What speaks against the answer (`evaluation.promotion_gates.CODES`).
    """

    answer: str
    head: str
    folds_ppm: tuple[int | None, ...]
    ece_upper_ppm: int | None
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """The promotion check as it stood when a version was staged.

    spec, dataset
        sha256 of the facts of the spec that was judged, and the first 16 hex characters of its rows' hash.
    ledger_count, ledger_newest
        The trial ledger: how many records, and the sha256 of the newest.
    """

    promote: bool
    sentence: str
    codes: tuple[str, ...]
    answers: tuple[AnswerEvidence, ...]
    spec: str
    dataset: str
    ledger_count: int
    ledger_newest: str

    def says(self, other: "Evidence | None") -> bool:
        """Return whether another check found the same, however far the ledger had got by then."""
        if other is None:
            return False
        return self == replace(other, ledger_count=self.ledger_count, ledger_newest=self.ledger_newest)


@dataclass(frozen=True)
class Event:
    """One thing that happened to one version of a model.

    evidence
        With `staged`: what was known then; None where there was no walk-forward. None with every other action.
    gates
        With `promoted`: codes of the gates that spoke against it and were overridden by `reason`.
    at
        UTC, `YYYY-MM-DDTHH:MM:SSZ`; never before the event before.
    signed_by, signature
        Key that signed the event, and its signature of `sha256` in hex; '' where it was not signed.
    """

    seq: int
    action: Action
    model: str
    version: str
    artifact: Artifact
    reason: str
    actor: str
    at: str
    evidence: Evidence | None = None
    gates: tuple[str, ...] = ()
    previous: str = ""
    signed_by: str = ""
    signature: str = field(default="", compare=False)

    @cached_property
    def sha256(self) -> str:
        """Name of the event and, through `previous`, of all before it."""
        return sha256_bytes(canonical_json(self._hashed).encode())

    @property
    def line(self) -> str:
        """The event as it stands in the log, without the line's end."""
        return canonical_json({**self._hashed, "sha256": self.sha256, "signature": self.signature})

    @property
    def folder(self) -> str:
        """Name of the artifact's folder among the models."""
        return f"{self.model}_{self.version}"

    @cached_property
    def _hashed(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name not in _OWN}

    def signed(self, signature: str) -> "Event":
        """Return the event with its signature."""
        return replace(self, signature=signature)
