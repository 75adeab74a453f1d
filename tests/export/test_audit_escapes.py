"""Ways around the audit that were found by trying, and stay closed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, helper, load_model_from_string  # noqa: TID253 - what is built

from grinder_resources.errors import ArtifactRejected, ManifestRejected
from grinder_resources.export.serving import dump_serving, parse_serving
from grinder_resources.export.verify import read_artifact
from tests.export.audited import BOT, audit, network, refused

INT32 = 6
WEIGHTS = {"w": np.ones((15, 3), np.float32), "three": np.array([3], np.int32), "axis": np.array([1], np.int64)}


def small(*nodes: Any, **constants: Any) -> bytes:
    """Return a graph that answers three numbers, with more nodes in front of them."""
    tail = [
        helper.make_node("MatMul", ["input", "w"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["regime_probs"]),
    ]
    return network(*nodes, *tail, constants=WEIGHTS | constants)


def padded(model: bytes) -> bytes:
    """Return the model with `ORTM` at offset 4, still one that onnx reads as before."""
    return b"\x12\x06xxORTM" + model  # a first `producer_name` of six bytes; the model's own comes later and holds


def test_bytes_of_another_format_are_refused() -> None:
    """ONNX Runtime takes `ORTM` at offset 4 for a format of its own, in which another graph may lie."""
    model = padded(small())
    assert model[4:8] == b"ORTM"
    assert load_model_from_string(model).graph.output[0].name == "regime_probs"
    refused(model, "ONNX Runtime's own format", BOT)


def test_parts_that_nobody_knows_are_refused() -> None:
    """A field of no version of ONNX, in the model and in a node: room for anything."""
    unknown = b"\xfa\x7f\x04abcd"
    refused(small() + unknown, "nobody knows", BOT)
    model = ModelProto.FromString(small())
    model.graph.node[0].MergeFromString(unknown)
    refused(model.SerializeToString(), "nobody knows", BOT)


def counted(*nodes: Any) -> bytes:
    """Return a graph whose first nodes count what is in the row: `count`, int32."""
    return small(
        helper.make_node("Cast", ["input"], ["whole"], to=INT32),
        helper.make_node("ReduceSum", ["whole", "axis"], ["count"]),
        helper.make_node("Greater", ["input", "zero"], ["is_up"]),
        helper.make_node("Cast", ["is_up"], ["up"], to=INT32),
        helper.make_node("ReduceSum", ["up", "axis"], ["ups"]),
        *nodes,
        zero=np.zeros(1, np.float32),
        minus=np.array([-1], np.int32),
        huge=np.full(15, 1 << 30, np.int32),
    )


@pytest.mark.parametrize("operator", ["Div", "Mod"])
@pytest.mark.parametrize("divisor", ["count", "minus", "mixed", "wrapped"])
def test_integers_are_not_divided_by_what_may_be_negative(operator: str, divisor: str) -> None:
    """The smallest integer divided by -1 ends the process: neither a row, a constant nor an overflow may bring it."""
    nodes = [
        helper.make_node("Add", ["ups", "minus"], ["mixed"]),
        helper.make_node("Add", ["huge", "huge"], ["twice"]),
        helper.make_node("ReduceSum", ["twice"], ["wrapped"]),
        helper.make_node(operator, ["whole", divisor], ["quotient"]),
    ]
    refused(counted(*nodes), "divided by what may be negative", BOT)


@pytest.mark.parametrize("divisor", ["three", "ups"])
def test_counts_and_positive_constants_divide(divisor: str) -> None:
    """As in our own graphs; by 0 ONNX Runtime refuses itself."""
    assert audit(counted(helper.make_node("Mod", ["whole", divisor], ["rest"])), BOT)


def test_constants_are_few_and_read_a_bounded_number_of_times() -> None:
    """Empty ones by the thousand, and one large one that hundreds of nodes multiply."""
    many = {f"c{number}": np.zeros(0, np.float32) for number in range(4_100)}
    refused(small(**many), "too many parts of a kind, initializer", BOT)
    large = np.zeros((15, 100_000), np.float32)
    nodes = [helper.make_node("MatMul", ["input", "large"], [f"m{number}"]) for number in range(23)]
    refused(small(*nodes, large=large), "read too many constants", BOT)


def test_an_artifact_is_not_larger_than_its_largest_file_may_be(artifact: Path) -> None:
    """The sum is judged before a byte is read."""
    document = json.loads((artifact / "manifest.json").read_bytes())
    for name in ("config.json", "train_report.json"):
        document["files"][name]["size_bytes"] = 500 << 20
    (artifact / "manifest.json").write_text(json.dumps(document))
    with pytest.raises(ArtifactRejected, match="an artifact is too large"):
        read_artifact(artifact)


@pytest.mark.parametrize("damage", ["rows", "counts"])
def test_golden_rows_are_few_and_counts_are_counts(artifact: Path, damage: str) -> None:
    """Neither a door that asks for hours nor a scrape that fails."""
    serving = read_artifact(artifact).serving
    assert serving is not None
    document = json.loads(dump_serving(serving))
    if damage == "rows":
        golden = document["golden"]
        golden["inputs"] *= 5
        golden["outputs"] = {name: rows * 5 for name, rows in golden["outputs"].items()}
    else:
        document["reference"][0]["counts"][0] = 1 << 53
    with pytest.raises(ManifestRejected, match=r"golden rows are few|one count a bin"):
        parse_serving(json.dumps(document).encode())
