"""Do the leak checks work? Every known leak is planted, one by one, and fifty clean data sets are looked at.

A leak counts as caught only if the check that names it fires, whatever else does; a clean data set raises an alarm if
any check fires at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grinder_resources.errors import ProofFailed
from grinder_resources.learning.leaks.case import case_of
from grinder_resources.learning.leaks.checks import Finding, find_leaks
from grinder_resources.learning.specs import level_signals
from grinder_resources.progress import track
from grinder_resources.proofs.leaks_market import Market, market_rows
from grinder_resources.proofs.leaks_plants import PLANTS, Plant
from grinder_resources.proofs.leaks_variants import clean_cases

SPEC = level_signals("stage_b", "full")

CLEAN = 50
"""Clean data sets that have to stay without alarm."""


@dataclass(frozen=True)
class Verdict:
    """What the checks said of one planted leak."""

    plant: Plant
    findings: tuple[Finding, ...]

    @property
    def rows(self) -> int:
        """Rows that the right check found in the place where it found most; 0 where the leak was missed."""
        by_place: dict[str, int] = {}
        for finding in self.findings:
            if finding.check == self.plant.check:
                by_place[finding.where] = by_place.get(finding.where, 0) + finding.rows
        return max(by_place.values(), default=0)


@dataclass(frozen=True)
class SelfTest:
    """Verdicts on every planted leak, and the alarms that clean data raised: (variant, finding)."""

    verdicts: tuple[Verdict, ...]
    alarms: tuple[tuple[str, Finding], ...]
    clean: int

    @property
    def sentence(self) -> str:
        """The outcome on one line."""
        caught = sum(verdict.rows > 0 for verdict in self.verdicts)
        loud = len({story for story, _ in self.alarms})
        return f"{caught} of {len(self.verdicts)} planted leaks caught, {loud} alarms on {self.clean} clean variants"


def run_selftest(seed: int = 1, clean: int = CLEAN, plants: Sequence[Plant] = PLANTS) -> SelfTest:
    """Return what the checks say of every plant and of `clean` clean variants; equal seeds, equal answers."""
    honest = case_of(SPEC, market_rows(Market(seed=seed)))
    verdicts = tuple(
        Verdict(plant, find_leaks(plant.sow(honest, np.random.default_rng([seed, number]))))
        for number, plant in enumerate(track(plants, desc="planted leaks"))
    )
    cases = track(clean_cases(SPEC, seed, clean), desc="clean variants", total=clean)
    alarms = tuple(
        (f"{number} {story}", finding) for number, (story, case) in enumerate(cases, 1) for finding in find_leaks(case)
    )
    return SelfTest(verdicts, alarms, clean)


def require_passed(test: SelfTest) -> None:
    """Raise ProofFailed naming the first leak that was missed, or the first alarm on clean data."""
    missed = [verdict.plant for verdict in test.verdicts if verdict.rows == 0]
    if missed:
        raise ProofFailed(
            "a planted leak was missed", where=missed[0].story, got=test.sentence, expected=f"check {missed[0].check!r}"
        )
    if test.alarms:
        story, finding = test.alarms[0]
        raise ProofFailed(
            "clean data raised an alarm",
            where=f"variant {story}",
            got=f"{finding.check}: {finding.where}; {test.sentence}",
            expected="none",
        )
