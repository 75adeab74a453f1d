"""The prediction log: one JSON line a decision, with what the model read and said, for the lake to take in.

    <folder>/predictions_2025-01-06.jsonl     a file a UTC day of the snapshots; `ingest.predictions` tells the fields

Lines are kept until there are LINES of them or SPAN_MS have passed, by the snapshots' own time, and then appended in
one write; a process that is killed loses those. Nothing here ever raises into trading: what cannot be written is
counted (`MlMetrics.log_lost`) and gone. The folder lies on a local disk, for a decision waits for the write.
"""

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

from grinder_resources.contracts.signals import MlSignalSnapshot
from grinder_resources.hashing import canonical_json
from grinder_resources.inference.config import MlConfig
from grinder_resources.inference.decision import Decision, Mode
from grinder_resources.inference.loading import Obstacle
from grinder_resources.inference.metrics import MlMetrics
from grinder_resources.inference.reasons import Refusal
from grinder_resources.inference.snapshot import Reading, Snapshot, bad_identity, encode
from grinder_resources.inference.sources import ModelSource, Source

LINES = 64
SPAN_MS = 10_000
DAY_MS = 86_400_000

# no link is followed, and a pipe that nobody reads is an error, not a wait
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class PredictionLog:
    """The log of one engine.

    folder
        Made where it is missing.
    venue
        Where the process trades, as the lake spells it.
    model_hash
        Of the model that answers; '' where none was loaded.
    reading
        How that model reads a snapshot; None where there is no model, and so nothing that was read.
    metrics
        Counts lines that were written, and lines that were lost.
    """

    def __init__(self, folder: Path, venue: str, model_hash: str, reading: Reading | None, metrics: MlMetrics) -> None:
        self._folder, self._venue, self._model_hash, self._reading = folder, venue, model_hash, reading
        self._metrics = metrics
        self._lines: list[str] = []
        self._first_ms = 0
        self._torn = True  # by whoever wrote here last, until a write of ours went well

    def record(self, snapshot: Snapshot, decision: Decision) -> None:
        """Keep a decision; passed over is one of an engine that is off, or about what is no snapshot."""
        try:
            if decision.mode is not Mode.OFF and not bad_identity(snapshot):
                self._keep(snapshot.ts, self._line(snapshot, decision))
        except Exception:  # noqa: BLE001 - the border: a log must not stop trading
            self._metrics.log_lost += 1

    def flush(self) -> None:
        """Write what is kept."""
        lines, self._lines = self._lines, []
        try:
            if lines:
                self._append("".join(lines).encode())
                self._metrics.logged += len(lines)
        except Exception:  # noqa: BLE001 - as above; a full disk is the likeliest
            self._torn = True
            self._metrics.log_lost += len(lines)

    def _keep(self, ts: int, line: str) -> None:
        same_file = ts // DAY_MS == self._first_ms // DAY_MS
        if len(self._lines) >= LINES or not same_file or not 0 <= ts - self._first_ms < SPAN_MS:
            self.flush()
        if not self._lines:
            self._first_ms = ts
        self._lines.append(line)

    def _line(self, snapshot: Snapshot, decision: Decision) -> str:
        """Return a decision as one line of JSON."""
        facts = {
            "type": "prediction",
            "v": 0,
            "ts_ms": snapshot.ts,
            "venue": self._venue,
            "symbol": snapshot.symbol,
            "mode": decision.mode,
            "applied": decision.applied,
            "refusal": decision.refusal.code if decision.refusal else "",
            "model_hash": self._model_hash,
        }
        inputs = self._inputs(snapshot, decision.signal)
        if not inputs or decision.signal is None:
            return canonical_json(facts) + "\n"
        said = canonical_json(facts | _said(decision.signal))
        return f'{said[:-1]},"features":{inputs}}}\n'

    def _inputs(self, snapshot: Snapshot, signal: MlSignalSnapshot | None) -> str:
        """Return what the model read, as it was hashed; '' where the signal is not its word about this snapshot."""
        if signal is None or self._reading is None:
            return ""
        read = encode(snapshot, self._reading)
        return "" if isinstance(read, Refusal) or read.features_hash != signal.features_hash else read.text

    def _append(self, data: bytes) -> None:
        """Append whole lines to the day's file. Raises OSError where not all of them could be written."""
        self._folder.mkdir(parents=True, exist_ok=True)
        day = datetime.fromtimestamp(self._first_ms // 1_000, UTC).date()
        descriptor = os.open(self._folder / f"predictions_{day}.jsonl", _APPEND, 0o644)
        try:
            # readers skip blank lines, so a line that was cut short spoils no other
            block = b"\n" + data if self._torn and os.fstat(descriptor).st_size else data
            if os.write(descriptor, block) < len(block):
                raise OSError(errno.ENOSPC, "not all lines were written")
        finally:
            os.close(descriptor)
        self._torn = False


def prediction_log(config: MlConfig, source: Source | Obstacle, metrics: MlMetrics) -> PredictionLog | None:
    """Return the log that the settings ask for; None where they ask for none."""
    if not config.prediction_log:
        return None
    model_hash = "" if isinstance(source, Obstacle) else source.model_hash
    reading = source.model.facts.reading if isinstance(source, ModelSource) else None
    return PredictionLog(Path(config.prediction_log), config.prediction_venue, model_hash, reading, metrics)


def _said(signal: MlSignalSnapshot) -> dict[str, int | str]:
    low, mid, high = signal.regime_probs_bps
    return {
        "low_bps": low,
        "mid_bps": mid,
        "high_bps": high,
        "spacing_x1000": signal.spacing_multiplier_x1000,
        "features_hash": signal.features_hash,
    }
