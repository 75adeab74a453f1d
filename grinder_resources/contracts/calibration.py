"""What lies between an exact margin and the integer a caller gets: step tables, coherence rules, spacing.

These facts are fitted by `learning`, written into the graph by `export`, and stated in the manifest; both sides compute
with integers alone, so they give the same answer to the last unit. Probabilities are integer bps, 10,000 = certain;
margins are counted in units of 2^-16 (`LEAF_GRID_BITS`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from grinder_resources.errors import OutOfRange

CERTAIN_BPS = 10_000
"""A probability of 1."""

NEUTRAL_X1000 = 1_000
SPACING_LIMITS_X1000 = (500, 2_000)
"""A grid is never made less than half or more than twice as wide by a model (ML spec 12.2.2)."""

Method = Literal["isotonic", "logistic"]


@dataclass(frozen=True)
class StepTable:
    """A monotone, right-continuous step function from margin to bps.

    cuts_q16
        Strictly ascending margins where a step begins, in units of 2^-16.
    values_bps
        One more than there are cuts, never falling, within 0..10000: value i holds for cuts[i - 1] <= margin < cuts[i].
    method
        'isotonic': fitted on out-of-fold margins. 'logistic': too few were known; the logistic function itself, or for
        a multiclass head the weights of leads whose shares are the softmax.
    rows
        Out-of-fold rows it was fitted on; 0 for 'logistic'.
    """

    cuts_q16: tuple[int, ...]
    values_bps: tuple[int, ...]
    method: Method
    rows: int

    def __post_init__(self) -> None:
        ascending = all(left < right for left, right in zip(self.cuts_q16, self.cuts_q16[1:], strict=False))
        rising = all(left <= right for left, right in zip(self.values_bps, self.values_bps[1:], strict=False))
        _require(ascending, "cuts of a step table ascend strictly", self.cuts_q16)
        _require(rising, "values of a step table never fall", self.values_bps)
        _require(len(self.values_bps) == len(self.cuts_q16) + 1, "a step table has one value more than cuts", self)
        in_range = self.values_bps[0] >= 0 and self.values_bps[-1] <= CERTAIN_BPS
        _require(in_range, "a probability lies in 0..10000 bps", self.values_bps)


@dataclass(frozen=True)
class AtMost:
    """The head is lowered to the smallest of `bounds` where it is above it."""

    head: str
    bounds: tuple[str, ...]


@dataclass(frozen=True)
class AtLeast:
    """The head is raised to the largest of `bounds` where it is below it."""

    head: str
    bounds: tuple[str, ...]


@dataclass(frozen=True)
class Either:
    """The head asks whether one of two `parts` happens: it is moved into [max(parts), min(sum of parts, 10000)]."""

    head: str
    parts: tuple[str, str]


Rule = AtMost | AtLeast | Either
"""A relation between the bps of binary heads. Rules are applied in their order, each to what the ones before left."""


def rule_facts(rule: Rule) -> dict[str, Any]:
    """Return a rule as JSON: its kind, its head, and the heads it looks at."""
    match rule:
        case AtMost(head, bounds):
            return {"rule": "at_most", "head": head, "bounds": list(bounds)}
        case AtLeast(head, bounds):
            return {"rule": "at_least", "head": head, "bounds": list(bounds)}
        case Either(head, parts):
            return {"rule": "either", "head": head, "parts": list(parts)}


@dataclass(frozen=True)
class Spacing:
    """How much wider than usual a grid should be, from the probabilities of one multiclass head.

    spacing_multiplier_x1000 = sum(bps[k] * multipliers_x1000[k]) / 10000, half-even, clamped to SPACING_LIMITS_X1000.

    head
        The multiclass head; `multipliers_x1000` has one entry a class, in the order of its classes.
    """

    head: str
    multipliers_x1000: tuple[int, ...]


@dataclass(frozen=True)
class Calibration:
    """Everything between the exact margins of a model and its integer answers.

    tables
        By head, one step table an output: one for a binary head, one a class for a multiclass head, none for a
        regression. A multiclass table is looked up at the class's margin minus the largest margin of the others, and
        what is found is shared out so that the classes sum to 10,000.
    rules, spacing
        Applied after the tables, in this order.
    """

    tables: Mapping[str, tuple[StepTable, ...]] = field(default_factory=lambda: MappingProxyType({}))
    rules: tuple[Rule, ...] = ()
    spacing: Spacing | None = None


def _require(condition: bool, rule: str, got: object) -> None:
    if not condition:
        raise OutOfRange(rule, where="calibration", got=repr(got)[:120])
