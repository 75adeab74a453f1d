"""Graphs to be audited: the one of six heads, edited, and small ones of the bot's kind."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, load_model_from_string, numpy_helper  # noqa: TID253 - what is tested

from grinder_resources.errors import ArtifactRejected
from grinder_resources.export.audit import Output, Signature, audit_model

NAMES = ("tradeable_2", "strength", "regime", "t2_60s", "t2_break_60s", "t2_bounce_60s")
SIGNATURE = Signature(
    n_features=6,
    outputs=(
        *(Output(name, "int32", 3 if name == "regime" else 1) for name in NAMES),
        *(Output(f"{name}_margin", "float32", 3 if name == "regime" else 1) for name in NAMES),
        Output("spacing_multiplier_x1000", "int32", 1),
    ),
    exact=True,
)
BOT = Signature(15, (Output("regime_probs", "float32", 3),), exact=False)

Change = Callable[[ModelProto], object]


def edited(good: bytes, change: Change) -> bytes:
    model = load_model_from_string(good)
    change(model)
    return model.SerializeToString()


def audit(data: bytes, signature: Signature = SIGNATURE) -> tuple[Output, ...]:
    return audit_model(data, signature, where="here").outputs


def refused(data: bytes, rule: str, signature: Signature = SIGNATURE) -> None:
    with pytest.raises(ArtifactRejected, match=f"^ARTIFACT_REJECTED: .*{rule}") as refusal:
        audit(data, signature)
    assert "(here" in refusal.value.line()
    assert "\n" not in refusal.value.line()


def network(
    *nodes: Any, constants: dict[str, Any] | None = None, outputs: tuple[str, ...] = ("regime_probs",)
) -> bytes:
    """Return a graph of 15 inputs in these nodes."""
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "network",
        [tensor("input", TensorProto.FLOAT, ["N", 15])],
        [tensor(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.array(value), name) for name, value in constants.items()],
    )
    versions = [helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 1)]
    return bytes(helper.make_model(graph, ir_version=8, opset_imports=versions).SerializeToString())
