"""What facts about artifacts ask of themselves when they are constructed; each refusal is one ManifestRejected line."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from grinder_resources.contracts.calibration import Either, Rule, Spacing
from grinder_resources.errors import ManifestRejected

MAX_MULTIPLIER_X1000 = 100_000
"""Largest spacing multiplier of a class: 10,000 times it still fits into 31 bits."""

_LABEL = re.compile(r"[!-~]{1,128}")


def require(condition: object, rule: str, where: str, got: object) -> None:
    """Raise ManifestRejected with `rule` unless the condition holds."""
    if not condition:
        raise ManifestRejected(rule, where=where[:100], got=repr(got)[:100])


def require_count(value: int, where: str) -> None:
    """Raise ManifestRejected unless `value` is within 0..2^63-1."""
    require(0 <= value < 1 << 63, "a count is an integer in 0..2^63-1", where, value)


def require_unique(names: Iterable[str], noun: str, where: str) -> None:
    """Raise ManifestRejected, naming it, for a name that appears twice."""
    seen: set[str] = set()
    for name in names:
        require(name not in seen, f"a {noun} may appear only once", where, name)
        seen.add(name)


def require_labels(names: Sequence[str], noun: str, where: str) -> None:
    """Raise ManifestRejected unless the names are unique, printable ASCII without spaces, of 1..128 characters."""
    for name in names:
        require(_LABEL.fullmatch(name), f"a {noun} name has 1..128 printable ASCII characters, no space", where, name)
    require_unique(names, noun, where)


def require_coherence(rules: Sequence[Rule], binary: Collection[str]) -> None:
    """Raise ManifestRejected where a rule names something else than binary heads, or no other head than its own."""
    for index, rule in enumerate(rules):
        where = f"coherence[{index}]"
        others = rule.parts if isinstance(rule, Either) else rule.bounds
        unknown = [name for name in (rule.head, *others) if name not in binary]
        require(not unknown, "a rule is between binary heads of the model", where, unknown)
        require(others and rule.head not in others, "a rule needs heads other than its own", where, others)


def require_spacing(spacing: Spacing | None, classes: Mapping[str, int]) -> None:
    """Raise ManifestRejected unless there is a multiplier, 0..100,000, for each class of a multiclass head.

    classes
        Number of classes by multiclass head.
    """
    if spacing is None:
        return
    multipliers = spacing.multipliers_x1000
    require(spacing.head in classes, "spacing comes from a multiclass head of the model", "spacing", spacing.head)
    fits = len(multipliers) == classes[spacing.head]
    require(fits, "spacing has one multiplier a class", "spacing", multipliers)
    in_range = all(0 <= multiplier <= MAX_MULTIPLIER_X1000 for multiplier in multipliers)
    require(in_range, f"a multiplier lies in 0..{MAX_MULTIPLIER_X1000}", "spacing", multipliers)
