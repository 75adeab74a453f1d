"""A graph of ours as the bot's runtime reads it: the same trees and tables, and its integers divided into floats.

=========================  ================  =================================================
output                     type              meaning
=========================  ================  =================================================
`regime_probs`             float32 [N, 3]    bps / 10,000 of LOW, MID and HIGH
`spacing_multiplier`       float32 [N, 1]    x 1000 / 1000, where the model has a spacing
=========================  ================  =================================================

The bot turns them back into integers, and gets those of the source: a float32 is much finer than a ten-thousandth.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import INPUT, MODEL_FILE, SPACING_OUTPUT, HeadFacts, Manifest
from grinder_resources.contracts.bot import FEATURE_ORDER, PROBS_OUTPUT, SPACING_MULTIPLIER_OUTPUT
from grinder_resources.contracts.calibration import CERTAIN_BPS, NEUTRAL_X1000
from grinder_resources.contracts.signals import REGIMES
from grinder_resources.errors import ExportMismatch, NotExportable
from grinder_resources.export.audit import AuditedModel, Output, Signature, audit_model
from grinder_resources.export.nodes import Nodes
from grinder_resources.export.verify import VerifiedArtifact, start_session

Rows = NDArray[np.float32]

_PROBS = Output(PROBS_OUTPUT, "float32", len(REGIMES))
_SIGNATURE = Signature(len(FEATURE_ORDER), (_PROBS,), exact=False)


def audited_bot_graph(model: bytes, where: str) -> AuditedModel:
    """Return a graph that the bot may be asked with, safe to load: 15 inputs, and three probabilities at least.

    Raises ArtifactRejected for any other.
    """
    return audit_model(model, _SIGNATURE, where=where)


def regime_head(manifest: Manifest) -> HeadFacts:
    """Return the one head of a model that the bot can ask.

    Raises NotExportable for other inputs than FEATURE_ORDER, and for anything but one head of LOW, MID and HIGH.
    """
    if manifest.input_features != FEATURE_ORDER:
        own = [name for name in manifest.input_features if name not in FEATURE_ORDER][:3]
        raise NotExportable(
            "the model reads other inputs than the bot feeds",
            where=manifest.folder,
            got=f"{len(manifest.input_features)} inputs, {', '.join(own) or 'in another order'}",
            expected=f"the {len(FEATURE_ORDER)} from {FEATURE_ORDER[0]} to {FEATURE_ORDER[-1]}",
            hint="Materialise gold/training/regime_bot, then training/regime_bot, and hand over that model.",
        )
    if len(manifest.heads) != 1 or manifest.heads[0].classes != REGIMES:
        names = ", ".join(head.name for head in manifest.heads)
        raise NotExportable(
            "the bot asks for one regime", where=manifest.folder, got=names, expected="one head of LOW, MID and HIGH"
        )
    return manifest.heads[0]


def bot_graph(artifact: VerifiedArtifact) -> bytes:
    """Return the checked graph of a verified model with the bot's outputs in place of its own.

    Raises NotExportable for a model that the bot cannot ask.
    """
    from onnx import ModelProto, checker

    head = regime_head(artifact.manifest)
    model = ModelProto.FromString(artifact.files[MODEL_FILE])
    nodes = Nodes()
    _hide(model.graph, head.name)
    outputs = [_divided(nodes, head.name, PROBS_OUTPUT, CERTAIN_BPS, len(REGIMES))]
    if artifact.manifest.spacing:
        _hide(model.graph, SPACING_OUTPUT)
        outputs.append(_divided(nodes, SPACING_OUTPUT, SPACING_MULTIPLIER_OUTPUT, NEUTRAL_X1000, 1))
    del model.graph.output[:]
    model.graph.output.extend(outputs)
    model.graph.node.extend(nodes.nodes)
    model.graph.initializer.extend(nodes.constants)
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def require_same_answers(artifact: VerifiedArtifact, model: bytes, rows: Rows) -> None:
    """Ask both graphs for `rows` [N, 15] and a row of zeros, one of which the bot feeds when it knows nothing.

    Raises ExportMismatch where one answer, turned into integers by the bot's rule, is another than the source's.
    """
    asked = np.vstack([rows, np.zeros((1, rows.shape[1]), dtype=np.float32)])
    head = regime_head(artifact.manifest)
    names = {head.name: PROBS_OUTPUT}
    if artifact.manifest.spacing:
        names[SPACING_OUTPUT] = SPACING_MULTIPLIER_OUTPUT
    expected = start_session(artifact.files[MODEL_FILE]).run(list(names), {INPUT: asked})
    got = start_session(model).run(list(names.values()), {INPUT: asked})
    answers = [probs_bps(got[0]), *(np.rint(spacing * 1_000).astype(np.int32) for spacing in got[1:])]
    for name, ours, theirs in zip(names.values(), expected, answers, strict=True):
        differing = int((ours != theirs).any(axis=1).sum())
        if differing:
            raise ExportMismatch(
                "the bot would read other answers than the model gives",
                where=f"{name}, {len(asked)} rows",
                got=f"{differing} differ",
                expected="none that differs",
            )


def probs_bps(probs: Rows) -> NDArray[np.int32]:
    """Return int32 [N, 3] of float32 [N, 3], by the bot's rule: in proportion, half-even, the rest to the largest."""
    bps: NDArray[np.int32] = np.rint(probs / probs.sum(axis=1, keepdims=True) * np.float32(CERTAIN_BPS)).astype(
        np.int32
    )
    bps[np.arange(len(bps)), probs.argmax(axis=1)] += CERTAIN_BPS - bps.sum(axis=1, dtype=np.int32)
    return bps


def _hidden(name: str) -> str:
    """Return the name of what was an output and is a step on the way to one; no output's name holds a slash."""
    return f"{name}/integer"


def _hide(graph: Any, name: str) -> None:
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [_hidden(name) if one == name else one for one in names]


def _divided(nodes: Nodes, hidden: str, name: str, unit: int, width: int) -> Any:
    """Append `name` = what was the output `hidden` / unit; return the declaration of the new output."""
    from onnx import TensorProto, helper

    number = nodes.add("Cast", [_hidden(hidden)], f"{name}/float", to=TensorProto.FLOAT)
    nodes.add("Div", [number, nodes.constant(float(unit), np.float32)], name)
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])
