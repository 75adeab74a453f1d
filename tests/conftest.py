"""What every test may use."""

from pathlib import Path

import pytest
from hypothesis import settings

# The same examples everywhere, so that a red test is red for whoever looks; a busy machine is no failure.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")

TESTS = Path(__file__).parent
REAL_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real market data beside the checkout, or skip where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip("real market data is not beside this checkout (../shared/data)")
    return REAL_DATA


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share something costly in one process when several run side by side: a file, or the one house."""
    for item in items:
        shared = "house" if "house" in getattr(item, "fixturenames", ()) else item.path.relative_to(TESTS).as_posix()
        item.add_marker(pytest.mark.xdist_group(shared))
