"""The calibration gate: how large the calibration error of a head may be, at worst, for its numbers to be used.

What counts is the upper bound of the 95 % interval of the calibrated, out-of-fold ECE. A small error of few rows is no
evidence: the bound is then large, or there is none, and what is not known does not pass.
"""

from dataclasses import dataclass

import polars as pl

from grinder_resources.contracts.reports import walk_forward_table
from grinder_resources.evaluation.calibrated import PART
from grinder_resources.evaluation.scores import MIN_BLOCKS, MIN_ROWS, Estimate, stays_within
from grinder_resources.evaluation.summary import pooled, target_label
from grinder_resources.lake import Lake
from grinder_resources.learning.ledger import Trial
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.splits import Mode

ABOVE_GATE = "CALIBRATION_ABOVE_GATE"

_PPM = 1_000_000


@dataclass(frozen=True)
class Gated:
    """The calibrated ECE of one answer against the gate; `ece` is None where no fold answered.

    rows, positives, blocks
        Open rows, those of the class, and hours they come from.
    """

    answer: str
    ece: Estimate | None
    rows: int
    positives: int
    blocks: int
    max_upper: float

    @property
    def judged(self) -> bool:
        """Whether there is a calibrated answer to judge."""
        return self.ece is not None

    @property
    def passes(self) -> bool:
        """Whether the upper bound is known and not above the gate."""
        return stays_within(self.ece, self.max_upper)

    @property
    def verdict(self) -> str:
        """What the gate says, and why where it is not the bound that speaks."""
        if self.ece is None:
            return "not judged: no fold answered"
        if self.ece.high is None:
            counts = f"{self.rows} open rows, {self.positives} of the class, in {self.blocks} hours"
            return f"no: no interval ({counts}; it needs {MIN_ROWS} of each class in {MIN_BLOCKS} hours)"
        return "passes" if self.passes else "above the gate"


def gated(spec: ModelSpec, lake: Lake, mode: Mode, max_upper: float) -> tuple[Gated, ...]:
    """Return every answer of a spec that is a probability, from `reports/walk_forward/<model>`.

    Raises PartitionMissing if the walk-forward was never made.
    """
    errors = pooled(lake.read(walk_forward_table(spec.name)), mode, PART).filter(pl.col("metric") == "ece")
    by_target = {(row["head"], row["class"]): row for row in errors.iter_rows(named=True)}
    return tuple(
        Gated(
            answer=target_label(head.name, output),
            ece=Estimate(row["value"], row["low"], row["high"]) if row else None,
            **{name: row[name] if row else 0 for name in ("rows", "positives", "blocks")},
            max_upper=max_upper,
        )
        for head in spec.heads
        if head.kind != "regression"
        for output in head.outputs
        for row in [by_target.get((head.name, output))]
    )


def gate_trial(spec: ModelSpec, mode: Mode, max_upper: float, answers: tuple[Gated, ...]) -> Trial:
    """Return the record of one look through the gate: whoever looks for a threshold that passes has tried them all."""
    facts = {
        "gate": "calibration",
        "dataset": spec.dataset,
        "mode": mode,
        "max_ece_upper_ppm": round(max_upper * _PPM),
        "passed": [answer.answer for answer in answers if answer.passes],
        "refused": [answer.answer for answer in answers if answer.judged and not answer.passes],
    }
    return Trial("threshold", spec.name, "", facts)
