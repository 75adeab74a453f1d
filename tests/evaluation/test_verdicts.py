from dataclasses import replace

import pytest

from grinder_resources.evaluation.scores import Estimate
from grinder_resources.evaluation.verdicts import Evidence

EVIDENCE = Evidence(
    rows=900,
    settled=120,
    positives=300,
    folds=3,
    folds_scored=3,
    folds_above=2,
    skill=Estimate(0.05, 0.01, 0.09),
    skill_over_base=Estimate(0.25, 0.21, 0.29),
    auc=Estimate(0.61, 0.55, 0.67),
    auc_beyond=None,
    alarm_auc=0.65,
    degradation=0.4,
    regression=False,
    reference="a look at the clock",
    reason="",
)


NO_INTERVAL = (
    "not judged: 900 open test rows, 300 of the class, 120 settled; an interval needs 10 of each class in 8 hours"
)


@pytest.mark.parametrize(
    ("changes", "edge", "sentence"),
    [
        (
            {},
            True,
            "better than a look at the clock alone: skill 0.050 (0.010 to 0.090), AUC 0.610 (0.550 to 0.670), "
            "above it in 2 of 3 scored folds",
        ),
        ({"auc": Estimate(0.52, 0.47, 0.57)}, False, "no edge: lower bound of AUC 0.470 <= 0.5"),
        (
            {"skill": Estimate(0.01, -0.02, 0.03)},
            False,
            "no edge: no better than a look at the clock alone, skill 0.010 (-0.020 to 0.030)",
        ),
        (
            {"skill_over_base": Estimate(-0.01, -0.06, 0.03)},
            False,
            "no edge: better than a look at the clock alone, but no better than the base rate",
        ),
        (
            {"skill_over_base": Estimate(-0.01, -0.06, 0.03), "regression": True, "auc": None},
            False,
            "no edge: better than a look at the clock alone, but no better than the training mean",
        ),
        ({"skill": Estimate(0.2)}, False, NO_INTERVAL),
        ({"auc": None}, False, NO_INTERVAL),
        (
            {"skill": Estimate(0.2), "regression": True, "auc": None},
            False,
            "not judged: 900 open test rows, 120 settled; an interval needs 20 rows in 8 hours",
        ),
        ({"skill": None, "reason": "why"}, False, "not judged: no fold could fit and score it (why)"),
        (
            {"regression": True, "auc": None},
            True,
            "better than a look at the clock alone: skill 0.050 (0.010 to 0.090), above it in 2 of 3 scored folds",
        ),
    ],
)
def test_verdict_says_what_the_intervals_allow(changes: dict[str, object], edge: bool, sentence: str) -> None:
    """One sentence a case."""
    evidence = replace(EVIDENCE, **changes)  # type: ignore[arg-type]
    assert (evidence.edge, evidence.verdict) == (edge, sentence)
