"""What a graph has to answer, from its exact margins, with numpy integers alone: what every proof compares with.

It shares no code with the graph: tables, sums, rules and spacing are those of `learning`, which also scores them.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import LEAF_GRID_BITS, SPACING_OUTPUT, HeadFacts
from grinder_resources.contracts.calibration import Calibration
from grinder_resources.contracts.exact import half_even
from grinder_resources.learning.calibration import class_gaps_q16, lookup, margins_q16
from grinder_resources.learning.coherence import apply_rules, spacing_x1000, sum_to_certain

Answers = dict[str, NDArray[np.int32]]


def expected_answers(
    heads: Sequence[HeadFacts], calibration: Calibration, margins: Mapping[str, NDArray[np.float32]]
) -> Answers:
    """Return every integer output by name, int32 [rows, outputs], of exact margins float32 [rows, outputs] by head."""
    answers = {head.name: _alone(head, calibration, margins_q16(margins[head.name])) for head in heads}
    binary = {head.name: answers[head.name][:, 0] for head in heads if head.kind == "binary"}
    answers |= {name: bps[:, None] for name, bps in apply_rules(calibration.rules, binary).items()}
    if calibration.spacing:
        answers[SPACING_OUTPUT] = spacing_x1000(answers[calibration.spacing.head], calibration.spacing)[:, None]
    return answers


def _alone(head: HeadFacts, calibration: Calibration, margin_q16: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the answer of a head before any rule."""
    if head.kind == "regression":
        return np.asarray(half_even(margin_q16 * head.unit, 1 << LEAF_GRID_BITS), dtype=np.int32)
    scale = class_gaps_q16(margin_q16) if head.kind == "multiclass" else margin_q16
    bps = np.stack([lookup(table, scale[:, k]) for k, table in enumerate(calibration.tables[head.name])], axis=1)
    return sum_to_certain(bps.astype(np.int64)) if head.kind == "multiclass" else bps
