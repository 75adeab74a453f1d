"""Three small real boosters, and an artifact made of them."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from grinder_resources.contracts.artifacts import ExportableHead, TrainingMetadata
from grinder_resources.export.artifact import ArtifactDraft, write_artifact
from grinder_resources.learning.boosters import snap_leaves
from grinder_resources.learning.specs import Head
from tests.export.plain_artifacts import CREATED_AT
from tests.export.small_models import FEATURES, Heads, Rows, Task, exportable, fit


@pytest.fixture(scope="session")
def rows() -> Rows:
    """Return [1500, 6] float32: normal, integer, constant-ish and binary columns, a tenth of the values missing."""
    rng = np.random.default_rng(7)
    values = rng.normal(size=(1500, len(FEATURES))).astype(np.float32)
    values[:, 1] = np.round(values[:, 1] * 3)
    values[:, 4] *= 1e6
    values[:, 5] = values[:, 5] > 1
    values[rng.random(values.shape) < 0.1] = np.nan
    return values


@pytest.fixture(scope="session")
def tasks(rows: Rows) -> tuple[Task, ...]:
    """Return a binary, a regression and a three-class task; missing values carry information in the first."""
    known = np.nan_to_num(rows).astype(np.float64)
    classes = np.digitize(known[:, 0] + known[:, 3], [-0.7, 0.7]).astype(np.float64)
    binary = ((known[:, 0] + known[:, 1] * known[:, 2] > 0) ^ np.isnan(rows[:, 3])).astype(np.float64)
    return (
        Task("tradeable_2", "binary", {"objective": "binary:logistic", "max_depth": 4}, binary, ("no", "yes")),
        Task(
            "strength",
            "regression",
            {"objective": "reg:squarederror", "max_depth": 5},
            known[:, 0] * 2 + 0.7,
            unit=1000.0,
        ),
        Task(
            "regime",
            "multiclass",
            {"objective": "multi:softprob", "max_depth": 3, "num_class": 3},
            classes,
            ("LOW", "MID", "HIGH"),
        ),
    )


@pytest.fixture(scope="session")
def raw_heads(tasks: tuple[Task, ...], rows: Rows) -> Heads:
    """Return the heads as XGBoost leaves them: leaves and base anywhere."""
    return tuple(exportable(task, bytes(fit(task, rows).save_raw("json"))) for task in tasks)


@pytest.fixture(scope="session")
def heads(raw_heads: Heads) -> Heads:
    """Return the same heads with leaves on the 2^-16 grid and a base margin of 0."""
    return tuple(
        ExportableHead(
            head.name,
            head.kind,
            head.classes,
            snap_leaves(head.booster_json, Head(head.name, head.kind, head.name, classes=head.classes)),
            head.unit,
        )
        for head in raw_heads
    )


@pytest.fixture(scope="session")
def draft(heads: Heads) -> ArtifactDraft:
    """Return an artifact that could be published."""
    return ArtifactDraft(
        name="level_signals",
        heads=heads,
        input_features=FEATURES,
        training=TrainingMetadata(1200, 300, 7250, "d4e5f67890123456"),
        config={"spec": "level_signals", "max_depth": 4},
        train_report={"rounds": {"tradeable_2": 30}},
    )


@pytest.fixture(scope="session")
def published(draft: ArtifactDraft, rows: Rows, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a published artifact that nobody changes."""
    return write_artifact(tmp_path_factory.mktemp("models"), draft, rows[:50], created_at=CREATED_AT).directory


@pytest.fixture
def artifact(published: Path, tmp_path: Path) -> Path:
    """Return a copy of the published artifact, in a models folder of its own."""
    return Path(shutil.copytree(published, tmp_path / "models" / published.name))
