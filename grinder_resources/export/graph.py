"""All heads of a model as one ONNX graph that answers in integers: the same boosters give the same bytes.

Input `input` float32 [N, features]; outputs in this order:

=================================  =================  ======================================================
output                             type               meaning
=================================  =================  ======================================================
`{head}` of a binary head          int32 [N, 1]       bps of the second class, calibrated and coherent
`{head}` of a multiclass head      int32 [N, k]       bps in the order of the classes, sum exactly 10,000
`{head}` of a regression           int32 [N, 1]       margin x unit, half-even
`{head}_margin` of every head      float32 [N, k]     the exact margin, a multiple of 2^-16
`spacing_multiplier_x1000`         int32 [N, 1]       500..2000, where the model has a spacing
=================================  =================  ======================================================

Between input and margin stand XGBoost's trees, and leaves on a grid make their float32 sums exact. Between margin and
answer stand step tables, again trees, whose comparisons are exact; after them there are only integers. No sigmoid or
softmax is left, whose last bit differs from one library to the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grinder_resources.contracts.artifacts import EXACT_BOUND, INPUT, SPACING_OUTPUT, ExportableHead, HeadFacts
from grinder_resources.contracts.calibration import Calibration
from grinder_resources.contracts.requirements import require_coherence, require_spacing
from grinder_resources.errors import NotExportable
from grinder_resources.export.nodes import ML_DOMAIN, Nodes
from grinder_resources.export.nodes_calibration import BINARY_BPS, add_certain, add_rounded, add_tables, split_columns
from grinder_resources.export.nodes_coherence import add_rules, add_spacing
from grinder_resources.export.nodes_trees import add_margin
from grinder_resources.export.trees import TreeEnsemble, margin_bound_q16, read_ensemble

IR_VERSION = 8
OPSET = 15
OPSET_ML = 3
PRODUCER = "grinder"
GRAPH_NAME = "grinder_heads"


@dataclass(frozen=True)
class ExportedModel:
    """`onnx` are the bytes of `model.onnx`; `heads` what the manifest says about its answers, in graph order."""

    onnx: bytes
    heads: tuple[HeadFacts, ...]


def export_model(
    heads: Sequence[ExportableHead], input_features: Sequence[str], calibration: Calibration
) -> ExportedModel:
    """Return one checked graph that answers as all `heads` do, calibrated.

    `calibration` has a table for every probability of `heads`, and rules and spacing between them alone. Raises
    NotExportable where a booster has other columns than `input_features`, in name, number or order, where its sums are
    not exact, or where it uses what the graph cannot say; ManifestRejected for impossible names, tables or rules.
    """
    from onnx import checker

    ensembles = [read_ensemble(head) for head in heads]
    for head, ensemble in zip(heads, ensembles, strict=True):
        _require_features(head, ensemble, tuple(input_features))
    tables = [calibration.tables.get(head.name, ()) for head in heads]
    facts = tuple(
        head.facts(_exact_bound(head, ensemble), table)
        for head, ensemble, table in zip(heads, ensembles, tables, strict=True)
    )
    require_coherence(calibration.rules, {head.name for head in heads if head.kind == "binary"})
    require_spacing(calibration.spacing, {head.name: len(head.classes) for head in heads if head.kind == "multiclass"})
    model = _model(facts, ensembles, calibration, len(input_features))
    checker.check_model(model, full_check=True)
    return ExportedModel(model.SerializeToString(deterministic=True), facts)


def _require_features(head: ExportableHead, ensemble: TreeEnsemble, names: tuple[str, ...]) -> None:
    same = ensemble.feature_names == names if ensemble.feature_names else ensemble.n_features == len(names)
    if not same:
        raise NotExportable(
            "the booster was trained on other columns than the graph's input",
            where=f"head {head.name}",
            got=_first_difference(ensemble.feature_names, names) or f"{ensemble.n_features} columns",
            expected=f"{len(names)} columns in the input's order",
        )


def _first_difference(got: Sequence[str], expected: Sequence[str]) -> str:
    pairs = zip(got, expected, strict=False)
    return next((f"{left} in place of {right}" for left, right in pairs if left != right), "")


def _exact_bound(head: ExportableHead, ensemble: TreeEnsemble) -> int:
    bound = margin_bound_q16(ensemble)
    if bound is None or bound >= EXACT_BOUND:
        raise NotExportable(
            "a head's float32 sums must be exact",
            where=f"head {head.name}",
            got="a leaf off the grid of 2^-16" if bound is None else f"a sum of largest leaves of {bound} x 2^-16",
            expected=f"leaves on the grid, their sum below {EXACT_BOUND} x 2^-16",
            hint="Snap the leaves after fitting; give a regression a larger unit.",
        )
    return bound


def _model(
    heads: Sequence[HeadFacts], ensembles: Sequence[TreeEnsemble], calibration: Calibration, n_features: int
) -> Any:
    from onnx import TensorProto, helper

    tensor = helper.make_tensor_value_info
    widths = {head.name: ensemble.n_outputs for head, ensemble in zip(heads, ensembles, strict=True)}
    answers = [tensor(head.name, TensorProto.INT32, ["N", widths[head.name]]) for head in heads]
    margins = [tensor(head.margin_name, TensorProto.FLOAT, ["N", widths[head.name]]) for head in heads]
    spacing = [tensor(SPACING_OUTPUT, TensorProto.INT32, ["N", 1])] if calibration.spacing else []
    nodes = _nodes(heads, ensembles, calibration)
    graph = helper.make_graph(
        nodes=nodes.nodes,
        name=GRAPH_NAME,
        inputs=[tensor(INPUT, TensorProto.FLOAT, ["N", n_features])],
        outputs=[*answers, *margins, *spacing],
        initializer=nodes.constants,
    )
    return helper.make_model(
        graph,
        producer_name=PRODUCER,
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(ML_DOMAIN, OPSET_ML)],
    )


def _nodes(heads: Sequence[HeadFacts], ensembles: Sequence[TreeEnsemble], calibration: Calibration) -> Nodes:
    nodes = Nodes()
    for head, ensemble in zip(heads, ensembles, strict=True):
        add_margin(nodes, head, ensemble)
    classifiers = [head for head in heads if head.kind != "regression"]
    binary = [head.name for head in heads if head.kind == "binary"]
    if classifiers:
        add_tables(nodes, classifiers, calibration.tables)
    if binary:
        split_columns(nodes, add_rules(nodes, calibration.rules, binary, BINARY_BPS), dict.fromkeys(binary, 1))
    for head in heads:
        if head.kind == "multiclass":
            add_certain(nodes, head)
        elif head.kind == "regression":
            add_rounded(nodes, head)
    if calibration.spacing:
        add_spacing(nodes, calibration.spacing)
    return nodes
