"""A lake, models, and the bundle of both."""

from pathlib import Path

import pytest

from grinder_resources.handover.pack import pack
from tests.handover.bundles import Fill, everything


@pytest.fixture(scope="session")
def fill(tmp_path_factory: pytest.TempPathFactory) -> Fill:
    """Return what fills a spool with a lake and models that nobody changes."""
    return everything(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="session")
def bundle(fill: Fill, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bundle of both that nobody changes."""
    path = tmp_path_factory.mktemp("packed") / "all.tar"
    pack(path, fill)
    return path
