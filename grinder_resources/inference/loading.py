"""The artifact gate: from settings to a source of signals, or to the reason why there is none. It never raises."""

from dataclasses import dataclass
from pathlib import Path

from grinder_resources.contracts.artifacts import MANIFEST_FILE
from grinder_resources.errors import ManifestRejected, RegistryRejected
from grinder_resources.export.bot_registry import resolve
from grinder_resources.inference.config import MlConfig
from grinder_resources.inference.door import open_model
from grinder_resources.inference.drift import DriftWindow
from grinder_resources.inference.events import registry_resolved
from grinder_resources.inference.gates import onnx_available
from grinder_resources.inference.reasons import MlBlockReason
from grinder_resources.inference.selection import read_signal_file
from grinder_resources.inference.snapshot import L1_FEATURES, L2_FEATURES
from grinder_resources.inference.sources import FileSource, ModelSource, Source


@dataclass(frozen=True)
class Obstacle:
    """Why there is no source of signals; `detail` is the line of the refusal behind it."""

    reason: MlBlockReason
    detail: str = ""


def load_source(config: MlConfig) -> Source | Obstacle:
    """Return the model, or the signal file, that the settings name, verified; or what stands in the way."""
    try:
        return _load(config)
    except (ManifestRejected, RegistryRejected) as error:
        return Obstacle(MlBlockReason.MANIFEST_INVALID, error.line())
    except Exception as error:  # noqa: BLE001 - whatever a model's bytes do to a library, it is not loaded
        return Obstacle(MlBlockReason.MODEL_NOT_LOADED, str(error)[:500])


def named_by(config: MlConfig) -> str:
    """Return the setting that names the source; '' where none does."""
    settings = ("signal_file", "ml_registry_path", "model_dir", "onnx_artifact_dir")
    return next((name for name in settings if getattr(config, name)), "")


def _load(config: MlConfig) -> Source | Obstacle:
    if config.signal_file:
        index = read_signal_file(Path(config.signal_file), config.signal_sha256)
        return FileSource(index, config.signal_file, config.max_signal_age_ms)
    if not onnx_available():
        return Obstacle(MlBlockReason.ONNX_UNAVAILABLE)
    folder = _folder(config)
    if not folder.is_dir():
        return Obstacle(MlBlockReason.ARTIFACT_DIR_MISSING, str(folder))
    if not (folder / MANIFEST_FILE).is_file():
        return Obstacle(MlBlockReason.MANIFEST_INVALID, f"no {MANIFEST_FILE} in {folder}")
    deadline_ms = config.max_inference_latency_ms if config.isolate_model else None
    model = open_model(folder, withheld=_withheld(config), deadline_ms=deadline_ms)
    if config.ml_active_enabled and not config.ml_registry_path and model.facts.schema != "1":
        model.runner.close()
        return Obstacle(MlBlockReason.MODEL_NOT_LOADED, f"{folder} is the bot's own: for shadow, or through a registry")
    reference = model.facts.reference
    return ModelSource(model, DriftWindow(reference) if reference else None)


def _folder(config: MlConfig) -> Path:
    """Return the artifact's folder; a registry wins over a folder. Raises RegistryRejected."""
    if config.ml_registry_path:
        folder, pointer = resolve(Path(config.ml_registry_path), config.ml_model_name, config.ml_stage)
        registry_resolved(
            model=config.ml_model_name,
            stage=config.ml_stage,
            artifact_dir=str(folder),
            artifact_id=pointer.artifact_id,
        )
        return folder
    return Path(config.model_dir or config.onnx_artifact_dir)


def _withheld(config: MlConfig) -> frozenset[str]:
    l1 = frozenset[str]() if config.use_l1_features else L1_FEATURES
    return l1 | (frozenset[str]() if config.use_l2_features else L2_FEATURES)
