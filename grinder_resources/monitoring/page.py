"""The drift page of a model: what follows first, then every finding, then how the furthest lie now against then."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from grinder_resources.evaluation.cells import DASH, figure, number
from grinder_resources.evaluation.document import (
    Column,
    Markup,
    element,
    facts,
    folded,
    head,
    page,
    section,
    table,
    tiles,
    verdict,
)
from grinder_resources.monitoring.drift import DriftReport
from grinder_resources.monitoring.plots import index_bars, lie_grid
from grinder_resources.monitoring.states import KINDS, Finding, Kind, State

T = TypeVar("T")

BADGES: Mapping[State, str] = {
    "ok": "badge good",
    "warning": "badge open",
    "critical": "badge alarm",
    "unknown": "badge",
}

TITLES: Mapping[Kind, str] = {
    "feature": "Inputs",
    "prediction": "Answers",
    "calibration": "Calibration",
    "performance": "Losses",
    "skew": "Skew",
}

NOTES: Mapping[Kind, str] = {
    "feature": "Rows of the window against the rows the model was fitted on. PSI over deciles of training; KS from the "
    "bins of the sketches: the true distance is at least this. Usual: the largest PSI of one training day against the "
    "others; up to it nothing is said.",
    "prediction": "Answers of the window against its answers to rows it was not fitted on. Usual: as of inputs, of the "
    "days of those answers.",
    "calibration": "Expected calibration error of answers that came true or not, against stretches of the walk-forward "
    "with as many rows. Only worse counts. Effect: points of probability.",
    "performance": "Log loss, or mean absolute error, against the same stretches. Only worse counts. Effect: the share "
    "by which the loss grew, or the share of right answers that is missing to the floor.",
    "skew": "Decisions of a trading process whose inputs the lake has otherwise. Effect: their share.",
}

STATISTICS: Mapping[Kind, str] = {
    "feature": "Kolmogorov-Smirnov distance at the cuts",
    "prediction": "Kolmogorov-Smirnov distance at the cuts",
    "calibration": "change in the error",
    "performance": "change in the loss",
    "skew": "share of decisions",
}

KNOWS_USUAL: tuple[Kind, ...] = ("feature", "prediction")

LEAST_RATE = 0.001
"""Rates below are all the same to a reader."""

BARS = (
    "Full bars are critical, coloured hollow ones a warning, grey ones neither. Dotted: the bounds of both states. A "
    "grey bar beyond them may be luck, or a training day lay as far from the others."
)
LIE = "Filled: rows of the window. Outlines: training rows, or answers to rows that were not fitted on."


def drift_page(report: DriftReport, provenance: Mapping[str, str]) -> str:
    """Return the report as HTML; `provenance` is label -> text."""
    parts = [
        head("Drift", report.model, report.doc),
        verdict(report.sentence, _what_counts(report), good=report.state == "ok"),
        _tiles(report),
        *figure(index_bars(report), "How far inputs and answers moved", BARS),
        *(_of_kind(report, kind) for kind in KINDS if report.of_kind(kind)),
        *figure(lie_grid(report), "What moved furthest", LIE),
        section("Provenance", facts({**_facts(report), **provenance})),
    ]
    return page(f"{report.model}: drift", *parts)


def _what_counts(report: DriftReport) -> str:
    rules = report.settings
    seen = f"Window: {report.window.label}. " if report.window else ""
    return (
        f"{seen}A warning from an effect of {rules.warning_threshold:g}, critical from {rules.drift_threshold:g}, "
        f"if it is no luck: at most {rules.false_discovery_rate:.0%} of what is called so, kind by kind. What is usual "
        f"for single training days is neither. Fewer than {rules.min_rows} rows are not judged."
    )


def _tiles(report: DriftReport) -> Markup:
    counts = {state: str(len(report.of_state(state))) for state in ("critical", "warning", "ok", "unknown")}
    return tiles({**counts, "rows in the window": f"{report.rows:,}"})


def _of_kind(report: DriftReport, kind: Kind) -> Markup:
    """Return the findings of a kind; those that are ok unfold on demand."""
    found = report.of_kind(kind)
    calm = [finding for finding in found if finding.state == "ok"]
    loud = [finding for finding in found if finding.state != "ok"]
    parts = [_table(kind, loud)] if loud else []
    parts += [folded(f"{len(calm)} of {len(found)} are ok", _table(kind, calm))] if calm else []
    return section(TITLES[kind], element("p", NOTES[kind], "note"), *parts)


def _table(kind: Kind, findings: Sequence[Finding]) -> Markup:
    columns = (
        Column("Name", "name"),
        Column("State"),
        Column("Effect", "number"),
        *_usual(kind, Column("Usual", "number", "largest effect of one training day against the others")),
        Column("Statistic", "number", STATISTICS[kind]),
        Column("q", "number", "smallest false discovery rate at which the finding counts"),
        Column("Rows", "number"),
        Column("In words"),
    )
    return table(columns, [_row(finding) for finding in findings])


def _row(finding: Finding) -> tuple[object, ...]:
    measured = finding.measured
    return (
        measured.name,
        element("span", finding.state, BADGES[finding.state]),
        number(measured.effect),
        *_usual(measured.kind, number(measured.usual)),
        number(measured.statistic),
        _rate(finding.q_value),
        f"{measured.rows:,}",
        finding.words.removeprefix(f"{measured.name}: "),
    )


def _usual(kind: Kind, cell: T) -> tuple[T, ...]:
    """Return the cell for kinds that know what is usual."""
    return (cell,) if kind in KNOWS_USUAL else ()


def _rate(q_value: float | None) -> str:
    if q_value is None:
        return DASH
    return f"{q_value:.3f}" if q_value >= LEAST_RATE else f"< {LEAST_RATE}"


def _facts(report: DriftReport) -> dict[str, str]:
    return {
        "version": report.version or DASH,
        "model hash": report.model_hash or DASH,
        "window": report.window.label if report.window else DASH,
    }
