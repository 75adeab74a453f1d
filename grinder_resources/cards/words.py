"""What a card says in words: the verdict, the limits, how to verify."""

from collections.abc import Iterator

import polars as pl

from grinder_resources.cards.evidence import SAME
from grinder_resources.cards.facts import Card
from grinder_resources.cards.purpose import NOT_FOR
from grinder_resources.evaluation.promotion_gates import CODES
from grinder_resources.evaluation.summary import target_label
from grinder_resources.learning.calibration import MIN_DAYS, MIN_ROWS

NOT_CHECKED = "Not judged: there was no promotion check."
NOT_THIS = "Not judged: the promotion check is about other rows or settings than this artifact's."


def carried(card: Card) -> dict[str, bool]:
    """Return every head that the promotion check judged, and whether all its answers carry.

    None where it judged other rows or settings than the artifact's: that speaks for another model.
    """
    if card.evidence.about != SAME:
        return {}
    rows = card.evidence.promotion.select("head", (pl.col("codes") == "").alias("carries"))
    return dict(rows.group_by("head", maintain_order=True).agg(pl.col("carries").all()).iter_rows())


def verdict_of(card: Card) -> tuple[str, bool]:
    """Return what the evidence carries, in one sentence, and whether it carries anything."""
    heads = carried(card)
    if not heads:
        return NOT_CHECKED if card.evidence.promotion.is_empty() else NOT_THIS, False
    good = [head for head, carries in heads.items() if carries]
    if not good:
        none = "does not carry its only head" if len(heads) == 1 else f"carries none of its {len(heads)} heads"
        return f"The evidence {none}: research only, not for use.", False
    if len(good) == len(heads):
        return f"The evidence carries {'its head' if len(good) == 1 else f'all {len(good)} heads'}.", True
    return f"The evidence carries {len(good)} of {len(heads)} heads: {', '.join(good)}.", True


def not_for(card: Card) -> tuple[str, ...]:
    """Return what the model is not for: what no model is, and the heads whose evidence does not carry."""
    heads = carried(card)
    others = [head for head, carries in heads.items() if not carries]
    if not others:
        return NOT_FOR
    if len(others) == len(heads):
        return *NOT_FOR, "Any use in trading: the evidence carries no head yet."
    return (
        *NOT_FOR,
        f"Any use of {', '.join(others)}: the evidence does not carry {'it' if len(others) == 1 else 'them'}.",
    )


def limits(card: Card) -> tuple[str, ...]:
    """Return what a reader has to know before believing the numbers."""
    return tuple(_limits(card))


def _limits(card: Card) -> Iterator[str]:
    manifest, spec = card.model.artifact.manifest, card.model.spec
    yield card.evidence.about
    if spec.caveat:
        yield spec.caveat
    days = len(card.model.days("train"))
    yield f"It was fitted on {days} day{'s' * (days != 1)} and {manifest.training_metadata.train_samples:,} rows."
    instruments = card.rows["instrument"].to_list()
    if instruments:
        yield f"It has seen {len(instruments)} instrument{'s' * (len(instruments) != 1)}: {', '.join(instruments)}."
    own = [head.name for head in manifest.heads if any(table.method == "logistic" for table in head.calibration)]
    if own:
        yield (
            f"Not calibrated, for want of {MIN_ROWS:,} out-of-fold rows on {MIN_DAYS} days: {', '.join(own)}. They "
            "answer through their own link."
        )
    for left_out in card.training["untrainable"]:
        yield f"Left out: {left_out['head']}, {left_out['reason']}."
    yield drift(card)
    yield from _against(card)


def drift(card: Card) -> str:
    """Return what the newest drift report says of the artifact, in one sentence."""
    found = card.evidence.drift
    if found.is_empty():
        return "Drift: there is no report on this artifact yet."
    worst = [(state, found.filter(pl.col("state") == state)["name"].to_list()) for state in ("critical", "warning")]
    told = [f"{state}: {', '.join(names[:5])}{' and more' * (len(names) > 5)}" for state, names in worst if names]
    return f"Drift, by the newest report: {'; '.join(told) or f'none of {found.height} findings calls for a look'}."


def _against(card: Card) -> Iterator[str]:
    """Yield each promotion code with the answers it speaks against."""
    rows = list(card.evidence.promotion.select("head", "class", "codes").iter_rows())
    for code, meaning in CODES.items():
        answers = [target_label(head, output) for head, output, codes in rows if code in codes.split()]
        if answers:
            who = f"all {len(answers)} answers" if len(answers) == len(rows) > 1 else ", ".join(answers)
            yield f"{code}: {meaning} ({who})."


def commands(card: Card) -> tuple[tuple[str, str], ...]:
    """Return commands that check what the card says, and what each of them says."""
    folder, name = f"models/{card.title}", card.model.spec.name
    return (
        (f"grinder verify {folder}", "every file is what the manifest says"),
        (f"grinder walk-forward verify --model {name}", "folds that are fitted from scratch answer the same"),
        (f"grinder promotion check {name}", "the evidence carries the model, and if not, what is missing"),
        ("grinder ledger verify", "every trial is still where it was written"),
        (f"grinder card {folder} --out card.html", "this card still says the same"),
    )
