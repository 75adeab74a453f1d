"""From exact margins to integer answers, as nodes: step tables, probabilities that sum to certain, rounded regressions.

Everything after the tables is int32 or int64. `learning.calibration` computes the same with numpy.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from grinder_resources.contracts.artifacts import LEAF_GRID_BITS, HeadFacts
from grinder_resources.contracts.calibration import CERTAIN_BPS, StepTable
from grinder_resources.export.nodes import Nodes, half_even, tensor_type
from grinder_resources.export.nodes_trees import add_step_tables

BINARY_BPS = "binary/bps"
"""Name of the bps of all binary heads, int32 [N, binary heads], in their order."""


def add_tables(nodes: Nodes, heads: Sequence[HeadFacts], tables: Mapping[str, tuple[StepTable, ...]]) -> None:
    """Append the step tables of all `heads`, none a regression, as one lookup; a node costs more than a lookup.

    Gives BINARY_BPS where there are binary heads, and `{head}/bps`, int32 [N, classes], of every multiclass head.
    """
    binary = [head for head in heads if head.kind == "binary"]
    multiclass = [head for head in heads if head.kind == "multiclass"]
    margins = [*(head.margin_name for head in binary), *(_class_gaps(nodes, head) for head in multiclass)]
    source = nodes.add("Concat", margins, "tables/margins", axis=1)
    looked_up = [table for head in (*binary, *multiclass) for table in tables[head.name]]
    found = add_step_tables(nodes, source, "tables/float", looked_up)
    bps = nodes.add("Cast", [found], "tables/bps", to=tensor_type(np.int32))
    parts = [(BINARY_BPS, len(binary)), *((f"{head.name}/bps", len(head.classes)) for head in multiclass)]
    split_columns(nodes, bps, {name: width for name, width in parts if width})


def split_columns(nodes: Nodes, source: str, widths: Mapping[str, int]) -> None:
    """Append outputs of these names and widths, the columns of `source` in their order."""
    sizes = nodes.constant(list(widths.values()), np.int64)
    nodes.split("Split", [source, sizes], list(widths), axis=1)


def _class_gaps(nodes: Nodes, head: HeadFacts) -> str:
    """Append each class's margin minus the largest of the others, float32 [N, classes].

    A gap below 2^8 is a multiple of 2^-16 with 24 bits at most, so float32 subtracts exactly. A larger one may be
    rounded, but never to below 2^8, which float32 holds: it stays beyond every cut, as the exact gap is.
    """
    classes = range(len(head.classes))
    others = nodes.constant([[other for other in classes if other != own] for own in classes], np.int64)
    gathered = nodes.add("Gather", [head.margin_name, others], f"{head.name}/others", axis=1)
    largest = nodes.add("ReduceMax", [gathered], f"{head.name}/largest_other", axes=[2], keepdims=0)
    return nodes.add("Sub", [head.margin_name, largest], f"{head.name}/gaps")


def add_certain(nodes: Nodes, head: HeadFacts) -> str:
    """Append `{head}`, int32 [N, classes] that sum to exactly 10,000, in the proportions of `{head}/bps`.

    Each share is rounded half-even; what is left over goes to the largest weight, the first of them on ties. Where all
    weights are 0 the classes are equally likely.
    """
    name, int32 = head.name, tensor_type(np.int32)
    axis = nodes.constant(1, np.int64)

    def total(values: str, output: str) -> str:
        return nodes.add("ReduceSum", [values, axis], output, keepdims=1)

    nothing = nodes.add("Equal", [total(f"{name}/bps", f"{name}/sum"), nodes.constant(0, np.int32)], f"{name}/nothing")
    evenly = nodes.add("Cast", [nothing], f"{name}/evenly", to=int32)
    weights = nodes.add("Add", [f"{name}/bps", evenly], f"{name}/weights")
    certain = nodes.constant(CERTAIN_BPS, np.int32)
    scaled = nodes.add("Mul", [weights, certain], f"{name}/scaled")
    shares = half_even(nodes, scaled, total(weights, f"{name}/weight"), f"{name}/shares", np.int32)
    left = nodes.add("Sub", [certain, total(shares, f"{name}/shared")], f"{name}/left_over")
    largest = nodes.add("ArgMax", [weights], f"{name}/largest", axis=1, keepdims=1)
    classes = nodes.constant([list(range(len(head.classes)))], np.int64)
    taker = nodes.add("Cast", [nodes.add("Equal", [classes, largest], f"{name}/takes")], f"{name}/taker", to=int32)
    return nodes.add("Add", [shares, nodes.add("Mul", [left, taker], f"{name}/rest")], name)


def add_rounded(nodes: Nodes, head: HeadFacts) -> str:
    """Append `{head}`, int32 [N, 1]: margin x unit, half-even, from the margin in units of 2^-16."""
    name, scale = head.name, 1 << LEAF_GRID_BITS
    shifted = nodes.add("Mul", [head.margin_name, nodes.constant(scale, np.float32)], f"{name}/shifted")
    margin = nodes.add("Cast", [shifted], f"{name}/margin_q16", to=tensor_type(np.int64))
    product = nodes.add("Mul", [margin, nodes.constant(head.unit, np.int64)], f"{name}/product")
    rounded = half_even(nodes, product, nodes.constant(scale, np.int64), f"{name}/rounded", np.int64)
    return nodes.add("Cast", [rounded], name, to=tensor_type(np.int32))
