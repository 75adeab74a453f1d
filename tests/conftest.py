"""What every test may use."""

from pathlib import Path

import pytest

REAL_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real market data beside the checkout, or skip where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip("real market data is not beside this checkout (../shared/data)")
    return REAL_DATA
