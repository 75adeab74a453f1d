"""Proof that features are the same bits however they are computed: one sha256 a mode over the same sampled points.

stored
    Silver as it lies in the lake; probes are not stored, so it is held against the other points of `full history`.
full history
    The Silver build over whole days.
trailing window
    Every moment from nothing but the rows it may reach.
tick-by-tick stream, chunks of 7
    Records handed over one by one, or seven at a time, to an online market and to the snapshot engine.
1, 2, 4 threads
    Full history again in a process whose polars and numba have so many threads, by as many threads of its own.

Every mode but `stored` starts from Bronze, and from the bars of earlier days as they lie in Silver.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType

import polars as pl

from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.errors import ProofFailed
from grinder_resources.features.manifest import load_manifest
from grinder_resources.features.version import FeatureManifest
from grinder_resources.lake import Lake
from grinder_resources.progress import track
from grinder_resources.proofs.features_modes import Answers, Rebuild, full_history, schema, trailing_window
from grinder_resources.proofs.features_points import POINT, PROBE, SNAPSHOT_KEY, Points
from grinder_resources.proofs.features_stream import in_pieces
from grinder_resources.proofs.rebuild import MarketDay, first_difference
from grinder_resources.proofs.table import text_table
from grinder_resources.proofs.workers import in_fresh_process

STORED, REFERENCE = "stored", "full history"
WORKERS = 2
"""Modes that run at the same time, each in a process of its own."""


@dataclass(frozen=True)
class Mode:
    """A way to compute points again; `threads` is the size of every pool in its process, None as the process has it."""

    rebuild: Rebuild
    threads: int | None = None


MODES = MappingProxyType(
    {
        REFERENCE: Mode(full_history),
        "trailing window": Mode(trailing_window),
        "tick-by-tick stream": Mode(in_pieces(1)),
        "chunks of 7": Mode(in_pieces(7)),
        "1 thread": Mode(full_history, 1),
        "2 threads": Mode(full_history, 2),
        "4 threads": Mode(full_history, 4),
    }
)


@dataclass(frozen=True)
class Outcome:
    """What one mode answered, and how long it took, s."""

    mode: str
    answers: Answers
    seconds: float


def outcomes(lake: Lake, version: str, points: Points) -> list[Outcome]:
    """Return the outcome of Silver as it lies there, and of every mode; each mode runs in a process of its own."""
    stored = from_silver(lake, load_manifest(version), points)
    with ThreadPoolExecutor(WORKERS) as several:
        coming = [
            several.submit(in_fresh_process, mode.threads, answered, name, lake.root, version, points)
            for name, mode in MODES.items()
        ]
        return [stored, *(outcome.result() for outcome in track(coming, "modes"))]


def answered(name: str, root: str, version: str, points: Points) -> Outcome:
    """Return what one mode answers, from the lake under `root`; instruments are spread over the mode's threads."""
    began, mode = time.perf_counter(), MODES[name]
    lake, manifest = Lake(root), load_manifest(version)
    parts: list[Answers] = []
    with ThreadPoolExecutor(mode.threads or 1) as threads:
        for day, places in groupby(points.places, key=itemgetter(0)):
            market = MarketDay.read(lake, day)
            keys = [key for _, key in places]
            here = [(market.of(key), points.at(day, key)) for key in keys]
            parts += threads.map(partial(mode.rebuild, manifest), *zip(*here, strict=True))
    return Outcome(name, Answers.of(parts), time.perf_counter() - began)


def from_silver(lake: Lake, manifest: FeatureManifest, points: Points) -> Outcome:
    """Return the points that are rows of Silver, as they lie there."""
    began = time.perf_counter()
    asked = points.stored
    parts = []
    for day in sorted({day for day, _ in points.places}):
        wanted = asked.moments.filter(pl.col("date") == day).select(POINT, "venue", "event_id")
        rows = lake.read(manifest.table, day, day).join(wanted, on=["venue", "event_id"], how="inner")
        snapshots = lake.read(SNAPSHOTS, day, day).join(asked.snapshots, on=list(SNAPSHOT_KEY), how="semi")
        parts.append(Answers(rows.select(pl.col(schema(manifest).names())), snapshots))
    return Outcome(STORED, Answers.of(parts), time.perf_counter() - began)


def table(found: Sequence[Outcome], points: Points) -> str:
    """Return one line a mode, `stored` first; where there are probes, the line it has to equal follows it."""
    rows = list(found)
    if points.moments[PROBE].any():
        rows.insert(1, without_probes(_reference(found), points))
    return text_table(
        ("mode", "points", "sha256", "seconds"),
        [(one.mode, one.answers.size, one.answers.sha256, round(one.seconds, 1)) for one in rows],
    )


def assert_same(version: str, points: Points, found: Sequence[Outcome]) -> None:
    """Raise ProofFailed with the first point and column in which a mode differs from full history."""
    whole = _reference(found)
    for outcome in found:
        expected = without_probes(whole, points) if outcome.mode == STORED else whole
        if outcome.answers.sha256 != expected.answers.sha256:
            raise _difference(version, points, outcome, expected)


def _reference(found: Sequence[Outcome]) -> Outcome:
    return next(outcome for outcome in found if outcome.mode == REFERENCE)


def without_probes(whole: Outcome, points: Points) -> Outcome:
    """Return an outcome's points that are rows of Silver."""
    moments = whole.answers.moments.join(points.stored.moments, on=POINT, how="semi").sort(POINT)
    return Outcome(f"{whole.mode}, no probes", Answers(moments, whole.answers.snapshots), whole.seconds)


def _difference(version: str, points: Points, outcome: Outcome, expected: Outcome) -> ProofFailed:
    """Return the refusal that names the first difference; there is one."""
    found = first_difference(expected.answers.moments, outcome.answers.moments, [POINT])
    if found is None:
        found = first_difference(expected.answers.snapshots, outcome.answers.snapshots, SNAPSHOT_KEY)
        assert found is not None
        row = f"{SNAPSHOTS.name} {' '.join(map(str, found.key))}"
    else:
        event = points.moments.row(by_predicate=pl.col(POINT) == found.key[0], named=True)
        row = f"silver/features/{version} {event['venue']} {event['event_id']} at t1 {event['confirm_ts_ns']}"
    return ProofFailed(
        "a mode gives other features",
        where=f"{row}, column {found.column}" if found.column else row,
        got=f"{found.got} by {outcome.mode}",
        expected=f"{found.expected} by {expected.mode}",
    )
