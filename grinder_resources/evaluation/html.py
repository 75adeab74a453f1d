"""The walk-forward page of a model: what it is worth out of sample; with the calibration page beside it.

Each page is one self-contained file with the verdict first, then numbers with their intervals, pictures, folds, what
could not be done, and provenance. The pages repeat what the report tables hold; they compute nothing but counts, means
and medians.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from grinder_resources.evaluation import plots
from grinder_resources.evaluation.calibration_page import calibration_page
from grinder_resources.evaluation.cells import (
    DASH,
    WHY_NO_INTERVAL,
    Row,
    by_metric,
    ending,
    estimate,
    figure,
    interval,
)
from grinder_resources.evaluation.document import (
    Column,
    Markup,
    element,
    folded,
    head,
    join,
    page,
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
    headline,
    modes_of,
    pooled,
    reference_of,
    standing,
    target_label,
)

__all__ = ["calibration_page", "walk_forward_page", "write_page"]

BADGES: Mapping[Standing, str] = {
    "edge": "badge good",
    "no edge": "badge",
    "not judged": "badge open",
    "leak alarm": "badge alarm",
}

HOW_TO_READ = (
    "Every answer was given by a model fitted on earlier days only, with labels purged and an embargo between the "
    "parts. Judged are open rows, whose answer was not yet known at decision time; settled rows are only counted. "
    "Brackets are 95 % intervals of a bootstrap over hours, all instruments together. Skill is one minus the squared "
    "error over that of the reference: {reference}, as a model fitted on nothing else would have answered. Skill over "
    "base is the same over the base rate of the training days; most of it may be the reference's. AUC beyond compares "
    f"only rows of which the reference says the same. {WHY_NO_INTERVAL}"
)
RANKS_AND_SKILLS = ("auc", "auc_beyond", "skill", "skill_over_base")
FOREST_CAPTION = "All folds together. Full dots: every interval lies above chance. Hollow dots: not so."
FOLD_CAPTION = (
    "Skill of each test day with its 95 % interval; the line at 0 is the reference: {reference}. A dot without an "
    "interval rests on too little data to say."
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
            *figure(plots.forest(report.scores, report.verdicts, modes[0]), "Against chance", FOREST_CAPTION),
            *figure(plots.fold_grid(report.scores, modes[0]), "Fold by fold", fold_caption),
            _fold_scores(report.scores, modes),
        ]
        parts += [_other_mode(report, mode) for mode in modes[1:]]
    parts += [_folds(report.folds), *ending(report)]
    return page(f"{report.model}: walk-forward", *parts)


def _rows(frame: pl.DataFrame, modes: Iterable[str]) -> list[Row]:
    return list(frame.filter(pl.col("mode").is_in(list(modes))).iter_rows(named=True))


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
    scores, inside = by_metric(pooled(report.scores, mode)), _skill_in_sample(report.scores, mode)
    columns = (
        Column("Answer", "name"),
        Column("Standing"),
        Column("AUC", "number", "area under the ROC curve; 0.5 is a coin toss"),
        Column("AUC beyond", "number", "among rows of which the reference says the same; 0.5 adds nothing to it"),
        Column("Skill", "number", f"over {reference_of(report.verdicts)}; 0 is no better"),
        Column("Skill over base", "number", "0 is the base rate of the training days"),
        Column("Open", "number", "rows whose answer was not yet known at decision time: those that are judged"),
        Column("Settled", "number", "rows whose answer was known by then: not judged"),
        Column("Of class", "number", "open rows of the class"),
        Column("Folds", "number", "folds with skill above 0 / folds scored"),
        Column("Lost", "number", "share of the in-sample skill, taken as given, that is lost out of sample"),
    )
    rows = [
        (
            target_label(row["head"], row["class"]),
            element("span", standing(row), BADGES[standing(row)], title=row["verdict"]),
            *(estimate(scores.get((*_target(row), metric))) for metric in RANKS_AND_SKILLS),
            f"{row['rows']:,}",
            f"{row['settled']:,}",
            f"{row['positives']:,}" if row["class"] else DASH,
            f"{row['folds_above']}/{row['folds_scored']}",
            _lost(row, scores, inside),
        )
        for row in _rows(report.verdicts, [mode])
    ]
    return table(columns, rows)


def _skill_in_sample(scores: pl.DataFrame, mode: str) -> dict[tuple[Any, ...], float]:
    """Return the mean skill of the folds on their own train rows, by head and class."""
    rows = scores.filter(pl.col("mode") == mode, pl.col("part") == "train", pl.col("metric") == "skill")
    return {row[:2]: row[2] for row in rows.group_by("head", "class").agg(pl.col("value").mean()).iter_rows()}


def _lost(verdict: Row, scores: Mapping[tuple[str, str, str], Row], inside: Mapping[tuple[Any, ...], float]) -> Markup:
    skill, had = scores.get((*_target(verdict), "skill")), inside.get(_target(verdict))
    if skill is None or verdict["degradation"] is None or not had:
        return Markup(DASH)
    low, high = (None if skill[end] is None else 1.0 - skill[end] / had for end in ("high", "low"))
    return interval(verdict["degradation"], low, high, 2)


def _target(row: Row) -> tuple[str, str]:
    return row["head"], row["class"]


def _fold_scores(scores: pl.DataFrame, modes: tuple[str, ...]) -> Markup:
    """Return skill by fold, unfolded on demand: one table a mode, one row an answer, one column a fold."""
    return join(*(folded(f"Skill by fold, {mode}", _skill_by_fold(by_fold(scores, mode))) for mode in modes))


def _skill_by_fold(scores: pl.DataFrame) -> Markup:
    skill = scores.filter(pl.col("metric") == "skill")
    folds = skill["fold"].unique().sort().to_list()
    cells = {(row["head"], row["class"], row["fold"]): row for row in skill.iter_rows(named=True)}
    rows = [
        (target_label(*target), *(estimate(cells.get((*target, fold))) for fold in folds))
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
