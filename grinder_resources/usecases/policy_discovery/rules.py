"""What a policy rule is: conditions on integers, the policy it advises, what came of it. Facts only, plain Python."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from grinder_resources.errors import OutOfRange, SchemaMismatch

AT_MOST: Final = "<="
ABOVE: Final = ">"
Comparison = Literal["<=", ">"]

CODES = MappingProxyType(
    {
        "SAME_AS_DEFAULT": "it advises what is done anyway",
        "TOO_FEW_ROWS": "it holds in too few later windows to be judged",
        "TOO_FEW_HOURS": "the later windows in which it holds come from too few hours to be judged",
        "NO_LIFT": "in the later windows the default earned as much or more",
        "NOT_SIGNIFICANT": "luck explains its lift, seeing how many rules were tried",
        "INTERVAL_HOLDS_ZERO": "the lower bound of its lift, widened for the choice among rules, is not above 0",
    }
)
"""Why a rule is not kept, in the order in which it is said."""


@dataclass(frozen=True)
class Policy:
    """A way to trade a window: its name, and the grid of `gold/grid_sweep` that does it."""

    name: str
    grid: str


@dataclass(frozen=True)
class Condition:
    """`column <= value` or `column > value`, in the column's own integer unit. Where there is no value, it fails."""

    column: str
    comparison: Comparison
    value: int

    def holds(self, features: Mapping[str, int | None]) -> bool:
        """Return whether it holds; None is no value. Raises SchemaMismatch if the column is not there at all."""
        if self.column not in features:
            raise SchemaMismatch("a rule asks for a column that is not there", where=self.column)
        found = features[self.column]
        if found is None:
            return False
        return found <= self.value if self.comparison == AT_MOST else found > self.value

    def __str__(self) -> str:
        return f"{self.column} {self.comparison} {self.value}"


@dataclass(frozen=True)
class Performance:
    """A rule on some windows, held against the default on the same windows.

    rows, share_bps, hours, instruments
        Windows in which it holds, their share of all windows in bps, and the hours and instruments they come from.
    lift_x1000
        Mean of its policy's PnL minus the default's, bps of capital x 1000, half-even; 0 where it never holds.
    hit_lift_bps
        Share of windows in which its policy is the best of all, minus the share in which the default is, bps.
    """

    rows: int
    share_bps: int
    hours: int
    instruments: int
    lift_x1000: int
    hit_lift_bps: int


@dataclass(frozen=True)
class PolicyRule:
    """Where all conditions hold, trade by `policy`. At most one condition of either kind a column.

    training
        What it did on the days it was found on: no evidence, it was chosen for that.
    """

    name: str
    conditions: tuple[Condition, ...]
    policy: str
    training: Performance

    def holds(self, features: Mapping[str, int | None]) -> bool:
        """Return whether every condition holds."""
        return all(condition.holds(features) for condition in self.conditions)

    def __str__(self) -> str:
        asked = " AND ".join(str(condition) for condition in self.conditions)
        return f"IF {asked} THEN {self.policy}" if asked else f"ALWAYS {self.policy}"


@dataclass(frozen=True)
class Evidence:
    """How sure a lift is: its bounds, bps of capital x 1000, and its one-sided p-value in ppm, rounded up."""

    low_x1000: int
    high_x1000: int
    p_ppm: int

    def __post_init__(self) -> None:
        if self.low_x1000 > self.high_x1000:
            raise OutOfRange("the lower bound is not above the upper", got=f"{self.low_x1000}, {self.high_x1000}")


@dataclass(frozen=True)
class JudgedRule:
    """A rule, what it did on later days, and why it is not kept: codes of CODES in their order, empty if it is.

    evidence
        None where it was not tested.
    """

    rule: PolicyRule
    later: Performance
    evidence: Evidence | None
    reasons: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons
