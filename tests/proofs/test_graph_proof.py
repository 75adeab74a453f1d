"""`grinder prove graph`: promises kept on missing, infinite, tiny and huge values, or one line says which is not."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, numpy_helper  # noqa: TID253 - what is tested

from grinder_resources.cli import main
from grinder_resources.contracts.calibration import AtLeast, AtMost, Either
from grinder_resources.errors import OutOfRange, ProofFailed
from grinder_resources.export.artifact import write_artifact
from grinder_resources.export.graph import export_model
from grinder_resources.export.verify import read_artifact
from grinder_resources.proofs.graph import prove_graph, require_kept, rule_text
from grinder_resources.proofs.probe_rows import SPECIAL, special_rows
from tests.export.plain_artifacts import CREATED_AT
from tests.export.rewriting import attribute, edit_graph, replace_graph
from tests.export.small_artifact import small_draft, small_heads, small_rows
from tests.export.small_models import CALIBRATION, FEATURES

KINDS = ("nan", "inf", "denormal", "extreme")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an artifact that nobody changes."""
    models = tmp_path_factory.mktemp("models")
    return write_artifact(models, small_draft(), small_rows()[:50], created_at=CREATED_AT).directory


@pytest.fixture
def artifact(published: Path, tmp_path: Path) -> Path:
    """Return a copy of the artifact."""
    return Path(shutil.copytree(published, tmp_path / published.name))


def broken(artifact: Path, count: int = 3_000) -> list[str]:
    """Return the promises that are broken."""
    return [result.check for result in prove_graph(read_artifact(artifact), count, KINDS, seed=1) if result.broken]


def test_the_command_prints_promises_kept(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Types, ranges, sums, every rule, and every answer as numpy computes it; more rows than one chunk."""
    assert main(["prove", "graph", str(published), "--n", "20000", "--with", "nan,inf,denormal,extreme"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "level_signals_v1.0.0: 20,000 rows with nan, inf, denormal, extreme among them"
    assert [line.rsplit(maxsplit=2)[0].strip() for line in lines[3:]] == [
        "no exception",
        "types and shapes",
        "margins are multiples of 2^-16 within their bound",
        "bps within 0..10000",
        "regime sums to 10000",
        "spacing within 500..2000",
        "t2_bounce_60s <= t2_60s",
        "max(t2_break_60s, t2_bounce_60s) <= t2_60s <= t2_break_60s + t2_bounce_60s",
        "tradeable_2 >= t2_60s",
        *(
            f"{name} as numpy computes it"
            for name in (*(head.name for head in small_heads()), "spacing_multiplier_x1000")
        ),
    ]
    assert {line.split()[-1] for line in lines[3:]} == {"0"}
    assert lines[3].split() == ["no", "exception", "20,000", "0"]


def shift_cut(model: ModelProto) -> None:
    """Move every cut of the second table by one unit of its margin."""
    columns, cuts = (attribute(model, "tables/float", name) for name in ("nodes_featureids", "nodes_values"))
    modes = attribute(model, "tables/float", "nodes_modes").strings
    for node, (column, mode) in enumerate(zip(columns.ints, modes, strict=True)):
        if column == 1 and mode == b"BRANCH_LT":
            cuts.floats[node] += 0.5


def test_a_shifted_step_table_is_found(artifact: Path) -> None:
    """The graph's own margin no longer leads to its answer; t2_60s, the second binary head, moves."""
    edit_graph(artifact, shift_cut)
    assert "t2_60s as numpy computes it" in broken(artifact)


def test_missing_coherence_is_found(artifact: Path) -> None:
    """A graph without rules breaks all three, and two answers with them."""
    replace_graph(artifact, export_model(small_heads(), FEATURES, replace(CALIBRATION, rules=())).onnx)
    found = broken(artifact)
    assert found[:3] == [rule_text(rule) for rule in CALIBRATION.rules]
    assert "t2_60s as numpy computes it" in found


def put(model: ModelProto, start: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Replace the constant whose name starts so."""
    (found,) = (tensor for tensor in model.graph.initializer if tensor.name.startswith(start))
    found.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(found).copy()), found.name))


def loose_limits(model: ModelProto) -> None:
    put(model, "constant/int32/1/2000", lambda limit: limit + 1)


def other_certainty(model: ModelProto) -> None:
    put(model, "constant/int32/1/10000", lambda certain: certain + 1)


def no_such_column(model: ModelProto) -> None:
    put(model, "constant/int64/3x2/", lambda columns: columns + 99)


@pytest.mark.parametrize(
    ("change", "promise"),
    [(loose_limits, "spacing within 500..2000"), (other_certainty, "regime sums to 10000")],
)
def test_broken_limits_and_sums_are_found(artifact: Path, change: Callable[[ModelProto], None], promise: str) -> None:
    """One unit too many is one unit too many."""
    edit_graph(artifact, change)
    assert promise in broken(artifact)


def test_an_exception_is_a_broken_promise(artifact: Path) -> None:
    """Whatever the runtime raises becomes one line."""
    edit_graph(artifact, no_such_column)
    with pytest.raises(ProofFailed, match=r"^PROOF_FAILED: the graph raised an exception \(rows 0\.\.99") as refusal:
        broken(artifact, 100)
    assert "\n" not in refusal.value.line()


def test_the_first_broken_row_is_named(artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table is printed all the same; exit code 1."""
    edit_graph(artifact, loose_limits)
    results = prove_graph(read_artifact(artifact), 2_000, KINDS, seed=1)
    (worst,) = (result for result in results if result.check.startswith("spacing within"))
    with pytest.raises(ProofFailed, match=rf"500..2000, row {worst.first}; got {worst.broken} of 2000 rows"):
        require_kept(results)
    assert main(["prove", "graph", str(artifact), "--n", "2000", "--seed", "1"]) == 1
    assert "spacing within 500..2000" in capsys.readouterr().out


RANGES = (np.array([-1.0, 5.0], dtype=np.float32), np.array([1.0, 9.0], dtype=np.float32))


@pytest.mark.parametrize("kind", KINDS)
def test_special_rows_hold_their_values(kind: str) -> None:
    """None, some or all values of a row are special; the others stay in their ranges."""
    rows = special_rows(500, RANGES, [kind], np.random.default_rng(0))
    special = np.isin(rows, np.array(SPECIAL[kind], dtype=np.float32)) | (np.isnan(rows) & (kind == "nan"))
    assert 0.3 < special.mean() < 0.5
    assert special.all(axis=1).any()
    assert not special.any(axis=1).all()
    plain = rows[~special.any(axis=1)]
    assert np.all((plain >= RANGES[0]) & (plain <= RANGES[1]))


def test_kinds_and_seed_decide_the_rows() -> None:
    """Without kinds all values are ordinary; another seed draws others; an unknown kind is refused."""
    plain, other = (special_rows(50, RANGES, (), np.random.default_rng(seed)) for seed in (0, 1))
    assert np.all((plain >= RANGES[0]) & (plain <= RANGES[1]))
    assert not np.array_equal(plain, other)
    with pytest.raises(OutOfRange, match=r"no such kind of values .*got zero; expected nan, inf, denormal, extreme"):
        special_rows(5, RANGES, ["zero"], np.random.default_rng(0))


def test_rules_are_told_as_relations() -> None:
    """One bound needs no min or max."""
    assert rule_text(AtMost("a", ("b",))) == "a <= b"
    assert rule_text(AtMost("a", ("b", "c"))) == "a <= min(b, c)"
    assert rule_text(AtLeast("a", ("b", "c"))) == "a >= max(b, c)"
    assert rule_text(Either("a", ("b", "c"))) == "max(b, c) <= a <= b + c"
