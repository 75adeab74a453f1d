"""The staged landing folder, understood once a process however many Bronze assets ask for it."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path

from grinder_resources.dagster import LandingResource
from grinder_resources.errors import NoData
from grinder_resources.ingest.bronze import stage_landing
from grinder_resources.ingest.staged import Staged
from grinder_resources.progress import track

Listing = tuple[tuple[str, int, int], ...]


def staged_landing(landing: LandingResource, days: Sequence[date]) -> Staged:
    """Return what the landing folder holds, parsing what is new.

    Raises NoData if it has not a single row in `days`; single days without rows are published empty.
    """
    staged = _stage(landing)
    known = staged.days()
    if not set(known) & set(days):
        raise NoData(
            "the landing folder has no row of the days asked for",
            where=str(landing.folder_path),
            got=f"{known[0]} .. {known[-1]}",
            expected=f"{min(days)} .. {max(days)}",
            hint="Ask for days inside that range or drop more files",
        )
    return staged


def staged_days(landing: LandingResource) -> list[date]:
    """Return the days the landing folder has rows of, ascending, at least one."""
    return _stage(landing).days()


def _stage(landing: LandingResource) -> Staged:
    symbols = landing.wanted_symbols or frozenset()
    return _staged(landing.folder_path, landing.staging_path, landing.pins_path, symbols, _listing(landing.folder_path))


@lru_cache(maxsize=2)
def _staged(folder: Path, staging: Path, pins: Path, symbols: frozenset[str], _listing: Listing) -> Staged:
    """Stage once per content of the folder: the listing is the cache key, the parser itself works by content hash."""
    return stage_landing(folder, staging, pins, set(symbols) or None, progress=track)


def _listing(folder: Path) -> Listing:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    stats = [(path, path.stat()) for path in files]
    return tuple((str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats)
