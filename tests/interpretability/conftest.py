"""The regime model and what was asked of it."""

from pathlib import Path

import pytest

from grinder_resources.interpretability.event import find_event
from grinder_resources.interpretability.why import Why, why
from tests.interpretability.asked import EVENT, asked, lake_of


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of lake and models; read only."""
    return asked()


@pytest.fixture(scope="session")
def found(root: Path) -> Why:
    """Return why the model said what it did of an event of the test day."""
    lake = lake_of(root)
    return why(find_event(EVENT, lake, root / "models"), lake, root / "models")
