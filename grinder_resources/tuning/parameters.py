"""Tunable parameters: what may be set, to what, and when it matters.

A space is a tuple of them, conditions after what they name.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

from grinder_resources.errors import OutOfRange

Value = int | float | str | bool
Configuration = Mapping[str, Value]
"""Values by name: one for every parameter that matters, none for the others."""

DIGITS = 4
"""Significant digits of a continuous value: finer settings nobody can tell apart, and these can be read."""


@dataclass(frozen=True)
class TunableParameter:
    """One setting.

    range
        Lowest and highest value, both included; of a categorical parameter, its values.
    log_scale
        Whether ratios count instead of differences: from 1 to 2 is as far as from 10 to 20.
    conditional_on
        Values that earlier parameters must have for this one to matter; None = it always does.

    Raises OutOfRange for a range that is none, and for a default that is not in it or has more than DIGITS digits.
    """

    name: str
    kind: Literal["continuous", "integer", "categorical"]
    default: Value
    range: tuple[Value, ...]
    log_scale: bool = False
    conditional_on: Mapping[str, Value] | None = None

    def __post_init__(self) -> None:
        if self.kind != "categorical":
            low, high = self.bounds
            if not (math.isfinite(low) and math.isfinite(high) and low < high and (low > 0 or not self.log_scale)):
                self._refuse("a range goes from a number to a larger one, on a log scale from above 0", self.range)
        elif len(self.range) < 2 or self.log_scale:
            self._refuse("a categorical parameter has several values, and no scale", self.range)
        if not self.allows(self.default) or self.rounded(self.default) != self.default:
            self._refuse(f"the default is in the range, and has at most {DIGITS} digits", self.default)

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest value of a parameter that is not categorical. Raises OutOfRange for anything else."""
        numbers = [float(bound) for bound in self.range if isinstance(bound, int | float)]
        if len(numbers) != len(self.range) or len(numbers) != 2:
            self._refuse("a range is two numbers", self.range)
        return numbers[0], numbers[1]

    def allows(self, value: Value) -> bool:
        """Return whether the parameter may have this value."""
        match self.kind:
            case "categorical":
                return any(type(value) is type(one) and value == one for one in self.range)
            case "integer":
                return type(value) is int and self.bounds[0] <= value <= self.bounds[1]
            case "continuous":
                return type(value) in {int, float} and self.bounds[0] <= float(value) <= self.bounds[1]

    def matters(self, configuration: Configuration) -> bool:
        """Return whether it has a value beside those of `configuration`."""
        wanted = self.conditional_on or {}
        return all(name in configuration and configuration[name] == value for name, value in wanted.items())

    def rounded(self, value: Value) -> Value:
        """Return a continuous value to DIGITS digits, inside its range; any other as it is."""
        if self.kind != "continuous":
            return value
        low, high = self.bounds
        return min(max(float(f"{float(value):.{DIGITS}g}"), low), high)

    def _refuse(self, what: str, got: object) -> NoReturn:
        raise OutOfRange(what, where=f"parameter {self.name}", got=repr(got), expected=repr(self.range))


def defaults(space: Iterable[TunableParameter]) -> dict[str, Value]:
    """Return the configuration in which every parameter that matters has its default."""
    found: dict[str, Value] = {}
    for parameter in space:
        if parameter.matters(found):
            found[parameter.name] = parameter.default
    return found


def require_space(space: Sequence[TunableParameter]) -> None:
    """Raise OutOfRange unless names differ, and every condition is a value that an earlier parameter can have."""
    earlier: dict[str, TunableParameter] = {}
    for parameter in space:
        for name, value in (parameter.conditional_on or {}).items():
            if name not in earlier or not earlier[name].allows(value):
                raise OutOfRange(
                    "a condition names a value of an earlier parameter",
                    where=f"parameter {parameter.name}",
                    got=f"{name} = {value!r}",
                )
        if parameter.name in earlier:
            raise OutOfRange("parameters have different names", where="a space", got=parameter.name)
        earlier[parameter.name] = parameter
