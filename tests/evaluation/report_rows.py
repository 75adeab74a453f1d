"""A small report written down by hand: two answers, two modes, three folds."""

from datetime import date

import polars as pl

from grinder_resources.contracts.reports import calibration_table, verdicts_table, walk_forward_table
from grinder_resources.evaluation.summary import Fold, Report

MODEL = "level_signals_stage_b_full"
DAYS = tuple(date(2025, 1, day) for day in range(6, 11))
Score = tuple[float, float | None, float | None]

SCORES: dict[tuple[str, str, int, str], Score] = {
    ("t1_60s", "yes", 0, "auc"): (0.6127, 0.5831, 0.6409),
    ("t1_60s", "yes", 0, "skill"): (0.0519, 0.0113, 0.0907),
    ("t1_60s", "yes", 0, "skill_over_base"): (0.2236, 0.1608, 0.2871),
    ("t1_60s", "yes", 0, "ece"): (0.0231, None, None),
    ("t1_60s", "yes", 0, "brier"): (0.1873, 0.1712, 0.2031),
    ("t1_60s", "yes", 1, "skill"): (0.0721, None, None),
    ("t1_60s", "yes", 2, "skill"): (0.0344, -0.0412, 0.1009),
    ("t1_60s", "yes", 3, "skill"): (0.0467, 0.0021, 0.0934),
    ("direction", "BREAK", 0, "auc"): (0.5139, 0.4733, 0.5518),
    ("direction", "BREAK", 0, "skill"): (-0.0123, -0.0411, 0.0146),
    ("direction", "BREAK", 0, "ece"): (0.0847, None, None),
    ("direction", "BREAK", 0, "brier"): (0.2571, 0.2436, 0.2719),
    ("direction", "BREAK", 1, "skill"): (float("nan"), None, None),
    ("direction", "BREAK", 2, "skill"): (-0.0311, -0.0752, 0.0128),
    ("direction", "BREAK", 3, "skill"): (0.0066, -0.0333, 0.0457),
}

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
        None,
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
        0.42,
        True,
        f"better than {REFERENCE} alone",
    ),
    (
        *("t2_60s", "yes", 0, 0, 0, 3, 0, 0, REFERENCE),
        *(None,) * 7,
        False,
        "not judged: 9 rows of class 'yes' <b>&",
    ),
)

BINS = (
    ("direction", "BREAK", 0, 0.0, 0.5, 366, 0.4412, 0.5164),
    ("direction", "BREAK", 1, 0.5, 1.0, 365, 0.5581, 0.4466),
    ("t1_60s", "yes", 0, 0.0, 0.25, 921, 0.1913, 0.1868),
    ("t1_60s", "yes", 1, 0.25, 1.0, 921, 0.3641, 0.3746),
)

FOLDS = tuple(
    Fold(mode, number, DAYS[first:number], DAYS[number : number + 1], DAYS[number + 1 : number + 2])
    for mode, firsts in (("expanding", (0, 0, 0)), ("rolling", (0, 0, 1)))
    for number, first in enumerate(firsts, start=1)
)


def scores_frame(modes: tuple[str, ...] = ("expanding", "rolling")) -> pl.DataFrame:
    """Return SCORES as rows of `reports/walk_forward/<model>`, the same in every mode."""
    table = walk_forward_table(MODEL)
    rows = [
        (mode, head, output, fold, "test", metric, *score, 600, 200, 24)
        for mode in modes
        for (head, output, fold, metric), score in SCORES.items()
    ]
    return table.conform(pl.DataFrame(rows, schema=table.schema, orient="row"))


def report(**changes: object) -> Report:
    """Return the report, with some of its parts replaced."""
    verdicts, calibration = verdicts_table(MODEL), calibration_table(MODEL)
    judged = [(mode, *row) for mode in ("expanding", "rolling") for row in VERDICTS]
    bins = [("expanding", head, output, "equal_mass", *bounds) for head, output, *bounds in BINS]
    parts: dict[str, object] = {
        "model": MODEL,
        "doc": "Break, bounce and reach probabilities of touched levels.",
        "scores": scores_frame(),
        "verdicts": verdicts.conform(pl.DataFrame(judged, schema=verdicts.schema, orient="row")),
        "calibration": calibration.conform(pl.DataFrame(bins, schema=calibration.schema, orient="row")),
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
        folds=(),
        limits=("TOO_FEW_DAYS: a walk-forward needs more days than have rows.",),
    )
