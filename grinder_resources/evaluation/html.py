"""The two report pages of a model: what walk-forward says it is worth, and how well its probabilities are calibrated.

Each is one self-contained file with the verdict first, then numbers with their intervals, pictures, folds, what could
not be done, and provenance. The pages repeat what the report tables hold; they compute nothing but counts and medians.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from grinder_resources.evaluation import plots
from grinder_resources.evaluation.document import (
    Column,
    Markup,
    element,
    facts,
    folded,
    head,
    join,
    listing,
    page,
    picture,
    section,
    table,
    tiles,
    verdict,
    write_page,
)
from grinder_resources.evaluation.summary import (
    NO_DIRECTION,
    Fold,
    Report,
    Standing,
    by_fold,
    calibration_headline,
    equal_mass_bins,
    headline,
    modes_of,
    pooled,
    reference_of,
    standing,
    target_label,
    unjudged,
)

__all__ = ["calibration_page", "walk_forward_page", "write_page"]

Row = Mapping[str, Any]
BADGES: Mapping[Standing, str] = {"edge": "badge good", "no edge": "badge", "not judged": "badge open"}
DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"

HOW_TO_READ = (
    "Every answer was given by a model fitted on earlier days only, with labels purged and an embargo between the "
    "parts. Judged are open rows, whose answer was not yet known at decision time; settled rows are only counted. "
    "Brackets are 95 % intervals of a bootstrap over hours, all instruments together. Skill is one minus the squared "
    "error over that of the reference: {reference}, as a model fitted on nothing else would have answered. Skill over "
    "base is the same over the base rate of the training days; most of it may be the reference's."
)
FOREST_CAPTION = "All folds together. Full dots: every interval lies above chance. Hollow dots: not so."
FOLD_CAPTION = "Skill of each test day with its 95 % interval; the line at 0 is the reference: {reference}."
RELIABILITY_CAPTION = (
    "Bins of equal counts; bars are 95 % Wilson intervals that take rows as independent, so the truth is at best that "
    "sure. On the dotted diagonal, predicted and observed agree; the gap is the mean distance from it over rows."
)
CALIBRATION_NOTE = (
    "ECE is the mean gap between predicted and observed over ten bins of equal width, MCE the largest. Reliability, "
    "resolution and uncertainty are the parts of the Brier score: low reliability and high resolution are better."
)


def walk_forward_page(report: Report) -> str:
    """Return the page of `reports/walk_forward/<model>` and `reports/verdicts/<model>` as HTML."""
    modes = modes_of(report.verdicts)
    edges = any(standing(row) == "edge" for row in _rows(report.verdicts, modes[:1]))
    how_to_read, fold_caption = (
        text.format(reference=reference_of(report.verdicts)) for text in (HOW_TO_READ, FOLD_CAPTION)
    )
    parts = [
        head("Walk-forward", report.model, report.doc),
        verdict(headline(report.verdicts), f"{NO_DIRECTION} {report.caveat}".rstrip(), good=edges),
        _walk_forward_tiles(report, modes),
    ]
    if modes:
        parts += [
            section("Verdict by answer", element("p", how_to_read, "note"), _verdict_table(report, modes[0])),
            *_figure(plots.forest(report.scores, report.verdicts, modes[0]), "Against chance", FOREST_CAPTION),
            *_figure(plots.fold_grid(report.scores, modes[0]), "Fold by fold", fold_caption),
            _fold_scores(report.scores, modes),
        ]
        parts += [_other_mode(report, mode) for mode in modes[1:]]
    parts += [_folds(report.folds), *_ending(report)]
    return page(f"{report.model}: walk-forward", *parts)


def calibration_page(report: Report) -> str:
    """Return the page of `reports/calibration/<model>` as HTML."""
    modes = modes_of(report.calibration)
    note = "Out of fold: each probability was given by a model that had not seen the day, while the answer was open."
    parts = [
        head("Calibration", report.model, report.doc),
        verdict(calibration_headline(report.scores), note, good=bool(modes)),
    ]
    if modes:
        grid = plots.reliability_grid(report.calibration, modes[0])
        parts += [
            *_figure(grid, "Predicted against observed", RELIABILITY_CAPTION),
            section(
                "Calibration by answer",
                element("p", CALIBRATION_NOTE, "note"),
                _calibration_table(report, modes[0]),
                folded("Bins of every answer", _bins(report.calibration, modes[0])),
            ),
        ]
    return page(f"{report.model}: calibration", *parts, *_ending(report))


def _rows(frame: pl.DataFrame, modes: Iterable[str]) -> list[Row]:
    return list(frame.filter(pl.col("mode").is_in(list(modes))).iter_rows(named=True))


def _number(value: float | None, digits: int = 3) -> str:
    return DASH if value is None or not math.isfinite(value) else f"{value:.{digits}f}".replace("-", MINUS)


def _estimate(score: Row | None) -> Markup:
    """Return `value [low, high]`, a dash where there is no value."""
    if score is None:
        return Markup(DASH)
    bounds = f"[{_number(score['low'])}, {_number(score['high'])}]" if score["low"] is not None else ""
    return join(_number(score["value"]), element("span", bounds, "interval") if bounds else "")


def _by_metric(scores: pl.DataFrame) -> dict[tuple[str, str, str], Row]:
    return {(row["head"], row["class"], row["metric"]): row for row in scores.iter_rows(named=True)}


def _walk_forward_tiles(report: Report, modes: tuple[str, ...]) -> Markup:
    standings = [standing(row) for row in _rows(report.verdicts, modes[:1])]
    tested = [day for fold in report.folds if fold.mode in modes[:1] for day in fold.test]
    return tiles(
        {
            "answers with an edge": f"{standings.count('edge')} of {len(standings)}",
            "test days": str(len(tested)),
            "first and last test day": f"{min(tested)} {DASH} {max(tested)}" if tested else DASH,
        }
    )


def _verdict_table(report: Report, mode: str) -> Markup:
    scores = _by_metric(pooled(report.scores, mode))
    columns = (
        Column("Answer", "name"),
        Column("Standing"),
        Column("AUC", "number", "area under the ROC curve; 0.5 is a coin toss"),
        Column("Skill", "number", f"over {reference_of(report.verdicts)}; 0 is no better"),
        Column("Skill over base", "number", "0 is the base rate of the training days"),
        Column("Open", "number", "rows whose answer was not yet known at decision time: those that are judged"),
        Column("Settled", "number", "rows whose answer was known by then: not judged"),
        Column("Of class", "number", "open rows of the class"),
        Column("Folds", "number", "folds with skill above 0 / folds scored"),
        Column("Lost", "number", "share of the in-sample skill that is lost out of sample"),
    )
    rows = [
        (
            target_label(row["head"], row["class"]),
            element("span", standing(row), BADGES[standing(row)], title=row["verdict"]),
            _estimate(scores.get((row["head"], row["class"], "auc"))),
            _estimate(scores.get((row["head"], row["class"], "skill"))),
            _estimate(scores.get((row["head"], row["class"], "skill_over_base"))),
            f"{row['rows']:,}",
            f"{row['settled']:,}",
            f"{row['positives']:,}" if row["class"] else DASH,
            f"{row['folds_above']}/{row['folds_scored']}",
            _number(row["degradation"], 2),
        )
        for row in _rows(report.verdicts, [mode])
    ]
    return table(columns, rows)


def _fold_scores(scores: pl.DataFrame, modes: tuple[str, ...]) -> Markup:
    """Return skill by fold, unfolded on demand: one table a mode, one row an answer, one column a fold."""
    return join(*(folded(f"Skill by fold, {mode}", _skill_by_fold(by_fold(scores, mode))) for mode in modes))


def _skill_by_fold(scores: pl.DataFrame) -> Markup:
    skill = scores.filter(pl.col("metric") == "skill")
    folds = skill["fold"].unique().sort().to_list()
    cells = {(row["head"], row["class"], row["fold"]): row for row in skill.iter_rows(named=True)}
    rows = [
        (target_label(*target), *(_estimate(cells.get((*target, fold))) for fold in folds))
        for target in skill.select("head", "class").unique().sort("head", "class").iter_rows()
    ]
    return table((Column("Answer", "name"), *(Column(f"Fold {fold}", "number") for fold in folds)), rows)


def _other_mode(report: Report, mode: str) -> Markup:
    return folded(f"Verdict by answer, {mode}", _verdict_table(report, mode))


def _folds(folds: tuple[Fold, ...]) -> Markup:
    if not folds:
        return Markup("")
    columns = (Column("Mode"), Column("Fold"), Column("Fitted on"), Column("Stopped by"), Column("Tested on"))
    rows = [(fold.mode, fold.number, *(_days(part) for part in (fold.train, fold.val, fold.test))) for fold in folds]
    return section("Folds", table(columns, rows))


def _days(days: tuple[Any, ...]) -> str:
    return str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]} ({len(days)} days)"


def _calibration_table(report: Report, mode: str) -> Markup:
    scores = _by_metric(pooled(report.scores, mode))
    metrics = {
        "ece": "ECE",
        "mce": "MCE",
        "brier": "Brier",
        "log_loss": "Log loss",
        "brier_reliability": "Reliability",
        "brier_resolution": "Resolution",
        "brier_uncertainty": "Uncertainty",
    }
    columns = (
        Column("Answer", "name"),
        Column("Open", "number", "rows whose answer was not yet known at decision time"),
        Column("Base rate", "number", "share of the class among them"),
        *(Column(heading, "number") for heading in metrics.values()),
    )
    rows = [
        (
            target_label(name, output),
            f"{score['rows']:,}",
            _number(score["positives"] / score["rows"]),
            *(_estimate(scores.get((name, output, metric))) for metric in metrics),
        )
        for (name, output, metric), score in scores.items()
        if metric == "ece"
    ]
    return table(columns, rows)


def _bins(calibration: pl.DataFrame, mode: str) -> Markup:
    headings = ("From", "To", "Rows", "Predicted", "Observed", f"Observed {MINUS} predicted")
    rows = [
        (
            target_label(row["head"], row["class"]),
            _number(row["low"]),
            _number(row["high"]),
            f"{row['rows']:,}",
            *(_number(value) for value in (row["predicted"], row["observed"], row["observed"] - row["predicted"])),
        )
        for row in equal_mass_bins(calibration, mode).iter_rows(named=True)
    ]
    return table((Column("Answer", "name"), *(Column(heading, "number") for heading in headings)), rows)


def _figure(figure: Any, title: str, caption: str) -> list[Markup]:
    return [section(title, picture(plots.svg(figure), caption))] if figure is not None else []


def _ending(report: Report) -> list[Markup]:
    limits = (*report.limits, *unjudged(report.verdicts))
    parts = [section("What could not be done", listing(limits))] if limits else []
    return [*parts, section("Provenance", facts(report.facts))] if report.facts else parts
