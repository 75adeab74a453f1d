"""The bot's own training pipeline (ML spec M8-03b): a small random forest on synthetic rows as an artifact of the bot.

Same id, seed and number of rows: same bytes of `model.onnx`, with the same versions of scikit-learn and skl2onnx. The
model answers with `regime_probs` alone; the bot's runtime then takes 1.0 for the spacing.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grinder_resources.contracts.artifacts import INPUT, MODEL_FILE, REPORT_FILE
from grinder_resources.contracts.bot import FEATURE_ORDER, PROBS_OUTPUT
from grinder_resources.export.bot_artifact import manifest_of, write_bot_artifact
from grinder_resources.export.bot_regime import RegimeRows, synthetic_rows
from grinder_resources.export.commit import head_commit
from grinder_resources.export.strict_json import json_bytes
from grinder_resources.hashing import sha256_bytes

SEED = 42
ROWS = 300
OPSET = 15
GRAPH_NAME = "regime_classifier"
TREES = 10
DEPTH = 4


@dataclass(frozen=True)
class TrainedRegime:
    """What training leaves: the folder, the sha256 of its model, rows by regime, and the share of them it answers."""

    directory: Path
    model_sha256: str
    counts: dict[str, int]
    train_accuracy: float
    git_sha: str | None


def train_regime(
    directory: Path, dataset_id: str, *, created_at: str, seed: int = SEED, rows: int = ROWS, notes: str | None = None
) -> TrainedRegime:
    """Train on the synthetic rows of an id and write `model.onnx`, `train_report.json` and a "v1.1" manifest.

    created_at
        A label, `YYYY-MM-DDTHH:MM:SSZ`.

    Raises NothingTrainable where a regime has no row, InputRefused where the folder exists, StorageFull where the disk
    refuses; then nothing is written.
    """
    made = synthetic_rows(dataset_id, seed, rows)
    forest = fitted_forest(made, seed)
    model = forest_onnx(forest)
    accuracy = float((forest.predict(made.inputs) == made.regimes).mean())
    report = {
        "dataset_id": dataset_id,
        "n_samples": rows,
        "seed": seed,
        "n_features": len(FEATURE_ORDER),
        "train_accuracy": accuracy,
        "regime_distribution": made.counts,
        "created_at": created_at,
        "model_sha256": sha256_bytes(model),
        "notes": notes,
        **_versions(),
    }
    files = {MODEL_FILE: model, REPORT_FILE: json_bytes(report)}
    commit = head_commit()
    manifest = manifest_of(
        files, schema="v1.1", created_at=created_at, dataset_id=dataset_id, git_sha=commit, notes=notes
    )
    write_bot_artifact(directory, files, manifest)
    return TrainedRegime(directory, sha256_bytes(model), made.counts, accuracy, commit)


def fitted_forest(rows: RegimeRows, seed: int) -> Any:
    """Return scikit-learn's classifier, fitted in one thread."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(n_estimators=TREES, max_depth=DEPTH, random_state=seed, n_jobs=1)
    return forest.fit(rows.inputs, rows.regimes)


def forest_onnx(forest: Any) -> bytes:
    """Return the graph of a classifier that was fitted on three regimes: `input` in, `regime_probs` out."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    graph_type = [(INPUT, FloatTensorType([None, len(FEATURE_ORDER)]))]
    plain = {id(forest): {"zipmap": False}}  # a matrix of probabilities in place of a list of dictionaries
    model = convert_sklearn(forest, initial_types=graph_type, target_opset=OPSET, options=plain)
    graph = model.graph
    graph.name = GRAPH_NAME  # the converter's is random, and would give every run other bytes
    for node in graph.node:
        node.output[:] = [PROBS_OUTPUT if name == "probabilities" else name for name in node.output]
    kept = next(output for output in graph.output if output.name == "probabilities")
    kept.name = PROBS_OUTPUT
    del graph.output[:]
    graph.output.append(kept)
    return bytes(model.SerializeToString())


def _versions() -> dict[str, Any]:
    import skl2onnx
    import sklearn

    return {
        "onnx_opset_version": OPSET,
        "sklearn_version": sklearn.__version__,
        "skl2onnx_version": skl2onnx.__version__,
    }
