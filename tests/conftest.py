"""What every test may use."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ONE_HOUSE = TESTS / "cli"
"""Tests of this folder look at one run together."""
REAL_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real market data beside the checkout, or skip where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip("real market data is not beside this checkout (../shared/data)")
    return REAL_DATA


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share something costly in one process when several run side by side."""
    for item in items:
        shared = ONE_HOUSE if item.path.is_relative_to(ONE_HOUSE) else item.path
        item.add_marker(pytest.mark.xdist_group(shared.relative_to(TESTS).as_posix()))
