"""The explanation as one HTML page: what was said and what happened first, then why, head by head."""

from collections.abc import Iterator

from grinder_resources.evaluation.document import (
    Column,
    Markup,
    element,
    facts,
    folded,
    head,
    listing,
    page,
    picture,
    section,
    table,
    tiles,
    verdict,
)
from grinder_resources.evaluation.drawing import svg
from grinder_resources.interpretability import words
from grinder_resources.interpretability.answers import Answer, HeadAnswer
from grinder_resources.interpretability.plots import SHOWN_INPUTS, moved_figure
from grinder_resources.interpretability.rows import head_rows, past_rows
from grinder_resources.interpretability.why import Why

HOW_TO_READ = (
    "Contributions are exact Shapley values of the trees (TreeSHAP, as XGBoost computes them): with the margin before "
    "any input they sum to the margin. They say what moved this answer, not what causes the price to move. A quantile "
    "is the share of the training rows whose value is as large or smaller."
)
FIGURE_CAPTION = (
    "Left: inputs to the right of the line raise the margin, those to the left lower it. Right: the calibration table; "
    "the dot is this event."
)
NEAREST = (
    "Distance is the root mean square difference of the numeric inputs, in standard deviations of the past events. "
    "Only events whose labels had ended before this one are looked at."
)


def why_page(found: Why) -> str:
    """Return the explanation as HTML."""
    focused = found.focused
    others = [answer for answer in found.heads if answer is not focused]
    parts = [
        head("Why", found.event.event_id, _subtitle(found)),
        verdict(words.ending(focused), words.PARTS[found.part], good=found.part in ("test", "later")),
        _tiles(found),
        section("What the model said", _heads(found)),
        section(
            f"Why {focused.head.name}: {words.spoken(focused)}",
            element("p", HOW_TO_READ, "note"),
            *_head(found, focused),
        ),
        section("Nearest past events", element("p", NEAREST, "note"), *_past(found)),
        section("Whether it may be used", listing(tuple(_standing(found)))),
        *([section("The other questions", *(_folded(found, one) for one in others))] if others else []),
        section("Provenance", facts(_provenance(found))),
    ]
    return page(f"{found.event.event_id}: why", *parts)


def _subtitle(found: Why) -> str:
    about = found.event.facts
    context = words.context(found)
    return f"{about['venue']} {about['symbol']}, {words.when(found)}" + (f"; {context}" if context else "")


def _tiles(found: Why) -> Markup:
    focused, manifest = found.focused, found.artifact.manifest
    return tiles(
        {
            f"{focused.head.name}, said": words.spoken(focused),
            "said out of fold": words.percent(focused.leading.evidence.said),
            "happened": words.happened(focused),
            "model": manifest.model_version,
        }
    )


def _heads(found: Why) -> Markup:
    columns = (
        Column("Question", "name"),
        Column("Answer"),
        Column("Out of fold", title="by a model fitted on earlier days only"),
        Column("At the time", title="settled: the answer was known already"),
        Column("Happened"),
        Column("Against it", title="what the promotion check holds against the head"),
    )
    return table(columns, head_rows(found))


def _head(found: Why, answer: HeadAnswer) -> Iterator[Markup]:
    leading = answer.leading
    tables = found.artifact.calibration.tables.get(answer.head.name)
    place = answer.answers.index(leading)
    yield picture(svg(moved_figure(leading, tables[place] if tables else None)), FIGURE_CAPTION)
    yield from _explained(found, answer)


def _folded(found: Why, answer: HeadAnswer) -> Markup:
    return folded(f"{answer.head.name}: {words.spoken(answer)}", *_explained(found, answer))


def _explained(found: Why, answer: HeadAnswer) -> Iterator[Markup]:
    """Yield the inputs, the ways through the trees and the calibration of a head's leading answer."""
    leading = answer.leading
    yield _inputs(leading)
    yield element("p", f"{len(leading.paths)} of {leading.trees} trees, those that add or take away most:", "note")
    columns = (Column("Tree"), Column("Adds"), Column("Way"))
    rows = [(path.number, words.signed(path.leaf), words.way(found, path)) for path in leading.paths]
    yield table(columns, rows)
    yield listing(tuple(_calibration(found, answer)))


def _inputs(answer: Answer) -> Markup:
    shown = answer.movers[:SHOWN_INPUTS]
    rest = answer.inputs[len(shown) :]
    rows: list[tuple[object, ...]] = [
        (one.name, words.value(one.value), words.quantile(one), words.signed(one.contribution)) for one in shown
    ]
    rows.append((f"{len(rest)} other inputs", "", "", words.signed(sum(one.contribution for one in rest))))
    rows.append(("before any input", "", "", words.signed(answer.expected)))
    rows.append(("margin", "", "", element("strong", words.signed(answer.margin))))
    columns = (
        Column("Input", "name"),
        Column("Value", "number"),
        Column("Quantile", "number", "share of the training rows at or below it"),
        Column("Moves the margin by", "number"),
    )
    return table(columns, rows)


def _calibration(found: Why, answer: HeadAnswer) -> Iterator[str]:
    for one in answer.answers:
        sentence = words.calibrated(answer, one)
        yield sentence if one.step is None else f"{sentence}; {words.evidence(one)}."
    if answer.head.kind != "regression":
        yield f"Coherence: {words.coherence(found, answer)}."
    if spacing := words.spacing(found, answer):
        yield f"So {spacing}."


def _past(found: Why) -> Iterator[Markup]:
    sentence = words.like_it(found)
    yield element("p", f"{sentence[0].upper()}{sentence[1:]}.")
    if not found.past:
        return
    columns = (
        Column("Distance", "number"),
        Column("When", "name"),
        Column("Instrument"),
        Column(found.focus),
        Column("Event"),
    )
    yield table(columns, past_rows(found))


def _standing(found: Why) -> Iterator[str]:
    yield f"Promotion: {words.promotion(found, found.focused)}."
    yield f"Registry: {found.standing.registry or 'there is none'}."
    for sentence in found.standing.runtime:
        yield f"Runtime: {sentence}."
    for sentence in found.standing.logged:
        yield f"Logged: {sentence}."


def _provenance(found: Why) -> dict[str, str]:
    manifest = found.artifact.manifest
    return {
        "Model": f"{manifest.folder}, {manifest.model_hash}",
        "Chain root": manifest.chain_root,
        "Dataset": found.event.model.spec.dataset,
        "Data hash of the fit": manifest.training_metadata.data_hash,
        "Row": found.event.event_id,
    }
