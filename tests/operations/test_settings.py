"""Settings of operations: the file's values, the defaults beside them, and every mistake with its place."""

from pathlib import Path

import pytest

from grinder_resources.contracts.operations import (
    CalibrationSettings,
    MonitoringSettings,
    Operations,
    RegistrySettings,
)
from grinder_resources.errors import BadDeclaration, GrinderError, OutOfRange, UnknownName
from grinder_resources.operations import load_operations, operations


def written(folder: Path, text: str) -> Path:
    path = folder / "operations.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_setting_is_read(tmp_path: Path) -> None:
    """Each key of the block ends in the setting of its name."""
    text = """
    ml:
      calibration: {retrain_interval_days: 3, min_training_samples: 500}
      monitoring:
        drift_check_interval_hours: 6
        warning_threshold: 0.05
        drift_threshold: 0.5
        accuracy_threshold: 0.4
        min_rows: 50
        window_hours: 48
        false_discovery_rate: 0.01
        cool_down_hours: 72
      registry: {max_versions: 4}
    """
    assert load_operations(written(tmp_path, text)) == Operations(
        CalibrationSettings(3, 500), MonitoringSettings(6, 0.05, 0.5, 0.4, 50, 48, 0.01, 72), RegistrySettings(4)
    )


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    """An empty block is the specification."""
    assert load_operations(written(tmp_path, "ml:\n")) == Operations()


def test_the_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GRINDER_OPERATIONS is read when asked for; without it the defaults hold."""
    monkeypatch.delenv("GRINDER_OPERATIONS", raising=False)
    assert operations() == Operations()
    path = written(tmp_path, "ml: {registry: {max_versions: 2}}")
    monkeypatch.setenv("GRINDER_OPERATIONS", str(path))
    assert operations().registry == RegistrySettings(2)


@pytest.mark.parametrize(
    ("text", "refusal", "place"),
    [
        ("- 1", BadDeclaration, "block `ml:`"),
        ("ml: [1", BadDeclaration, "cannot be read"),
        ("ml: {drift: {}}", UnknownName, "got drift; expected calibration, monitoring, registry"),
        ("ml: {registry: {versions: 3}}", UnknownName, r"ml\.registry; got versions; expected max_versions"),
        ("ml: {registry: 3}", BadDeclaration, "maps names to values"),
        ("ml: {registry: {max_versions: '3'}}", BadDeclaration, r"ml\.registry\.max_versions; got '3'"),
        ("ml: {registry: {max_versions: true}}", BadDeclaration, "whole number"),
        ("ml: {registry: {max_versions: 0}}", OutOfRange, "got 0; expected >= 1"),
        ("ml: {monitoring: {min_rows: 1.5}}", BadDeclaration, "whole number"),
        ("ml: {monitoring: {drift_check_interval_hours: 25}}", OutOfRange, "got 25; expected 1 to 24"),
        ("ml: {monitoring: {drift_threshold: .nan}}", OutOfRange, "got nan; expected 0 to 1"),
        ("ml: {monitoring: {warning_threshold: 0.3}}", OutOfRange, "got 0.3; expected <= drift_threshold 0.2"),
    ],
)
def test_a_mistake_is_refused_with_its_place(
    text: str, refusal: type[GrinderError], place: str, tmp_path: Path
) -> None:
    """A typo must not mean a default."""
    with pytest.raises(refusal, match=place):
        load_operations(written(tmp_path, text))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A wrong address must not mean the defaults either."""
    with pytest.raises(BadDeclaration, match="cannot be read"):
        load_operations(tmp_path / "none.yaml")
