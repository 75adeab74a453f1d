"""The page of a study: the verdict first, then what was tried, what mattered, and every trial."""

from collections.abc import Mapping, Sequence

from grinder_resources.evaluation.cells import DASH, number
from grinder_resources.evaluation.document import (
    Column,
    Markup,
    element,
    facts,
    folded,
    head,
    page,
    picture,
    section,
    table,
    tiles,
    verdict,
)
from grinder_resources.evaluation.drawing import svg
from grinder_resources.tuning.backend import Outcome
from grinder_resources.tuning.plots import study_figure
from grinder_resources.tuning.record import figures, shown
from grinder_resources.tuning.study import Study

HOW = (
    "Every trial fits the folds of the walk-forward with other settings and is scored on test days alone, against one "
    "bar: the reference as it answers with the settings in force. The luck of the trials is what the best of as many "
    "worthless ones gains in 95 of 100 draws of hours (White 2000); a smaller gain is not believed."
)
CAPTION = (
    "Left: full dots are complete trials, hollow ones were given up at what they had by then, dashed lines failed. "
    "Right: the share of each parameter in what made trials good or bad (PED-ANOVA)."
)
BEST = 10
_TRIED = Column("Trial", "number"), Column("Score", "number"), Column("Configuration")


def study_page(study: Study, doc: str, adopted: str, provenance: Mapping[str, str]) -> str:
    """Return the study as HTML.

    doc
        One line on what was tuned.
    adopted
        What came of it, in words.
    provenance
        Label -> text.
    """
    figure, best = study_figure(study), table(_TRIED, [_tried(one) for one in _best(study)])
    parts = [
        head("Tuning", study.component.partition("/")[2] or study.component, doc),
        verdict(study.judgement.sentence, adopted, good=study.judgement.found),
        _tiles(study),
        section("Trials", element("p", HOW, "note"), picture(svg(figure), CAPTION) if figure else Markup("")),
        section("In force and best", _settings(study)),
        section("The best trials", best, folded("All trials", _all_trials(study.outcomes))),
        section("Provenance", facts({"Study": study.name, **provenance})),
    ]
    return page(f"{study.component}: tuning", *parts)


def best_rows(study: Study) -> list[dict[str, object]]:
    """Return the best complete trials as rows of short facts, best first."""
    return [
        {"trial": one.number, study.objective: figures(one.score), "configuration": shown(one.configuration)}
        for one in _best(study)
    ]


def importance_rows(study: Study) -> list[dict[str, object]]:
    """Return the parameters as rows of short facts, the one that mattered most first."""
    return [{"parameter": name, "importance": number(share, 2)} for name, share in study.importance.items()]


def _all_trials(outcomes: Sequence[Outcome]) -> Markup:
    columns = (*_TRIED, Column("State"), Column("Why it ended early"))
    return table(columns, [(*_tried(one), one.state, one.reason or DASH) for one in outcomes])


def _tried(outcome: Outcome) -> tuple[object, ...]:
    return outcome.number, figures(outcome.score) or DASH, shown(outcome.configuration)


def _tiles(study: Study) -> Markup:
    judgement, counts = study.judgement, study.counts
    return tiles(
        {
            "trials": str(len(study.outcomes)),
            "given up early": str(counts["pruned"]),
            "failed": str(counts["failed"]),
            "gain of the best": figures(judgement.gain),
            "luck of so many": figures(judgement.luck) or DASH,
        }
    )


def _settings(study: Study) -> Markup:
    best = study.judgement.best.configuration if study.judgement.best else {}
    names = list(dict.fromkeys([*study.in_force, *best]))
    columns = (
        Column("Parameter", "name"),
        Column("In force", "number"),
        Column("Best", "number"),
        Column("Importance", "number"),
    )
    return table(
        columns,
        [
            (name, study.in_force.get(name, DASH), best.get(name, DASH), number(study.importance.get(name), 2))
            for name in names
        ],
    )


def _best(study: Study) -> list[Outcome]:
    complete = [one for one in study.outcomes if one.state == "complete" and one.score is not None]
    return sorted(complete, key=lambda one: one.score or 0.0, reverse=study.maximise)[:BEST]
