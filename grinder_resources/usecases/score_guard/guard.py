"""The guard: whether a heuristic may trade, given the score and the hazard in force at its decision.

Closed is the safe side: no score, too old a score, no hazard where one is asked for, all close it.
"""

from dataclasses import dataclass

import polars as pl

from grinder_resources.contracts.calibration import CERTAIN_BPS
from grinder_resources.errors import OutOfRange

NO_SCORE = "no score"
LOW_SCORE = "score below the threshold"
NO_HAZARD = "no hazard"
HIGH_HAZARD = "hazard above the limit"


@dataclass(frozen=True)
class Guard:
    """Open where score >= threshold and hazard <= its limit.

    threshold_bps
        0..10,000.
    max_hazard_bps
        0..10,000; None = hazards are not asked for.
    max_age_s
        How long a score stays in force, seconds, >= 0.
    """

    threshold_bps: int
    max_hazard_bps: int | None
    max_age_s: int

    def __post_init__(self) -> None:
        for name, limit in (("threshold_bps", CERTAIN_BPS), ("max_hazard_bps", CERTAIN_BPS), ("max_age_s", 1 << 31)):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= limit:
                raise OutOfRange(f"{name} of a guard", got=str(value), expected=f"0..{limit}")

    def judged(self, heard: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with `open` and `reason`, the first that closes it; they hold score_bps and hazard_bps."""
        score, hazard = pl.col("score_bps"), pl.col("hazard_bps")
        reason = (
            pl.when(score.is_null()).then(pl.lit(NO_SCORE)).when(score < self.threshold_bps).then(pl.lit(LOW_SCORE))
        )
        if self.max_hazard_bps is not None:
            reason = reason.when(hazard.is_null()).then(pl.lit(NO_HAZARD))
            reason = reason.when(hazard > self.max_hazard_bps).then(pl.lit(HIGH_HAZARD))
        return heard.with_columns(reason=reason.otherwise(pl.lit(""))).with_columns(open=pl.col("reason") == "")
