"""Nothing answers that was not read, hashed, audited and asked for its golden rows."""

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto  # noqa: TID253 - what is changed

from grinder_resources.errors import ArtifactRejected, ManifestRejected, ModelFault
from grinder_resources.export.bot_regime_train import train_regime
from grinder_resources.inference import Snapshot
from grinder_resources.inference.deadline import DeadlineWorker
from grinder_resources.inference.door import open_model
from grinder_resources.inference.model import Answer
from grinder_resources.inference.reasons import Refusal, RefusalCode
from grinder_resources.inference.snapshot import Encoded, encode
from tests.export.rewriting import attribute, edit_graph, edit_json, rewrite


def answers(folder: Path, snapshots: list[Snapshot], **options: Any) -> list[Answer | Refusal]:
    """Return what the model in a folder says of snapshots."""
    model = open_model(folder, **options)
    try:
        encoded = [encode(snapshot, model.facts.reading) for snapshot in snapshots]
        return [model.answer(one.row) if isinstance(one, Encoded) else one for one in encoded]
    finally:
        model.runner.close()


def test_the_golden_model_is_let_in(regime_artifact: Path, golden_snapshots: list[Snapshot]) -> None:
    """What it is, what it reads, and what it says of the first row, in this process and in one of its own."""
    facts = open_model(regime_artifact).facts
    assert (facts.version, facts.model_hash, facts.schema) == ("v1.0.0", "c8bb8be00c104784", "1")
    assert facts.trained_until == date(2026, 1, 9)
    assert facts.reading.nullable == {"depth_imbalance_topN_bps", "impact_buy_topN_bps", "impact_sell_topN_bps"}
    assert answers(regime_artifact, golden_snapshots)[0] == Answer((6_814, 2_675, 511), 826)
    apart = answers(regime_artifact, golden_snapshots, deadline_ms=60_000)
    assert apart == answers(regime_artifact, golden_snapshots)


def test_a_model_in_its_own_process_ends_with_it(regime_artifact: Path) -> None:
    """Closing the runner ends the process."""
    runner = open_model(regime_artifact, deadline_ms=60_000).runner
    assert isinstance(runner, DeadlineWorker)
    assert runner.pid > 0
    runner.close()
    assert runner.pid == 0


def test_withheld_features_are_refused(regime_artifact: Path, golden_snapshots: list[Snapshot]) -> None:
    """A model that reads what the settings keep from it answers nothing."""
    found = answers(regime_artifact, golden_snapshots[:1], withheld=frozenset({"natr_bps"}))
    assert found == [Refusal(RefusalCode.MISSING_FEATURE, "natr_bps")]


def cycle(folder: Path) -> None:
    """Let a tree lead back to its root."""
    edit_graph(folder, lambda model: attribute(model, "regime_margin", "nodes_truenodeids").ints.__setitem__(1, 0))


def random_node(folder: Path) -> None:
    """Add noise to the margin."""

    def noisy(model: ModelProto) -> None:
        node = model.graph.node.add()
        node.op_type = "RandomNormalLike"
        node.input.append("regime_margin")
        node.output.append("noise")

    edit_graph(folder, noisy)


def other_golden(folder: Path) -> None:
    """Change one recorded answer by one."""

    def wrong(document: Any) -> None:
        row = document["golden"]["outputs"]["regime"][3]
        row[0], row[1] = row[0] + 1, row[1] - 1

    edit_json(folder, "serving.json", wrong)


def other_model(folder: Path) -> None:
    """Rewrite a leaf and every hash that covers it."""
    edit_graph(folder, lambda model: attribute(model, "regime_margin", "target_weights").floats.__setitem__(0, 3.0))


def no_serving(folder: Path) -> None:
    """Take serving.json away, as in artifacts of before."""
    (folder / "serving.json").unlink()
    document = json.loads((folder / "manifest.json").read_bytes())
    del document["files"]["serving.json"]
    (folder / "manifest.json").write_text(json.dumps(document))


def garbage(folder: Path) -> None:
    """Put bytes in place of the model, hash and all."""
    rewrite(folder, "model.onnx", b"not a model")


def link(folder: Path) -> None:
    """Put a link in place of the model."""
    (folder / "model.onnx").rename(folder.parent / "elsewhere.onnx")
    (folder / "model.onnx").symlink_to(folder.parent / "elsewhere.onnx")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (cycle, "root, and every other the child of exactly one"),
        (random_node, "operator is not allowed"),
        (other_golden, "golden row has another answer"),
        (other_model, "golden row has another answer"),
        (no_serving, "a model that serves has golden rows"),
        (garbage, "ARTIFACT_REJECTED"),
        (link, "cannot be opened as a plain file"),
    ],
)
def test_what_is_not_exactly_right_is_refused(regime_copy: Path, fault: Callable[[Path], None], message: str) -> None:
    """Whoever rewrites hashes too still meets the audit and the golden rows."""
    fault(regime_copy)
    with pytest.raises(ArtifactRejected, match=message):
        open_model(regime_copy)


def test_of_400_flipped_bits_none_reaches_onnx_runtime(regime_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anywhere in any file of the artifact, the manifest included."""
    import onnxruntime

    def reached(*_: Any, **__: Any) -> None:
        raise AssertionError("ONNX Runtime was given bytes that nobody vouches for")

    monkeypatch.setattr(onnxruntime, "InferenceSession", reached)
    files = sorted(path for path in regime_copy.iterdir() if path.name != "manifest.json")
    rng = np.random.default_rng(5)
    refused = 0
    for number in range(400):
        path = files[number % len(files)] if number % 2 else regime_copy / "model.onnx"
        good = path.read_bytes()
        place, bit = int(rng.integers(len(good))), 1 << int(rng.integers(8))
        path.write_bytes(good[:place] + bytes([good[place] ^ bit]) + good[place + 1 :])
        with pytest.raises(ModelFault):
            open_model(regime_copy)
        path.write_bytes(good)
        refused += 1
    assert refused == 400


def test_a_model_without_regimes_gives_no_signals(regime_copy: Path) -> None:
    """Probabilities of other classes are no regimes."""
    document = json.loads((regime_copy / "manifest.json").read_bytes())
    document["heads"][0]["classes"] = ["DOWN", "FLAT", "UP"]
    document["output_classes"] = ["DOWN", "FLAT", "UP"]
    (regime_copy / "manifest.json").write_text(json.dumps(document))
    with pytest.raises(ArtifactRejected, match="LOW, MID and HIGH"):
        open_model(regime_copy)


def test_other_schemas_are_refused_by_name(regime_copy: Path) -> None:
    """A manifest of the future is not guessed at."""
    document = json.loads((regime_copy / "manifest.json").read_bytes()) | {"schema_version": 2}
    (regime_copy / "manifest.json").write_text(json.dumps(document))
    with pytest.raises(ManifestRejected, match=r"got 2; expected 1, 'v1' or 'v1\.1'"):
        open_model(regime_copy)


@pytest.fixture(scope="module")
def bots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bot's golden artifact, schema v1.1."""
    folder = tmp_path_factory.mktemp("bot") / "golden"
    train_regime(folder, "golden_test", created_at="2026-02-15T01:20:31Z", rows=100)
    return folder


BOT_ANSWERS = [
    ({}, Answer((0, 7_732, 2_268), 1_000)),
    ({"spread_bps": 1}, Answer((0, 7_732, 2_268), 1_000)),
]
"""What the bot's own runtime answers, as recorded from it."""


@pytest.mark.parametrize("schema", ["v1.1", "v1"])
def test_the_bots_artifacts_answer_as_in_the_bot(bots: Path, tmp_path: Path, schema: str) -> None:
    """To the last unit, with 0 for what is not there; NaN, which the bot lets through, is refused."""
    folder = Path(shutil.copytree(bots, tmp_path / "bot"))
    document = json.loads((folder / "manifest.json").read_bytes()) | {"schema_version": schema}
    (folder / "manifest.json").write_text(json.dumps(document))
    assert open_model(folder).facts.schema == schema
    found = answers(folder, [Snapshot(1, "X", features) for features, _ in BOT_ANSWERS])
    assert found == [answer for _, answer in BOT_ANSWERS]
    bad = answers(folder, [Snapshot(1, "X", {"spread_bps": float("nan")})])
    assert bad == [Refusal(RefusalCode.NOT_FINITE, "spread_bps")]


def test_the_bots_artifacts_are_audited_too(bots: Path, tmp_path: Path) -> None:
    """A tree that leads back to itself is refused whatever its manifest calls itself."""
    import hashlib

    from onnx import load_model_from_string

    folder = Path(shutil.copytree(bots, tmp_path / "bot"))
    model = load_model_from_string((folder / "model.onnx").read_bytes())
    (trees,) = (node for node in model.graph.node if node.op_type == "TreeEnsembleClassifier")
    next(one for one in trees.attribute if one.name == "nodes_truenodeids").ints[1] = 0
    data = model.SerializeToString()
    (folder / "model.onnx").write_bytes(data)
    document = json.loads((folder / "manifest.json").read_bytes())
    document["sha256"]["model.onnx"] = hashlib.sha256(data).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(document))
    with pytest.raises(ArtifactRejected, match="child of exactly one"):
        open_model(folder)
