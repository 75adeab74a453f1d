"""Small real boosters, and an artifact made of them."""

import shutil
from pathlib import Path

import pytest

from grinder_resources.export.artifact import ArtifactDraft, write_artifact
from tests.export.plain_artifacts import CREATED_AT
from tests.export.small_artifact import fitted_heads, small_draft, small_heads, small_rows, small_tasks
from tests.export.small_models import Heads, Rows, Task


@pytest.fixture(scope="session")
def rows() -> Rows:
    """Return the training rows, [1500, 6] float32."""
    return small_rows()


@pytest.fixture(scope="session")
def tasks() -> tuple[Task, ...]:
    """Return what the heads were fitted to."""
    return small_tasks()


@pytest.fixture(scope="session")
def raw_heads() -> Heads:
    """Return the heads as XGBoost leaves them."""
    return fitted_heads()


@pytest.fixture(scope="session")
def heads() -> Heads:
    """Return the same heads with leaves on the grid."""
    return small_heads()


@pytest.fixture(scope="session")
def draft() -> ArtifactDraft:
    """Return an artifact that could be published."""
    return small_draft()


@pytest.fixture(scope="session")
def published(draft: ArtifactDraft, rows: Rows, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a published artifact that nobody changes."""
    return write_artifact(tmp_path_factory.mktemp("models"), draft, rows[:50], created_at=CREATED_AT).directory


@pytest.fixture
def artifact(published: Path, tmp_path: Path) -> Path:
    """Return a copy of the published artifact, in a models folder of its own."""
    return Path(shutil.copytree(published, tmp_path / "models" / published.name))


@pytest.fixture(scope="session")
def good(published: Path) -> bytes:
    """Return the graph of six heads."""
    return (published / "model.onnx").read_bytes()
