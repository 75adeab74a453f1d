"""Rules between heads and the spacing of a grid as integer nodes; `learning.coherence` does the same with numpy.

A node costs more than what it computes on a few numbers, so rules are not appended one by one. Neighbouring rules of a
kind become one stage over the matrix of all heads, which leaves heads without a rule as they are.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import numpy as np

from grinder_resources.contracts.artifacts import SPACING_OUTPUT
from grinder_resources.contracts.calibration import (
    CERTAIN_BPS,
    SPACING_LIMITS_X1000,
    AtLeast,
    AtMost,
    Either,
    Rule,
    Spacing,
)
from grinder_resources.export.nodes import Nodes, half_even

_EXTREME: dict[type[Rule], str] = {AtMost: "ReduceMin", AtLeast: "ReduceMax"}


def add_rules(nodes: Nodes, rules: Sequence[Rule], heads: Sequence[str], bps: str) -> str:
    """Append the rules, each on what the ones before left; return the name of the coherent bps, int32 [N, heads].

    bps
        Name of the bps of `heads` before the rules, int32 [N, heads].
    """
    for number, (kind, looked_at) in enumerate(stages(rules)):
        stage = f"coherence/{number}"
        columns = [[heads.index(name) for name in looked_at.get(head, (head,))] for head in heads]
        bps = (
            _add_either(nodes, columns, bps, stage)
            if kind is Either
            else _add_extreme(nodes, kind, columns, bps, stage)
        )
    return bps


def stages(rules: Sequence[Rule]) -> Iterator[tuple[type[Rule], Mapping[str, tuple[str, ...]]]]:
    """Yield the rules as stages: their kind, and by head the heads that its new value is computed from.

    A head that is bounded by one that an earlier rule of the stage has bounded is bounded by what bounds that one: the
    smallest of smallest values is the smallest of all. An `Either` that looks at what its stage has moved opens a new
    one.
    """
    for kind, group in groupby(rules, type):
        looked_at: dict[str, tuple[str, ...]] = {}
        for rule in group:
            if isinstance(rule, Either):
                if looked_at.keys() & {rule.head, *rule.parts}:
                    yield kind, looked_at
                    looked_at = {}
                looked_at[rule.head] = rule.parts
            else:
                reached = (looked_at.get(name, (name,)) for name in (rule.head, *rule.bounds))
                looked_at[rule.head] = tuple(dict.fromkeys(name for names in reached for name in names))
        yield kind, looked_at


def _add_extreme(nodes: Nodes, kind: type[Rule], columns: Sequence[Sequence[int]], bps: str, stage: str) -> str:
    """Append the smallest or largest of each head's columns, its own among them."""
    width = max(len(own) for own in columns)
    padded = [[*own, *[own[0]] * (width - len(own))] for own in columns]
    places = nodes.constant(padded, np.int64)
    gathered = nodes.add("Gather", [bps, places], f"{stage}/gathered", axis=1)
    return nodes.add(_EXTREME[kind], [gathered], f"{stage}/bps", axes=[2], keepdims=0)


def _add_either(nodes: Nodes, columns: Sequence[Sequence[int]], bps: str, stage: str) -> str:
    """Append [max(parts), min(sum of parts, 10000)] as bounds; a head without a rule is both its parts."""
    places = nodes.constant([[*own, *own][:2] for own in columns], np.int64)
    parts = nodes.add("Gather", [bps, places], f"{stage}/parts", axis=1)
    likelier = nodes.add("ReduceMax", [parts], f"{stage}/likelier", axes=[2], keepdims=0)
    together = nodes.add("ReduceSum", [parts, nodes.constant(2, np.int64)], f"{stage}/together", keepdims=0)
    raised = nodes.add("Max", [bps, likelier], f"{stage}/raised")
    return nodes.add("Min", [raised, together, nodes.constant(CERTAIN_BPS, np.int32)], f"{stage}/bps")


def add_spacing(nodes: Nodes, spacing: Spacing) -> str:
    """Append `spacing_multiplier_x1000`, int32 [N, 1]: the expected multiplier, half-even, within its limits."""
    multipliers = nodes.constant([[multiplier] for multiplier in spacing.multipliers_x1000], np.int32)
    weighted = nodes.add("MatMul", [spacing.head, multipliers], f"{SPACING_OUTPUT}/weighted")
    expected = half_even(nodes, weighted, nodes.constant(CERTAIN_BPS, np.int32), f"{SPACING_OUTPUT}/expected", np.int32)
    low, high = (nodes.constant(limit, np.int32) for limit in SPACING_LIMITS_X1000)
    return nodes.add("Min", [nodes.add("Max", [expected, low], f"{SPACING_OUTPUT}/raised"), high], SPACING_OUTPUT)
