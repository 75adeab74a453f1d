"""A store that all tests share, and an environment in which nobody asked for one."""

import pytest

from grinder_resources.tracking.address import Store, store_of


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a local store, whose tables take seconds to make."""
    found = store_of(tmp_path_factory.mktemp("models"), "local")
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def nothing_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment of the tests says, nobody asked for tracking, and nobody waits for a server."""
    monkeypatch.delenv("GRINDER_TRACKING", raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
