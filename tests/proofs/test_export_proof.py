"""`grinder prove export`: the boosters and the graph of an artifact are the same function, or a row says where not."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto  # noqa: TID253 - what is tested

from grinder_resources.cli import main
from grinder_resources.contracts.artifacts import ExportableHead
from grinder_resources.errors import ProofFailed
from grinder_resources.export.artifact import write_artifact
from grinder_resources.export.boosters import booster_ubj
from grinder_resources.export.verify import read_artifact
from grinder_resources.proofs.export import HeadProof, proof_rows, prove_export, require_equal
from tests.export.plain_artifacts import CREATED_AT
from tests.export.rewriting import attribute, edit_graph, rewrite
from tests.export.small_artifact import small_draft, small_heads, small_rows


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an artifact that nobody changes."""
    models = tmp_path_factory.mktemp("models")
    return write_artifact(models, small_draft(), small_rows()[:50], created_at=CREATED_AT).directory


@pytest.fixture
def artifact(published: Path, tmp_path: Path) -> Path:
    """Return a copy of the artifact."""
    return Path(shutil.copytree(published, tmp_path / published.name))


def proved(
    artifact: Path, count: int = 300, probes: int | None = None, *, missing: bool = True
) -> tuple[HeadProof, ...]:
    """Return the proof with one thread and batches of 512."""
    verified = read_artifact(artifact)
    rows, _ = proof_rows(verified, count, probes, missing=missing, seed=1)
    return prove_export(verified, rows, (1,), (512,))


def differing(artifact: Path, **settings: Any) -> list[str]:
    """Return the heads that differ."""
    return [proof.head for proof in proved(artifact, **settings) if proof.differing]


def test_the_command_prints_zero_differing(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every head on every row, by every way of asking; then what snapping cost."""
    command = ["prove", "export", str(published), "--rows", "200", "--threads", "1,2", "--batch", "1,7,64", "--nan"]
    assert main([*command, "--probe-thresholds", "30"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "level_signals_v1.0.0: 200 random rows, 90 at and beside split thresholds, a tenth of the values missing"
    )
    # XGBoost once more, ONNX Runtime on 7 and 64 with both numbers of threads, and single rows dealt between them
    assert lines[4].split() == ["tradeable_2", "290", "1,740", "0"]
    assert [line.split()[-1] for line in lines[4:10]] == ["0"] * 6
    assert lines[-1].split() == ["strength", "rmse", "0.25", "0.2500001", "+1.0e-07"]


def one_step_off(booster_json: bytes) -> bytes:
    """Return a booster with one leaf a grid step nearer to 0, which leaves the margin bound as it is."""
    document = json.loads(booster_json)
    tree = document["learner"]["gradient_booster"]["model"]["trees"][0]
    leaves = [node for node, child in enumerate(tree["left_children"]) if child < 0]
    smallest = min(leaves, key=lambda node: abs(tree["split_conditions"][node]))
    tree["split_conditions"][smallest] -= np.copysign(2.0**-16, tree["split_conditions"][smallest])
    return json.dumps(document).encode()


def test_a_leaf_that_is_one_step_off_is_found(artifact: Path) -> None:
    """The head, a row and both margins are named; the other heads are fine."""
    head: ExportableHead = replace(small_heads()[0], booster_json=one_step_off(small_heads()[0].booster_json))
    rewrite(artifact, "tradeable_2.ubj", booster_ubj(head))
    proofs = proved(artifact)
    assert [proof.head for proof in proofs if proof.differing] == ["tradeable_2"]
    first = proofs[0].first
    assert first is not None
    assert abs(int(first.got) - int(first.expected)) == 1
    with pytest.raises(
        ProofFailed, match=rf"head tradeable_2, row {first.row}, ONNX .*got margin {first.got} x 2\^-16"
    ):
        require_equal(proofs)


def swap_children(model: ModelProto) -> None:
    below, above = (attribute(model, "t2_60s_margin", f"nodes_{side}nodeids").ints for side in ("true", "false"))
    below[0], above[0] = above[0], below[0]


def or_equal(model: ModelProto) -> None:
    modes = attribute(model, "t2_60s_margin", "nodes_modes").strings
    modes[:] = [mode.replace(b"BRANCH_LT", b"BRANCH_LEQ") for mode in modes]


def other_default(model: ModelProto) -> None:
    ways = attribute(model, "t2_60s_margin", "nodes_missing_value_tracks_true").ints
    ways[:] = [1 - way for way in ways]


@pytest.mark.parametrize("change", [swap_children, or_equal, other_default])
def test_a_graph_that_branches_otherwise_is_found(artifact: Path, change: Callable[[ModelProto], None]) -> None:
    """Swapped children, `<=` for `<`, and missing values that go the other way."""
    edit_graph(artifact, change)
    assert differing(artifact) == ["t2_60s"]


def test_each_kind_of_row_finds_what_it_is_for(artifact: Path) -> None:
    """Only missing values show another default way; only rows at thresholds show `<=`."""
    edit_graph(artifact, other_default)
    assert differing(artifact, missing=False) == []
    edit_graph(artifact, other_default)
    edit_graph(artifact, or_equal)
    assert differing(artifact, probes=1, missing=False) == []
    assert differing(artifact, missing=False) == ["t2_60s"]


def test_the_command_fails_with_one_line(artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table is printed all the same; exit code 1."""
    edit_graph(artifact, swap_children)
    assert main(["prove", "export", str(artifact), "--rows", "50", "--threads", "1", "--batch", "64"]) == 1
    told = capsys.readouterr()
    assert "t2_60s" in told.out
    assert told.err.startswith("PROOF_FAILED: ONNX Runtime and XGBoost disagree (head t2_60s, row ")
    assert told.err.count("\n") == 1


def test_rows_hold_every_threshold_and_both_neighbours(published: Path) -> None:
    """Three rows a threshold, all finite without missing values; other seeds draw other rows."""
    verified = read_artifact(published)
    rows, probes = proof_rows(verified, 10, None, missing=False, seed=1)
    assert (len(rows), np.isfinite(rows).all()) == (10 + probes, True)
    below, at, above = rows[10::3], rows[11::3], rows[12::3]
    moved = below != at
    assert np.array_equal(moved.sum(axis=1), np.ones(probes // 3))
    np.testing.assert_array_equal(np.nextafter(below[moved], np.float32(np.inf)), at[moved])
    np.testing.assert_array_equal(np.nextafter(above[moved], np.float32(-np.inf)), at[moved])
    assert not np.array_equal(rows[:10], proof_rows(verified, 10, None, missing=False, seed=2)[0][:10])
    with_missing, _ = proof_rows(verified, 2_000, 5, missing=True, seed=1)
    assert 0.08 < np.isnan(with_missing).mean() < 0.12


@pytest.mark.parametrize("wrong", ["0", "1,,2", "x", "1.5"])
def test_numbers_that_are_none_are_refused(published: Path, wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Usage, not a traceback."""
    with pytest.raises(SystemExit):
        main(["prove", "export", str(published), "--threads", wrong])
    assert "is no whole number from 1" in capsys.readouterr().err
