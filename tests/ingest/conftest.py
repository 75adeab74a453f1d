"""Small landing folders, staged."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from grinder_resources.ingest.bronze import stage_landing
from grinder_resources.ingest.limits import Limits
from grinder_resources.ingest.staged import Staged

Files = dict[str, str | bytes]
Stage = Callable[..., Staged]


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """Return an empty landing folder."""
    folder = tmp_path / "landing"
    folder.mkdir()
    return folder


@pytest.fixture
def stage(tmp_path: Path, landing: Path) -> Stage:
    """Return a function that writes files into the landing folder and stages it; names in .gz are compressed."""

    def run(files: Files, symbols: set[str] | None = None, limits: Limits | None = None) -> Staged:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            path = landing / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
        return stage_landing(landing, tmp_path / "stage", tmp_path / "pins.yaml", symbols, limits=limits)

    return run
