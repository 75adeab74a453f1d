"""The determinism check (ML spec 12.3.3): the same snapshots, scored twice, give the same signals to the last bit.

A fixture is a folder with `snapshots.jsonl`, one snapshot a line, and where its digests are locked `config.json`. The
second run scores in another process, from a session opened anew. Wall time enters nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grinder_resources.errors import NoData, NotDeterministic
from grinder_resources.export.strict_json import record, strict_json, text
from grinder_resources.hashing import sha256_facts
from grinder_resources.inference.config import MlConfig
from grinder_resources.inference.decision import Decision
from grinder_resources.inference.engine import open_engine
from grinder_resources.inference.snapshot import Snapshot

SNAPSHOTS_FILE = "snapshots.jsonl"
CONFIG_FILE = "config.json"
EXPECTED = ("inputs", "outputs")
"""Fields of a fixture's config.json: 16 hex characters each."""

MAX_FIXTURE_BYTES = 64 << 20
PATIENCE_MS = 60_000
"""Deadline of a check that is not about time."""


@dataclass(frozen=True)
class Determinism:
    """First 16 hex characters of the sha256 of the snapshots, of what each run made of them, and of what was recorded.

    expected_inputs, expected_outputs
        '' where the fixture has locked none.
    """

    inputs: str
    run_1: str
    run_2: str
    expected_inputs: str = ""
    expected_outputs: str = ""

    @property
    def passed(self) -> bool:
        """Whether both runs are equal, and equal to what was recorded."""
        return self.run_1 == self.run_2 and (self.expected_inputs, self.expected_outputs) in (
            ("", ""),
            (self.inputs, self.run_1),
        )


def verify_determinism(fixture: Path, model: Path) -> Determinism:
    """Return the hashes of a fixture scored twice by the model in a folder.

    Raises NoData where the fixture is not there, SchemaMismatch for a bad snapshot, NotDeterministic where the model
    cannot be loaded.
    """
    snapshots = read_snapshots(fixture)
    expected = _expected(fixture)
    in_process, apart = (digest(score(snapshots, model, isolate=isolate)) for isolate in (False, True))
    return Determinism(digest_of_inputs(snapshots), in_process, apart, **expected)


def read_snapshots(fixture: Path) -> list[Snapshot]:
    """Return the snapshots of a fixture in its order. Raises NoData or SchemaMismatch."""
    try:
        lines = (fixture / SNAPSHOTS_FILE).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise NoData("a fixture holds snapshots.jsonl", where=str(fixture), got=str(error)) from error
    return [Snapshot.from_json(line) for line in lines if line.strip()]


def score(snapshots: Sequence[Snapshot], model: Path, *, isolate: bool) -> list[Decision]:
    """Return the decisions of an engine opened in shadow, in the snapshots' order."""
    config = MlConfig(
        enabled=True,
        shadow_only=True,
        model_dir=str(model),
        isolate_model=isolate,
        max_inference_latency_ms=PATIENCE_MS,
    )
    with open_engine(config) as engine:
        if engine.obstacle is not None:
            raise NotDeterministic(
                "the model cannot be loaded",
                where=str(model),
                got=f"{engine.obstacle.reason}: {engine.obstacle.detail}",
            )
        return [engine.decide(snapshot) for snapshot in snapshots]


def digest_of_inputs(snapshots: Sequence[Snapshot]) -> str:
    """Return the first 16 hex characters of the sha256 over the snapshots' canonical lines."""
    return sha256_facts([snapshot.to_json() for snapshot in snapshots])[:16]


def digest(decisions: Sequence[Decision]) -> str:
    """Return the first 16 hex characters of the sha256 over every signal, without its wall time, and every refusal."""
    return sha256_facts(list(_compared(decisions)))[:16]


def _compared(decisions: Sequence[Decision]) -> Iterator[dict[str, Any]]:
    for decision in decisions:
        signal, refusal = decision.signal, decision.refusal
        yield {
            "ts": decision.ts,
            "symbol": decision.symbol,
            "signal": dict(signal.compared) if signal else None,
            "refusal": str(refusal.code) if refusal else None,
        }


def _expected(fixture: Path) -> dict[str, str]:
    path = fixture / CONFIG_FILE
    if not path.exists():
        return {}
    with path.open("rb") as handle:
        facts = record(
            strict_json(handle.read(MAX_FIXTURE_BYTES), CONFIG_FILE, MAX_FIXTURE_BYTES), EXPECTED, CONFIG_FILE
        )
    return {f"expected_{name}": text(facts[name], name) for name in EXPECTED}
