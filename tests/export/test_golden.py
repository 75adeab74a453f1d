"""What an artifact knows of its training is held against its graph before a session may answer."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost  # noqa: TID253 - the reference
from onnx import ModelProto, load_model_from_string  # noqa: TID253 - what is tested

from grinder_resources.contracts.artifacts import ExportableHead
from grinder_resources.contracts.gold import REGIME_DATASET
from grinder_resources.errors import ArtifactRejected
from grinder_resources.export.artifact import ArtifactDraft, write_artifact
from grinder_resources.export.build import build_artifact
from grinder_resources.export.trees import read_covers, read_ensemble
from grinder_resources.export.verify import open_session, read_artifact, require_golden, verify_artifact
from grinder_resources.lake import Lake
from grinder_resources.learning.specs import REGIME
from tests.export.plain_artifacts import CREATED_AT
from tests.export.rewriting import attribute, edit_graph, edit_json
from tests.export.small_models import FEATURES, Heads, Rows
from tests.learning.regime_gold import land


def test_an_artifact_knows_its_answers(artifact: Path, rows: Rows) -> None:
    """Sixteen rows of the fitted ones, seven integer outputs, every input nullable here, and where training ended."""
    serving = read_artifact(artifact).serving
    assert serving is not None
    assert serving.trained_until == "2024-01-01"
    assert serving.nullable == FEATURES
    assert tuple(serving.reference) == FEATURES
    assert sum(serving.reference["kind=vwap"].counts) + serving.reference["kind=vwap"].missing == len(rows)
    assert serving.reference["kind=vwap"].cuts == (1.0,)
    assert serving.golden.inputs[15] == (None,) * 6
    np.testing.assert_array_equal(np.array(serving.golden.inputs[14], dtype=np.float32), rows[-1])
    session = open_session(read_artifact(artifact))
    asked = np.array(serving.golden.inputs, dtype=np.float32)
    names = list(serving.golden.outputs)
    assert len(names) == 7
    for output, answers in zip(names, session.run(names, {"input": asked}), strict=True):
        assert answers.tolist() == [list(row) for row in serving.golden.outputs[output]]


def test_covers_stand_beside_the_nodes_of_the_graph(artifact: Path, heads: Heads) -> None:
    """In the operator's order: a split weighs what its children weigh, and a tree's root what XGBoost's dump says."""
    serving = read_artifact(artifact).serving
    assert serving is not None
    assert list(serving.covers) == ["regime"]
    covers = np.array(serving.covers["regime"])
    model = load_model_from_string((artifact / "model.onnx").read_bytes())
    ids, below, above = (
        np.array(attribute(model, "regime_margin", f"nodes_{which}").ints)
        for which in ("nodeids", "truenodeids", "falsenodeids")
    )
    assert len(covers) == len(ids)
    root = np.arange(len(ids)) - ids
    split = below > 0
    np.testing.assert_allclose(covers[split], (covers[root + below] + covers[root + above])[split], rtol=1e-5)
    booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(heads[2].booster_json))
    dumped = [re.findall(r"cover=([\d.]+)", text)[0] for text in booster.get_dump(with_stats=True)]
    np.testing.assert_allclose(covers[ids == 0], np.array(dumped, dtype=np.float64), rtol=1e-6)


def test_covers_of_the_rounds_that_count(heads: Heads) -> None:
    """One list a tree that the graph has, pruned rounds left out; a head without a tree has a lone leaf."""
    document = json.loads(heads[2].booster_json)
    document["learner"]["attributes"]["best_iteration"] = "4"
    stopped = replace(heads[2], booster_json=json.dumps(document).encode())
    assert [len(cover) for cover in read_covers(stopped)] == [len(tree.value) for tree in read_ensemble(stopped).trees]
    assert len(read_covers(stopped)) == 15


def without_trees(head: ExportableHead) -> ExportableHead:
    """Return the head before its first round."""
    document = json.loads(head.booster_json)
    model = document["learner"]["gradient_booster"]["model"]
    model |= {"iteration_indptr": [0], "tree_info": [], "trees": []}
    model["gbtree_model_param"]["num_trees"] = "0"
    return replace(head, booster_json=json.dumps(document).encode())


def test_a_head_without_trees_weighs_nothing(draft: ArtifactDraft, rows: Rows, tmp_path: Path) -> None:
    """The graph has a lone leaf for it, and `serving.json` one cover."""
    heads = [without_trees(head) if head.kind == "multiclass" else head for head in draft.heads]
    made = write_artifact(tmp_path, replace(draft, heads=heads), rows[:9], created_at=CREATED_AT)
    serving = read_artifact(made.directory).serving
    assert serving is not None
    assert serving.covers == {"regime": (0.0,)}


def test_what_a_draft_was_fitted_on_decides_what_is_kept(draft: ArtifactDraft, rows: Rows, tmp_path: Path) -> None:
    """Other training rows and another last day: another serving.json, and no other file but the manifest."""
    known = rows[~np.isnan(rows).any(axis=1)]
    changed = replace(draft, train_rows=known, trained_until="2025-06-01")
    made = write_artifact(tmp_path, changed, rows[:50], created_at=CREATED_AT)
    serving = read_artifact(made.directory).serving
    assert serving is not None
    assert (serving.nullable, serving.trained_until) == ((), "2025-06-01")
    assert {sum(one.counts) for one in serving.reference.values()} == {len(known)}
    assert {one.missing for one in serving.reference.values()} == {0}


def narrow_row(document: Any) -> None:
    document["golden"]["inputs"][3].pop()


def no_answers(document: Any) -> None:
    del document["golden"]["outputs"]["spacing_multiplier_x1000"]


def narrow_answer(document: Any) -> None:
    document["golden"]["outputs"]["regime"][0].pop()


def swapped_references(document: Any) -> None:
    document["reference"].reverse()


def unknown_nullable(document: Any) -> None:
    document["nullable"].append("volume")


def no_covers(document: Any) -> None:
    document["covers"].clear()


def covers_of_more(document: Any) -> None:
    document["covers"]["t2_60s"] = [1.0]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (narrow_row, "golden rows"),
        (no_answers, "golden answers"),
        (narrow_answer, "golden answers"),
        (swapped_references, "references"),
        (unknown_nullable, "nullable inputs"),
        (no_covers, "covers"),
        (covers_of_more, "covers"),
    ],
)
def test_what_is_not_the_manifests_is_refused(artifact: Path, change: Callable[[Any], None], wrong: str) -> None:
    """Even where all hashes fit."""
    edit_json(artifact, "serving.json", change)
    with pytest.raises(ArtifactRejected, match=rf"is not the manifest's \(level_signals.*/serving.json; got {wrong}\)"):
        read_artifact(artifact)


def without_serving(folder: Path) -> None:
    """Make the artifact one of those that were written before there was a serving.json."""
    (folder / "serving.json").unlink()
    document = json.loads((folder / "manifest.json").read_bytes())
    del document["files"]["serving.json"]
    (folder / "manifest.json").write_text(json.dumps(document))


def test_older_artifacts_are_still_read(artifact: Path, rows: Rows) -> None:
    """They verify and answer; nothing is said about golden rows."""
    without_serving(artifact)
    assert verify_artifact(artifact).n_files == 12
    verified = read_artifact(artifact)
    assert verified.serving is None
    assert open_session(verified).run(["regime"], {"input": rows[:1]})[0].sum() == 10_000


def other_step(model: ModelProto) -> None:
    """Let one step of the tables be one ten-thousandth higher."""
    weights = attribute(model, "tables/float", "target_weights").floats
    weights[:] = [weight + 1 for weight in weights]


def test_a_session_has_to_give_the_golden_answers(artifact: Path) -> None:
    """A graph that passes the audit and answers otherwise is refused, as is one whose answers were recorded wrongly."""
    changed = Path(shutil.copytree(artifact, artifact.parent / "changed" / artifact.name))
    edit_graph(changed, other_step)
    with pytest.raises(ArtifactRejected, match=r"another answer \(level_signals_v1.0.0/model.onnx, \w+, golden row 0;"):
        open_session(read_artifact(changed))
    edit_json(artifact, "serving.json", lambda serving: serving["golden"]["outputs"]["strength"].__setitem__(9, [1]))
    with pytest.raises(
        ArtifactRejected, match=r"/model.onnx, strength, golden row 9; got int32 .*; expected int32 \[\[1"
    ):
        open_session(read_artifact(artifact))


def test_golden_answers_are_int32_of_one_row(artifact: Path) -> None:
    """Any runner can be asked: other types and other shapes of the right numbers are other answers."""
    serving = read_artifact(artifact).serving
    assert serving is not None
    answers = iter(serving.golden.outputs["regime"])
    require_golden(lambda _: [np.array([next(answers)], dtype=np.int32)], serving, ["regime"], where="here")
    first = serving.golden.outputs["regime"][0]
    for odd in (np.array([first], dtype=np.int64), np.array(first, dtype=np.int32)):
        with pytest.raises(ArtifactRejected, match=r"a golden row has another answer \(here, regime, golden row 0"):
            require_golden(lambda _, odd=odd: [odd], serving, ["regime"], where="here")


def test_a_graph_that_onnxruntime_refuses_is_one_line(artifact: Path) -> None:
    """What the audit has no opinion on, and the runtime does not know, is refused all the same."""

    def unknown_attribute(model: ModelProto) -> None:
        (node,) = (node for node in model.graph.node if "regime/largest" in node.output)
        node.attribute.add(name="unheard_of", type=2, i=1)

    edit_graph(artifact, unknown_attribute)
    with pytest.raises(ArtifactRejected, match=r"^ARTIFACT_REJECTED: .*v1.0.0/model\.onnx") as refusal:
        open_session(read_artifact(artifact))
    assert "\n" not in refusal.value.line()


def test_a_build_keeps_the_rows_of_its_train_days(tmp_path: Path) -> None:
    """Of four days two are fitted, the third stops: references count 480 rows, and training ended on the third."""
    land(tmp_path)
    spec = replace(REGIME, params=replace(REGIME.params, rounds=3))
    built = build_artifact(spec, REGIME_DATASET, Lake(str(tmp_path / "lake")), tmp_path / "models", "1")
    serving = read_artifact(built.folder).serving
    assert serving is not None
    assert serving.trained_until == "2025-01-08"
    assert {sum(one.counts) + one.missing for one in serving.reference.values()} == {480}
    assert len(serving.golden.inputs) == 16
