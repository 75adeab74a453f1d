"""Each landing file parsed once, into Parquet parts addressed by content.

    <stage>/<key>/<table>/<date>/<n>.parquet    good rows, in file order; `seq` is the line number
    <stage>/<key>/quarantine.parquet            rows kept aside, with their day
    <stage>/<key>/state.json                    what the next file of a chained feed needs to know
    <stage>/<key>/done.json                     counts per table, day and instrument

`key` is the sha256 of everything that decides the rows: reader version, units, limits, and the bytes of the file; for
a chained feed (a collector's book runs on from file to file) also of every file before it. A folder appears under its
key by one rename, complete or not at all, so an interrupted run leaves nothing that could be taken for a result.
Appending a file parses that file alone; a chained one starts from the state its predecessor left.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grinder_resources.errors import CorruptFile
from grinder_resources.hashing import canonical_json, sha256_facts, sha256_file
from grinder_resources.ingest.formats import Format, ListingMap, State, format_of
from grinder_resources.ingest.instruments import Listings
from grinder_resources.ingest.landing import Feed, LandingFile
from grinder_resources.ingest.limits import Limits, verify
from grinder_resources.ingest.parts import PartWriter
from grinder_resources.ingest.sieve import Newest, Sieve
from grinder_resources.storage import storage_errors

_VERSION = "staging-1"
_TEMPORARY = ".tmp-"


@dataclass(frozen=True)
class StagedFile:
    """One landing file and where its rows are staged.

    copy
        True if an earlier file of the feed has the same bytes: all its rows are repeats.
    listings
        Units its rows are counted in, by (venue, symbol).
    """

    source: str
    format: str
    sha256: str
    key: str
    folder: Path
    copy: bool
    listings: ListingMap

    def done(self) -> dict[str, Any]:
        """Return the counts of `done.json`: `counts` (one entry a table, day and instrument) and `reasons` by table."""
        path = self.folder / "done.json"
        try:
            done: dict[str, Any] = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise CorruptFile(
                "a staged result cannot be read", where=str(path), hint="Remove its folder and run again."
            ) from error
        return done


@dataclass(frozen=True)
class Job:
    """A file to stage, what its key is made of, and the key of the file whose state it continues ('' for none)."""

    feed: Feed
    file: LandingFile
    staged: StagedFile
    continues: str


def plan_feed(feed: Feed, stage: Path, listings: Listings, limits: Limits) -> list[Job]:
    """Return one job a file, in the feed's order; hashes each file and infers units that are not known."""
    form = format_of(feed)
    units = {key: listings.resolve(*key, infer) for key, infer in sorted(form.instruments(feed, limits).items())}
    base = [_VERSION, form.version, [units[key].facts for key in sorted(units)], limits.shaping]
    jobs: list[Job] = []
    seen: dict[str, str] = {}
    last = ""
    for file in feed.files:
        digest = sha256_file(file.path)
        copy = digest in seen
        before = last if form.chained and not copy else ""
        key = seen.setdefault(digest, sha256_facts([*base, list(file.facts.tables), before, digest]))
        jobs.append(Job(feed, file, StagedFile(file.name, feed.format, digest, key, stage / key, copy, units), before))
        last = last if copy else key
    return jobs


def run_job(job: Job, limits: Limits) -> None:
    """Parse a file unless its result is there; raises as its reader, CorruptFile if no row can be dated."""
    target = job.staged.folder
    if job.staged.copy or (target / "done.json").is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    verify(job.file.path, limits)
    fresh = Path(tempfile.mkdtemp(prefix=f"{_TEMPORARY}{os.getpid()}-", dir=target.parent))
    try:
        with storage_errors(str(target.parent)):
            _parse(job, fresh, limits)
            _publish(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _publish(fresh: Path, target: Path) -> None:
    try:
        fresh.replace(target)
    except OSError:
        # Another process that staged the same bytes came first: its result is this one's.
        if not (target / "done.json").is_file():
            raise


def sweep(stage: Path) -> None:
    """Remove what runs that no longer exist have left half done."""
    for leftover in stage.glob(f"{_TEMPORARY}*"):
        owner = leftover.name.removeprefix(_TEMPORARY).partition("-")[0]
        if not (owner.isdigit() and _runs(int(owner))):
            shutil.rmtree(leftover, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _parse(job: Job, folder: Path, limits: Limits) -> None:
    form: Format = format_of(job.feed)
    state = _load_state(job.staged.folder.parent / job.continues) if job.continues else {}
    reader = form.reader(job.staged.listings, limits, state.get("reader", {}))
    sieve = Sieve(job.staged.listings.values(), limits, _newest(state))
    writer = PartWriter(folder, job.file.name)
    for candidates in reader.read(job.file):
        writer.add(sieve.sift(candidates))
    counts = writer.finish()
    if form.chained:
        newest = [[*key, value] for key, value in sorted(sieve.newest.items())]
        _write(folder / "state.json", {"reader": reader.state(), "newest": newest})
    _write(folder / "done.json", counts)


def _newest(state: State) -> Newest:
    return {(table, venue, symbol): value for table, venue, symbol, value in state.get("newest", [])}


def _load_state(folder: Path) -> State:
    path = folder / "state.json"
    try:
        state: State = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CorruptFile(
            "a staged state cannot be read", where=str(path), hint="Remove its folder and run again."
        ) from error
    return state


def _write(path: Path, facts: Mapping[str, Any]) -> None:
    path.write_text(canonical_json(facts), encoding="utf-8")
