"""The calibration page of a model: what was promised against what happened, before calibration and after it."""

from collections.abc import Iterator, Mapping

import polars as pl

from grinder_resources.evaluation.calibration_plots import group_grid, reliability_grid
from grinder_resources.evaluation.calibration_summary import calibration_headline
from grinder_resources.evaluation.cells import MINUS, WHY_NO_INTERVAL, Row, by_metric, ending, estimate, figure, number
from grinder_resources.evaluation.document import (
    Column,
    Markup,
    element,
    folded,
    head,
    page,
    section,
    table,
    verdict,
)
from grinder_resources.evaluation.summary import (
    CALIBRATED,
    RAW,
    Report,
    by_group,
    equal_mass_bins,
    modes_of,
    pooled,
    target_label,
)
from grinder_resources.learning.calibration import MIN_DAYS, MIN_ROWS

GROUPS = {"day": "Day by day", "symbol": "Symbol by symbol"}

OUT_OF_FOLD = (
    "Each probability was given by a model that had not seen the day, calibrated by earlier days alone, while the "
    "answer was still open."
)
RELIABILITY_CAPTION = (
    "Grey and hollow: before calibration. Full: after it. Bins of equal counts; on the dotted diagonal, predicted and "
    "observed agree. Bars are 95 % intervals of the observed share, never narrower than if rows were independent."
)
BEFORE_AND_AFTER_NOTE = (
    f"A head is calibrated once it has given {MIN_ROWS:,} open answers on {MIN_DAYS} earlier days; until then only "
    "rounding and what related heads say change it. ECE is the mean gap between predicted and observed over ten bins "
    "of equal width, MCE the largest, however few rows its bin holds. Gain is the share of the squared error that was "
    "taken away; below 0 answers became worse. Brackets are 95 % intervals of a bootstrap over hours, all instruments "
    f"together; those of ECE and MCE lean upwards, because noise only adds to them. {WHY_NO_INTERVAL}"
)
BRIER_NOTE = (
    f"Brier = reliability {MINUS} resolution + uncertainty + within. Reliability is what calibration can mend: lower "
    "is better. Resolution is what the model knows: higher is better. Uncertainty is the question's own, within is "
    "what ten bins hide."
)
GROUP_CAPTION = (
    "Above 0 it happened more often than the model said. Grey and hollow: before calibration. Full: after it. Bars are "
    "95 % intervals; a dot without one rests on too little data to say."
)

ERRORS = {"ece": "ECE", "mce": "MCE", "brier": "Brier"}
BRIER = {
    "brier": "Brier",
    "brier_reliability": "Reliability",
    "brier_resolution": "Resolution",
    "brier_uncertainty": "Uncertainty",
    "brier_within": "Within",
}


def calibration_page(report: Report) -> str:
    """Return the page of `reports/calibration/<model>` and `reports/reliability/<model>` as HTML."""
    modes = modes_of(report.calibration)
    note = f"{calibration_headline(report.scores, RAW)} {OUT_OF_FOLD}" if modes else OUT_OF_FOLD
    parts = [
        head("Calibration", report.model, report.doc),
        verdict(calibration_headline(report.scores), note, good=bool(modes)),
        *(part for mode in modes[:1] for part in _sections(report, mode)),
    ]
    return page(f"{report.model}: calibration", *parts, *ending(report))


def _sections(report: Report, mode: str) -> Iterator[Markup]:
    yield from figure(reliability_grid(report.calibration, mode), "Predicted against observed", RELIABILITY_CAPTION)
    yield section("Before and after", element("p", BEFORE_AND_AFTER_NOTE, "note"), _before_and_after(report, mode))
    yield section(
        "What the Brier score is made of",
        element("p", BRIER_NOTE, "note"),
        _brier_table(report, mode, CALIBRATED),
        folded("The same before calibration", _brier_table(report, mode, RAW)),
    )
    for by, title in GROUPS.items():
        yield from figure(group_grid(report.reliability, mode, by), title, GROUP_CAPTION)
        yield folded(f"Numbers of every {by}", _group_table(report.reliability, mode, by))
    yield folded("Bins of every answer", _bins(report.calibration, mode))


def _before_and_after(report: Report, mode: str) -> Markup:
    before, after = (by_metric(pooled(report.scores, mode, part)) for part in (RAW, CALIBRATED))
    columns = (
        Column("Answer", "name"),
        Column("Open", "number", "rows whose answer was not yet known at decision time"),
        Column("Share", "number", "share of the class among them"),
        *(Column(f"{name} {when}", "number") for name in ERRORS.values() for when in ("before", "after")),
        Column("Gain", "number", "1 - squared error after / squared error before"),
    )
    rows = [
        (
            target_label(name, output),
            f"{score['rows']:,}",
            estimate(before.get((name, output, "base_rate"))),
            *(estimate(part.get((name, output, error))) for error in ERRORS for part in (before, after)),
            estimate(after.get((name, output, "skill_over_raw"))),
        )
        for (name, output, metric), score in before.items()
        if metric == "ece"
    ]
    return table(columns, rows)


def _brier_table(report: Report, mode: str, part: str) -> Markup:
    scores = by_metric(pooled(report.scores, mode, part))
    columns = (Column("Answer", "name"), *(Column(heading, "number") for heading in BRIER.values()))
    rows = [
        (target_label(name, output), *(estimate(scores.get((name, output, each)), digits=4) for each in BRIER))
        for name, output, metric in scores
        if metric == "brier_reliability"
    ]
    return table(columns, rows)


def _group_table(reliability: pl.DataFrame, mode: str, by: str) -> Markup:
    groups = by_group(reliability, mode, by)
    cells = {(row["head"], row["class"], row["group"], row["answer"]): row for row in groups.iter_rows(named=True)}
    gap = f"Observed {MINUS} predicted"
    columns = (
        Column("Answer", "name"),
        Column(by.capitalize()),
        Column("Open", "number"),
        Column("Of class", "number"),
        *(Column(f"{name}, {when}", "number") for name in (gap, "ECE") for when in ("before", "after")),
    )
    return table(columns, [_group_row(key[:3], cells) for key in cells if key[3] == CALIBRATED])


def _group_row(key: tuple[str, str, str], cells: Mapping[tuple[str, str, str, str], Row]) -> tuple[object, ...]:
    before, after = cells[*key, "raw"], cells[*key, CALIBRATED]
    measured = (estimate(row, name) for name in ("gap", "ece") for row in (before, after))
    return target_label(*key[:2]), key[2], f"{after['rows']:,}", f"{after['positives']:,}", *measured


def _bins(calibration: pl.DataFrame, mode: str) -> Markup:
    headings = ("From", "To", "Rows", "Predicted", "Observed", f"Observed {MINUS} predicted")
    rows = [
        (
            target_label(row["head"], row["class"]),
            "after" if row["answer"] == CALIBRATED else "before",
            *(number(row[end]) for end in ("low", "high")),
            f"{row['rows']:,}",
            number(row["predicted"]),
            estimate(row, "observed"),
            number(row["observed"] - row["predicted"]),
        )
        for row in equal_mass_bins(calibration, mode).iter_rows(named=True)
    ]
    columns = (Column("Answer", "name"), Column("Calibration"), *(Column(heading, "number") for heading in headings))
    return table(columns, rows)
