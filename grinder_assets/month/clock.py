"""A clock that jumps: every process started with `environment()` reads the time of one file.

The library is libfaketime (Debian and Ubuntu: package `faketime`). Only the wall clock is faked; sleeps and timeouts
stay real, so a daemon polls as often as ever and merely finds that hours have passed. Each process counts on from the
file's time since it last saw it change, so processes may differ by the seconds since the last jump.
"""

import os
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from grinder_resources.errors import ExtraMissing

_NAME = "libfaketimeMT.so.1"
_SITE = """\
# libfaketime mistakes the monotonic deadline of Python's own sleep for one of the wall clock; select has none.
import select
import time

time.sleep = lambda seconds: select.select([], [], [], seconds) and None
"""


class FakeClock:
    """The time of a file in `folder`, and what makes processes read it. Raises ExtraMissing without libfaketime."""

    def __init__(self, folder: Path, library: Path | None = None) -> None:
        self._folder = folder
        self._stamp = folder / "now"
        self._library = library or _library()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sitecustomize.py").write_text(_SITE, encoding="ascii")

    def set(self, moment: datetime) -> None:
        """Let every process find it is `moment`; the file is replaced whole, for it is read at any time."""
        aside = self._stamp.with_suffix(".new")
        aside.write_text(f"@{moment:%Y-%m-%d %H:%M:%S}\n", encoding="ascii")
        aside.replace(self._stamp)
        self._set = moment, time.monotonic()

    @property
    def now(self) -> datetime:
        """What time it is; the clock runs on between two jumps."""
        moment, since = self._set
        return moment + timedelta(seconds=time.monotonic() - since)

    def environment(self) -> Mapping[str, str]:
        """Return the variables of a process that lives by this clock."""
        return {
            "PYTHONPATH": os.pathsep.join(path for path in (str(self._folder), os.environ.get("PYTHONPATH")) if path),
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._stamp),
            # Each process looks at the file once a second; at every call it would be twenty times as slow.
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "TZ": "UTC",
        }


def _library() -> Path:
    places = [
        Path("/usr/lib/faketime"),
        Path("/usr/local/lib/faketime"),
        *Path("/usr/lib").glob("*-linux-gnu/faketime"),
    ]
    found = [place / _NAME for place in places if (place / _NAME).is_file()]
    if not found:
        raise ExtraMissing("the simulated month needs libfaketime", got=f"no {_NAME}", hint="apt-get install faketime")
    return found[0]
