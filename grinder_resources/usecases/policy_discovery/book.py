"""A rule book: what one discovery found, kept rules and others, and how a policy is chosen by it. Plain Python."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from grinder_resources.errors import OutOfRange
from grinder_resources.usecases.policy_discovery.rules import JudgedRule, Policy

PPM = 1_000_000


@dataclass(frozen=True)
class Settings:
    """How rules are found and judged.

    max_depth, min_samples_leaf
        Of the tree; the second is the windows a rule has to hold in on the training days.
    later_days_percent
        Share of the days, rounded down but at least one, that rules are judged on; the newest ones.
    max_null_bps
        Columns that are null in a larger share of the training windows are not looked at.
    min_rows, min_hours
        Windows, and hours with such windows, in which a rule has to hold on the later days to be tested.
    false_discovery_ppm
        Share of worthless rules among the kept ones that is accepted, in expectation.
    draws, seed
        Of every randomisation.
    """

    max_depth: int = 5
    min_samples_leaf: int = 100
    later_days_percent: int = 40
    max_null_bps: int = 500
    min_rows: int = 30
    min_hours: int = 8
    false_discovery_ppm: int = 100_000
    draws: int = 4_000
    seed: int = 42

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < (0 if name in ("max_null_bps", "seed") else 1):
                raise OutOfRange(f"{name} of a policy discovery", got=str(value))
        if self.later_days_percent > 99 or self.false_discovery_ppm > PPM:
            raise OutOfRange("a share of a policy discovery is below the whole", got=str(self))


@dataclass(frozen=True)
class Period:
    """Days, first and last as ISO texts, and the windows in them that were looked at, of so many instruments."""

    first_day: str
    last_day: str
    days: int
    windows: int
    instruments: int


@dataclass(frozen=True)
class RuleBook:
    """What a discovery found.

    default
        Policy where no kept rule holds: the one that earned most in all training windows.
    policies
        All that were compared, the more cautious first.
    columns
        Every column that a rule asks for, and what it is.
    data_sha256, tree_sha256, code_version
        Of the windows with everything that was earned in them, of the rules with their order, and of the code.
    """

    default: str
    policies: tuple[Policy, ...]
    rules: tuple[JudgedRule, ...]
    columns: Mapping[str, str]
    training: Period
    later: Period
    settings: Settings
    data_sha256: str
    tree_sha256: str
    code_version: str

    @cached_property
    def kept(self) -> tuple[JudgedRule, ...]:
        """Rules that hold out of sample."""
        return tuple(rule for rule in self.rules if rule.kept)

    @property
    def tested(self) -> int:
        """Rules that were tested: what the control of false discoveries counts."""
        return sum(rule.evidence is not None for rule in self.rules)

    @property
    def sentence(self) -> str:
        """What follows, in plain words."""
        held = f"{len(self.kept)} of {len(self.rules)} rules hold out of sample"
        if not self.rules:
            return f"No rule was found: no part of the market asks for anything but {self.default}."
        if not self.kept:
            return f"{held}: no promotion, {self.default} stays."
        return f"{held}: {', '.join(f'{rule.rule.name} ({rule.rule.policy})' for rule in self.kept)}."


def choose(book: RuleBook, features: Mapping[str, int | None]) -> str:
    """Return the policy of the first kept rule that holds, the default if none does.

    features
        Integers by column, None where there is no value: a condition on that does not hold. Raises SchemaMismatch
        if a column that a kept rule asks for is not there at all.
    """
    return next((judged.rule.policy for judged in book.kept if judged.rule.holds(features)), book.default)
