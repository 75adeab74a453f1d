"""What lies in the landing folder: every file recognised by its content and grouped into feeds.

A name decides only what is no data at all (hidden files, READMEs, licences, checksums). Everything else must be
understood: a file that no reader recognises stops the run, because skipping it silently would look like having
ingested it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatch
from pathlib import Path

from grinder_resources.errors import AmbiguousSource, LandingMissing, UnknownFile
from grinder_resources.hashing import sha256_facts
from grinder_resources.ingest.instruments import FILE_NAME
from grinder_resources.ingest.limits import Limits
from grinder_resources.ingest.recognise import GATE_SUMMARY, FileFacts, recognise

_NO_DATA = ("readme*", "licen[cs]e*", "sha256sums*", "*.md", FILE_NAME)
_NO_DATA_FOLDERS = ("licences", "licenses")
_SHOWN = 5
_DAY = re.compile(r"(?<!\d)(\d{4}-\d{2}-\d{2}|\d{8})(?!\d)")

Listed = tuple[str, int, int]
"""A file in a listing: its name below the landing folder, bytes, and ns of its last change."""


@dataclass(frozen=True)
class LandingFile:
    """One recognised file: its path, its name relative to the landing folder, and what its content says."""

    path: Path
    name: str
    facts: FileFacts


@dataclass(frozen=True)
class Feed:
    """Files of one format that continue each other.

    venue, symbol
        What the files are about; symbol is None where every row names its own instrument.
    tables
        Names of the Bronze tables the feed delivers.
    files
        In the order they were recorded.
    """

    format: str
    venue: str
    symbol: str | None
    tables: tuple[str, ...]
    files: tuple[LandingFile, ...]


@dataclass(frozen=True)
class Landing:
    """The landing folder, understood; `summaries` are recognised files that hold no rows."""

    folder: Path
    feeds: tuple[Feed, ...]
    summaries: tuple[str, ...]


def discover(landing: Path, symbols: set[str] | None = None, limits: Limits | None = None) -> Landing:
    """Recognise every file under `landing` and return its feeds, sorted.

    `symbols` keeps the feeds of these symbols, and those whose rows name their own. Raises LandingMissing for no
    folder or no data in it, UnknownFile for files no reader understands, AmbiguousSource where two formats deliver
    the same rows.
    """
    files = [(path, path.relative_to(landing).as_posix()) for path in _data_files(landing)]
    if not files:
        raise LandingMissing(
            "there is no landing folder, or no data in it",
            where=str(landing),
            hint="Put exchange files there; without --landing, `grinder run` makes a demo market.",
        )
    found = [LandingFile(path, name, recognise(path, name, limits or Limits())) for path, name in files]
    _refuse_unknown(found)
    summaries = tuple(file.name for file in found if file.facts.format == GATE_SUMMARY)
    feeds = [feed for feed in _feeds(found) if not symbols or feed.symbol is None or feed.symbol in symbols]
    _refuse_overlap(feeds)
    return Landing(landing, tuple(feeds), summaries)


def named_days(landing: Path) -> dict[date, str]:
    """Return the UTC days that file names tell, ascending, each with a sha256 of its files' names, sizes and times.

    No file is read. A collector's day (20240808) is its local one, so the UTC day before belongs to it too. What days a
    file holds whose name tells none is known once it is staged; until then it may be any, so all hashes move with it.
    """
    found: dict[date, list[Listed]] = {}
    undated: list[Listed] = []
    for path in _data_files(landing):
        stat = path.stat()
        listed = (path.relative_to(landing).as_posix(), stat.st_size, stat.st_mtime_ns)
        days = _days_named(path.name)
        undated += [] if days else [listed]
        for day in days:
            found.setdefault(day, []).append(listed)
    return {day: sha256_facts([found[day], undated]) for day in sorted(found)}


def _days_named(name: str) -> set[date]:
    days: set[date] = set()
    for text in _DAY.findall(name):
        try:
            day = date.fromisoformat(text)
        except ValueError:
            continue
        days |= {day} if "-" in text else {day - timedelta(days=1), day}
    return days


def _data_files(landing: Path) -> list[Path]:
    return sorted(path for path in landing.rglob("*") if path.is_file() and not _is_no_data(path.relative_to(landing)))


def _is_no_data(relative: Path) -> bool:
    hidden = any(part.startswith(".") for part in relative.parts)
    licence = any(part.lower() in _NO_DATA_FOLDERS for part in relative.parts[:-1])
    return hidden or licence or any(fnmatch(relative.name.lower(), pattern) for pattern in _NO_DATA)


def _refuse_unknown(found: Iterable[LandingFile]) -> None:
    unknown = [file for file in found if not file.facts.format]
    if not unknown:
        return
    shown = ", ".join(file.name for file in unknown[:_SHOWN])
    more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
    raise UnknownFile(
        "no reader recognises a landing file"
        if len(unknown) == 1
        else f"no reader recognises {len(unknown)} landing files",
        where=shown + more,
        expected="Tardis CSV, Binance collector logs, bot ticks or l2_snapshot JSONL, gates, orders, prediction logs",
        hint=next((file.facts.hint for file in unknown if file.facts.hint), "Move them out of the landing folder."),
    )


def _feeds(found: Iterable[LandingFile]) -> Iterator[Feed]:
    groups: dict[tuple[str, str, str], list[LandingFile]] = defaultdict(list)
    for file in found:
        if file.facts.format != GATE_SUMMARY:
            groups[file.facts.format, file.facts.venue, file.facts.symbol or ""].append(file)
    for (name, venue, symbol), files in sorted(groups.items()):
        ordered = sorted(files, key=lambda file: (file.facts.starts, file.name))
        tables = sorted({table for file in ordered for table in file.facts.tables})
        yield Feed(name, venue, symbol or None, tuple(tables), tuple(ordered))


def _refuse_overlap(feeds: Iterable[Feed]) -> None:
    first: dict[tuple[str, str, str], Feed] = {}
    for feed in feeds:
        for table in feed.tables if feed.symbol else ():
            other = first.setdefault((feed.venue, feed.symbol or "", table), feed)
            if other is not feed:
                raise AmbiguousSource(
                    f"two formats deliver {table} of {feed.venue}:{feed.symbol}",
                    where=" and ".join(
                        f"{Path(each.files[0].name).parent.as_posix()}/ ({each.format})" for each in (other, feed)
                    ),
                    expected="one source",
                    hint="Move one of them out of the landing folder.",
                )
