"""The model card as one HTML page: purpose, answers, data, worth, calibration, slices, limits, how to verify."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import polars as pl

from grinder_resources.cards import words
from grinder_resources.cards.facts import PARTS, Card
from grinder_resources.cards.purpose import PURPOSES
from grinder_resources.contracts.artifacts import HeadFacts
from grinder_resources.evaluation.calibration_plots import group_grid, reliability_grid
from grinder_resources.evaluation.cells import DASH, by_metric, estimate, figure
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
    section,
    table,
    tiles,
    verdict,
)
from grinder_resources.evaluation.drawing import png
from grinder_resources.evaluation.plots import forest
from grinder_resources.evaluation.summary import CALIBRATED, pooled, standing, target_label
from grinder_resources.interpretability.importance_page import importance_figure
from grinder_resources.interpretability.out_of_fold import LEADING_MODE

PART_NAMES = MappingProxyType({"train": "Fitted on", "val": "Stopped by", "test": "Kept for the test"})
"""What each part of the days was for."""

PURGED = "{} dropped because a label reached into a later part."
WORTH = (
    "Out of fold: each answer was given by a model fitted on earlier days, while the answer was still open. Brackets "
    "are 95 % intervals of a bootstrap over hours, all instruments together. Skill is one minus the squared error over "
    "that of {reference}; 0 is no better. ECE is the mean gap between promised and observed, after calibration."
)
FOREST = "Full dots: every interval lies above chance. Hollow dots: not so."
RELIABILITY = (
    "Grey and hollow: before calibration. Full: after it. On the dotted diagonal, promised and observed agree."
)
SLICES = MappingProxyType({"symbol": "By instrument", "day": "By day", "hour": "By hour of the day, UTC"})
"""What the answers are sliced by, and the heading."""

SLICE = "Above 0 it happened more often than the model said. Bars are 95 % intervals. Full: after calibration."
MOVES = (
    "Share of each input in the movement of each answer, in percent, over open rows of the test days (exact TreeSHAP)."
)


def card_page(card: Card) -> str:
    """Return the card as HTML."""
    sentence, good = words.verdict_of(card)
    parts = [
        head("Model card", card.title, card.model.spec.doc),
        verdict(sentence, f"Registry: {card.stage or 'there is none'}. {card.evidence.about}", good=good),
        _tiles(card),
        section("What it is for", listing(PURPOSES[card.model.spec.dataset])),
        section("What it is not for", listing(words.not_for(card))),
        section("What it answers", _heads(card)),
        section("What it was made from", *_data(card)),
        *_worth(card),
        *_calibration(card),
        *_importance(card),
        section("Limits", listing(words.limits(card))),
        section("How to verify", _commands(card)),
        section("How it was fitted", _settings(card)),
        section("Files", _files(card)),
        section("Provenance", facts(_provenance(card))),
    ]
    return page(f"{card.title}: model card", *parts)


def card_png(card: Card) -> bytes | None:
    """Return the answers against chance as PNG, or nothing where none was scored."""
    drawn = forest(card.evidence.scores, card.evidence.verdicts, LEADING_MODE)
    return None if drawn is None else png(drawn)


def _tiles(card: Card) -> Markup:
    manifest, serving = card.model.artifact.manifest, card.model.artifact.serving
    verdicts = card.evidence.verdicts.filter(pl.col("mode") == LEADING_MODE)
    return tiles(
        {
            "heads": str(len(manifest.heads)),
            "inputs": str(len(manifest.input_features)),
            "rows fitted": f"{manifest.training_metadata.train_samples:,}",
            "trained until": serving.trained_until if serving else DASH,
            "answers with an edge": f"{verdicts['edge'].sum()} of {verdicts.height}" if verdicts.height else DASH,
        }
    )


def _heads(card: Card) -> Markup:
    rounds = {row["head"]: row["rounds"] for row in card.training["scores"]}
    carries = words.carried(card)
    columns = (
        Column("Head", "name"),
        Column("Kind"),
        Column("Answers"),
        Column("Calibration"),
        Column("Rounds", title="of boosting"),
        Column("Evidence", title="whether the promotion check found that all its answers carry"),
    )
    rows = [
        (
            one.name,
            one.kind,
            ", ".join(one.classes) or f"a number, in units of 1/{one.unit}",
            _calibrated(one),
            str(rounds.get(one.name, DASH)),
            _carries(carries.get(one.name)),
        )
        for one in card.model.artifact.manifest.heads
    ]
    return table(columns, rows)


def _calibrated(head_facts: HeadFacts) -> str:
    if not head_facts.calibration:
        return "none"
    one = head_facts.calibration[0]
    return f"isotonic, {one.rows:,} rows" if one.method == "isotonic" else "its own link"


def _carries(carries: bool | None) -> Markup:
    said = {True: ("carries", "badge good"), False: ("not to be used", "badge"), None: ("not judged", "badge open")}
    return element("span", *said[carries])


def _data(card: Card) -> Iterator[Markup]:
    training = card.training["rows"]
    days = {part: card.model.days(part) for part in PARTS}
    columns = (Column("Part", "name"), Column("Days"), Column("Rows", "number"))
    rows = [
        (meaning, f"{days[part][0]} to {days[part][-1]} ({len(days[part])})", f"{training[part]:,}")
        for part, meaning in PART_NAMES.items()
    ]
    yield table(columns, rows)
    dropped = training["purged"]
    yield element("p", PURGED.format(f"{dropped:,} rows were" if dropped else "No row was"), "note")
    if card.rows.height:
        yield _instruments(card.rows)


def _instruments(rows: pl.DataFrame) -> Markup:
    counts = (Column(meaning, "number", "rows") for meaning in PART_NAMES.values())
    columns = (Column("Instrument", "name"), Column("First day"), Column("Last day"), *counts)
    lines = [
        (row["instrument"], row["first"], row["last"], *(f"{row[part]:,}" for part in PARTS))
        for row in rows.iter_rows(named=True)
    ]
    return table(columns, lines)


def _worth(card: Card) -> list[Markup]:
    verdicts = card.evidence.verdicts.filter(pl.col("mode") == LEADING_MODE)
    if verdicts.is_empty():
        return [section("What it is worth", element("p", card.evidence.about))]
    note = element("p", WORTH.format(reference=verdicts["reference"][0]), "note")
    return [
        section("What it is worth", note, _scores(card, verdicts)),
        *figure(forest(card.evidence.scores, card.evidence.verdicts, LEADING_MODE), "Against chance", FOREST),
    ]


def _scores(card: Card, verdicts: pl.DataFrame) -> Markup:
    before = by_metric(pooled(card.evidence.scores, LEADING_MODE))
    after = by_metric(pooled(card.evidence.scores, LEADING_MODE, CALIBRATED))
    columns = (
        Column("Answer", "name"),
        Column("Standing"),
        Column("AUC", "number", "area under the ROC curve; 0.5 is a coin toss"),
        Column("Skill", "number", "over the reference"),
        Column("Skill over base", "number", "over the base rate of the training days"),
        Column("Log loss", "number", "after calibration"),
        Column("ECE", "number", "expected calibration error, after calibration"),
        Column("Open rows", "number"),
    )
    rows = []
    for row in verdicts.iter_rows(named=True):
        key = (row["head"], row["class"])
        rows.append(
            (
                target_label(*key),
                element("span", standing(row), "badge good" if row["edge"] else "badge", title=row["verdict"]),
                *(estimate(before.get((*key, metric))) for metric in ("auc", "skill", "skill_over_base")),
                *(estimate(after.get((*key, metric))) for metric in ("log_loss", "ece")),
                f"{row['rows']:,}",
            )
        )
    return table(columns, rows)


def _calibration(card: Card) -> list[Markup]:
    parts = figure(reliability_grid(card.evidence.calibration, LEADING_MODE), "Promised against observed", RELIABILITY)
    drawn = [
        join(*figure(group_grid(card.evidence.reliability, LEADING_MODE, by), title, SLICE))
        for by, title in SLICES.items()
    ]
    return [*parts, *drawn]


def _importance(card: Card) -> list[Markup]:
    rows = card.evidence.importance
    return figure(importance_figure(rows), "What moves its answers", MOVES) if rows.height else []


def _settings(card: Card) -> Markup:
    """Return the booster's settings and the inputs, both unfolded on demand."""
    params = {name.replace("_", " "): str(value) for name, value in card.model.config["params"].items()}
    inputs = card.model.artifact.manifest.input_features
    return join(
        folded("Settings of the booster", facts(params)),
        folded(f"{len(inputs)} inputs", element("p", ", ".join(inputs))),
    )


def _commands(card: Card) -> Markup:
    columns = (Column("Command"), Column("Says whether"))
    return table(columns, [(element("code", command), what) for command, what in words.commands(card)])


def _files(card: Card) -> Markup:
    columns = (Column("File", "name"), Column("Bytes", "number"), Column("sha256"))
    rows = [
        (one.name, f"{one.size_bytes:,}", element("code", one.sha256)) for one in card.model.artifact.manifest.files
    ]
    return folded(f"{len(rows)} files with their hashes", table(columns, rows))


def _provenance(card: Card) -> Mapping[str, str]:
    manifest = card.model.artifact.manifest
    return {
        "Model hash": manifest.model_hash,
        "Chain root": manifest.chain_root,
        "Data hash": manifest.training_metadata.data_hash,
        "Fingerprint": str(card.model.config["fingerprint"]),
        "Dataset": card.model.spec.dataset,
        "Made at": manifest.created_at,
        "Signature": "signed" if card.signed else "none",
        **card.versions,
    }
