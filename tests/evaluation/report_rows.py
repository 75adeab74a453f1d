"""A small report written down by hand: two answers, two modes, three folds."""

from datetime import date

import polars as pl

from grinder_resources.contracts.reports import (
    calibration_table,
    reliability_table,
    verdicts_table,
    walk_forward_table,
)
from grinder_resources.evaluation.summary import Fold, Report

MODEL = "level_signals_stage_b_full"
DAYS = tuple(date(2025, 1, day) for day in range(6, 11))
Score = tuple[float, float | None, float | None]

SCORES: dict[tuple[str, str, int, str], Score] = {
    ("t1_60s", "yes", 0, "auc"): (0.6127, 0.5831, 0.6409),
    ("t1_60s", "yes", 0, "skill"): (0.0519, 0.0113, 0.0907),
    ("t1_60s", "yes", 0, "skill_over_base"): (0.2236, 0.1608, 0.2871),
    ("t1_60s", "yes", 0, "auc_beyond"): (0.5418, 0.5142, 0.5703),
    ("t1_60s", "yes", 0, "base_rate"): (0.2807, 0.2514, 0.3120),
    ("t1_60s", "yes", 0, "ece"): (0.0231, 0.0187, 0.0402),
    ("t1_60s", "yes", 0, "mce"): (0.0619, 0.0455, 0.1377),
    ("t1_60s", "yes", 0, "brier_reliability"): (0.0011, 0.0007, 0.0032),
    ("t1_60s", "yes", 0, "brier"): (0.1873, 0.1712, 0.2031),
    ("t1_60s", "yes", 1, "skill"): (0.0721, None, None),
    ("t1_60s", "yes", 2, "skill"): (0.0344, -0.0412, 0.1009),
    ("t1_60s", "yes", 3, "skill"): (0.0467, 0.0021, 0.0934),
    ("direction", "BREAK", 0, "auc"): (0.5139, 0.4733, 0.5518),
    ("direction", "BREAK", 0, "skill"): (-0.0123, -0.0411, 0.0146),
    ("direction", "BREAK", 0, "auc_beyond"): (0.4921, 0.4512, 0.5307),
    ("direction", "BREAK", 0, "base_rate"): (0.4815, 0.4402, 0.5233),
    ("direction", "BREAK", 0, "ece"): (0.0847, 0.0711, 0.1279),
    ("direction", "BREAK", 0, "mce"): (0.1208, 0.0893, 0.2016),
    ("direction", "BREAK", 0, "brier_reliability"): (0.0093, 0.0061, 0.0174),
    ("direction", "BREAK", 0, "brier"): (0.2571, 0.2436, 0.2719),
    ("direction", "BREAK", 1, "skill"): (float("nan"), None, None),
    ("direction", "BREAK", 2, "skill"): (-0.0311, -0.0752, 0.0128),
    ("direction", "BREAK", 3, "skill"): (0.0066, -0.0333, 0.0457),
}

TRAIN: dict[tuple[str, str, int, str], Score] = {
    ("t1_60s", "yes", 1, "skill"): (0.08, None, None),
    ("t1_60s", "yes", 2, "skill"): (0.10, None, None),
}
"""Scores on fitted rows."""

CALIBRATED: dict[tuple[str, str, int, str], Score] = {
    ("t1_60s", "yes", 0, "ece"): (0.0118, 0.0102, 0.0288),
    ("t1_60s", "yes", 0, "mce"): (0.0377, 0.0214, 0.0958),
    ("t1_60s", "yes", 0, "brier"): (0.1861, 0.1699, 0.2020),
    ("t1_60s", "yes", 0, "brier_reliability"): (0.0003, 0.0002, 0.0015),
    ("t1_60s", "yes", 0, "skill_over_raw"): (0.0064, 0.0021, 0.0109),
    ("direction", "BREAK", 0, "ece"): (0.0352, None, None),
    ("direction", "BREAK", 0, "mce"): (0.0709, None, None),
    ("direction", "BREAK", 0, "brier"): (0.2514, None, None),
    ("direction", "BREAK", 0, "brier_reliability"): (0.0021, None, None),
    ("direction", "BREAK", 0, "skill_over_raw"): (-0.0222, None, None),
}
"""The same answers after calibration; of one of them there was too little data for an interval."""

REFERENCE = "where the price stands at t1"

VERDICTS = (
    (
        "direction",
        "BREAK",
        731,
        214,
        352,
        3,
        3,
        1,
        REFERENCE,
        -0.0123,
        -0.0411,
        0.0931,
        0.0544,
        0.5139,
        0.4733,
        0.5518,
        0.4921,
        0.4512,
        0.5307,
        None,
        False,
        False,
        "no edge: AUC",
    ),
    (
        "t1_60s",
        "yes",
        1842,
        1206,
        517,
        3,
        3,
        3,
        REFERENCE,
        0.0519,
        0.0113,
        0.2236,
        0.1608,
        0.6127,
        0.5831,
        0.6409,
        0.5418,
        0.5142,
        0.5703,
        0.42,
        True,
        False,
        f"better than {REFERENCE} alone",
    ),
    (
        *("t2_60s", "yes", 0, 0, 0, 3, 0, 0, REFERENCE),
        *(None,) * 11,
        False,
        False,
        "not judged: 9 rows of class 'yes' <b>&",
    ),
)

BINS = (
    ("direction", "BREAK", "raw", 0, 0.0, 0.5, 366, 0.4412, 0.5164, 0.4655, 0.5671),
    ("direction", "BREAK", "raw", 1, 0.5, 1.0, 365, 0.5581, 0.4466, 0.3962, 0.4977),
    ("direction", "BREAK", "calibrated", 0, 0.0, 1.0, 731, 0.4795, 0.4815, None, None),
    ("t1_60s", "yes", "raw", 0, 0.0, 0.25, 921, 0.1913, 0.1868, 0.1624, 0.2139),
    ("t1_60s", "yes", "raw", 1, 0.25, 1.0, 921, 0.3641, 0.3746, 0.3428, 0.4060),
    ("t1_60s", "yes", "calibrated", 0, 0.0, 0.25, 921, 0.1889, 0.1868, 0.1624, 0.2139),
    ("t1_60s", "yes", "calibrated", 1, 0.25, 1.0, 921, 0.3702, 0.3746, 0.3428, 0.4060),
)

GROUPS = (
    ("day", "2025-01-09", 604, 161, 0.0148, -0.0161, 0.0469, 0.0318, 0.0271, 0.0655),
    ("day", "2025-01-10", 618, 187, -0.0207, None, None, 0.0405, None, None),
    ("symbol", "demo AAA", 900, 250, 0.0034, -0.0210, 0.0274, 0.0163, 0.0140, 0.0449),
    ("symbol", "demo BBB", 942, 267, -0.0061, -0.0333, 0.0208, 0.0191, 0.0163, 0.0487),
)
"""By, group, rows, positives, gap and ECE with their bounds; the same before and after, for one answer."""

FOLDS = tuple(
    Fold(mode, number, DAYS[first:number], DAYS[number : number + 1], DAYS[number + 1 : number + 2])
    for mode, firsts in (("expanding", (0, 0, 0)), ("rolling", (0, 0, 1)))
    for number, first in enumerate(firsts, start=1)
)


def scores_frame(modes: tuple[str, ...] = ("expanding", "rolling")) -> pl.DataFrame:
    """Return SCORES as rows of `reports/walk_forward/<model>`, the same in every mode."""
    table = walk_forward_table(MODEL)
    rows = [
        (mode, head, output, fold, part, metric, *score, 600, 200, 24)
        for mode in modes
        for part, scores in (("test", SCORES), ("calibrated", CALIBRATED), ("train", TRAIN))
        for (head, output, fold, metric), score in scores.items()
    ]
    return table.conform(pl.DataFrame(rows, schema=table.schema, orient="row"))


def report(**changes: object) -> Report:
    """Return the report, with some of its parts replaced."""
    verdicts, calibration, reliability = verdicts_table(MODEL), calibration_table(MODEL), reliability_table(MODEL)
    judged = [(mode, *row) for mode in ("expanding", "rolling") for row in VERDICTS]
    bins = [("expanding", head, output, answer, "equal_mass", *bounds) for head, output, answer, *bounds in BINS]
    groups = [
        ("expanding", "t1_60s", "yes", answer, by, group, rows, positives, 0.25, 0.25 + gap, gap, *bounds)
        for by, group, rows, positives, gap, *bounds in GROUPS
        for answer in ("raw", "calibrated")
    ]
    parts: dict[str, object] = {
        "model": MODEL,
        "doc": "Break, bounce and reach probabilities of touched levels.",
        "scores": scores_frame(),
        "verdicts": verdicts.conform(pl.DataFrame(judged, schema=verdicts.schema, orient="row")),
        "calibration": calibration.conform(pl.DataFrame(bins, schema=calibration.schema, orient="row")),
        "reliability": reliability.conform(pl.DataFrame(groups, schema=reliability.schema, orient="row")),
        "folds": FOLDS,
        "facts": {"Data hash": "9f2c41d07be3a8c5", "Code version": "0.1.0+3f9ac1d"},
        "limits": ("Five days are fewer than the twenty a promotion asks for.",),
    }
    return Report(**(parts | changes))  # type: ignore[arg-type]


def empty_report() -> Report:
    """Return a report of nothing: too few days to test."""
    return report(
        scores=walk_forward_table(MODEL).empty(),
        verdicts=verdicts_table(MODEL).empty(),
        calibration=calibration_table(MODEL).empty(),
        reliability=reliability_table(MODEL).empty(),
        folds=(),
        limits=("TOO_FEW_DAYS: a walk-forward needs more days than have rows.",),
    )
