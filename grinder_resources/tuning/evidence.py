"""How much of the best trial's gain is luck: White's reality check (2000) over the trials of a study, studentised.

Whoever takes the best of many trials takes their luck as well. So the gain over the defaults is not held against its
own interval but against what the luckiest of all trials would gain if none were any better: blocks of time are drawn
again and again, all trials on the same ones, and of every draw the largest deviation from its own mean counts, each in
units of its trial's own spread (Romano and Wolf 2005), so that wild trials do not speak for steady ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grinder_resources.evaluation.scores import MIN_BLOCKS, RESAMPLES, SEED
from grinder_resources.learning.metrics import Floats
from grinder_resources.tuning.backend import Outcome
from grinder_resources.tuning.component import Earnings
from grinder_resources.tuning.parameters import Configuration
from grinder_resources.tuning.record import figures

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Judgement:
    """What a study found.

    base, best
        The trial of the defaults, and the best complete one, which may be the same; None where the defaults failed.
    blocks
        Blocks of time in which something was earned or lost.
    gain
        Score of the best above that of the defaults, never below 0.
    luck
        The gain that the best of as many worthless trials stays below in 95 of 100 draws; None where there are too few
        blocks to say.
    """

    base: Outcome | None
    best: Outcome | None
    blocks: int = 0
    gain: float = 0.0
    luck: float | None = None

    @property
    def found(self) -> bool:
        """Whether the best is better than luck explains."""
        return self.luck is not None and self.gain > self.luck

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        if self.base is None or self.best is None or self.base.score is None or self.best.score is None:
            return "no verdict: there is no score of the settings in force to compare with"
        if self.best.number == self.base.number:
            return f"no edge: nothing scored better than the settings in force, {figures(self.base.score)}"
        best, base = figures(self.best.score), figures(self.base.score)
        scores = f"trial {self.best.number} scores {best}, the settings in force {base}"
        if self.luck is None:
            return f"no edge: {scores}, and {self.blocks} blocks of time are too few to tell that from luck"
        verdict, how = ("an edge", "more") if self.found else ("no edge", "not more")
        gain, luck = figures(self.gain), figures(self.luck)
        return f"{verdict}: {scores}; a gain of {gain} is {how} than the luck of so many trials, {luck}"


def judge(
    outcomes: Sequence[Outcome],
    earned: Mapping[int, Earnings],
    scales: Mapping[str, int],
    defaults: Configuration,
    *,
    maximise: bool = True,
) -> Judgement:
    """Return what the trials of a study come to.

    earned
        What every complete trial earned, by its number; none for a component that only measures.
    scales
        As in `TunableComponent`.
    """
    complete = [one for one in outcomes if one.state == "complete" and one.score is not None]
    base = next((one for one in complete if one.configuration == defaults), None)
    if base is None:
        return Judgement(None, None)
    sign = 1.0 if maximise else -1.0
    best = max(complete, key=lambda one: (sign * (one.score or 0.0), one is base, -one.number))
    blocks = sorted({block for of_trial in earned.values() for of_one in of_trial.values() for block in of_one})
    judged = [one.number for one in complete if one.number in earned]
    gain = sign * ((best.score or 0.0) - (base.score or 0.0))
    if not {base.number, best.number} <= set(judged) or len(blocks) < MIN_BLOCKS:
        return Judgement(base, best, len(blocks), gain)
    scored = np.array([_by_block(earned[number], scales, blocks) for number in judged])
    gains = sign * (scored - _by_block(earned[base.number], scales, blocks))
    luck = luck_of(gains, judged.index(best.number))
    return Judgement(base, best, len(blocks), gain, luck)


def luck_of(gains: Floats, best: int) -> float:
    """Return the gain in total that trial number `best` stays below if no trial is any better than the defaults.

    gains
        float64 [trials, blocks]: what each trial gained over the defaults in every block.

    With probability CONFIDENCE, whichever of the trials was to be the best.
    """
    count = gains.shape[1]
    drawn = np.random.default_rng(SEED).multinomial(count, np.full(count, 1.0 / count), size=RESAMPLES)
    deviations = (drawn - 1.0) @ gains.T
    spread = deviations.std(axis=0)
    uncertain = spread > 0.0
    if not uncertain.any():
        return 0.0
    largest = (deviations[:, uncertain] / spread[uncertain]).max(axis=1)
    return float(np.quantile(largest, CONFIDENCE) * spread[best])


def _by_block(earned: Earnings, scales: Mapping[str, int], blocks: Sequence[int]) -> Floats:
    """Return what a trial scored in every block: its score is their sum."""
    place = {block: number for number, block in enumerate(blocks)}
    scored = np.zeros(len(blocks))
    for question, scale in scales.items():
        for block, units in earned.get(question, {}).items():
            scored[place[block]] += units / scale
    return scored / len(scales)
