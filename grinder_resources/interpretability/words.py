"""How the numbers of an explanation are put into words; the text page and the HTML page share them."""

from types import MappingProxyType

import numpy as np

from grinder_resources.contracts.calibration import AtLeast, AtMost, Either, Rule
from grinder_resources.evaluation.promotion_gates import CODES
from grinder_resources.interpretability.answers import Answer, HeadAnswer, Input, plain
from grinder_resources.interpretability.paths import LeafPath, Split
from grinder_resources.interpretability.steps import CalibrationStep
from grinder_resources.interpretability.why import Why, utc
from grinder_resources.learning.coherence import spacing_x1000

DASH = "\N{EN DASH}"
MISSING = "missing"

PARTS = MappingProxyType(
    {
        "train": "The model was fitted on this day: what it says here is memory. Look at the answer out of fold.",
        "val": "This day decided when fitting stopped: the model has seen it. Look at the answer out of fold.",
        "test": "This day was kept for the test: the model was fitted on earlier days only.",
        "later": "This day came after everything that the model has seen.",
        "unused": "This day was not there when the model was fitted, though later ones were.",
    }
)
"""What a model did with an event's day."""


def percent(bps: int | None) -> str:
    """Return bps as percent, `82.87 %`; a dash where there are none."""
    return DASH if bps is None else f"{bps / 100:.2f} %"


def signed(number: float, digits: int = 3) -> str:
    """Return a number with its sign."""
    return f"{number:+.{digits}f}"


def value(number: float | None) -> str:
    """Return an input's value: whole numbers as such, `missing` where there is none."""
    if number is None or np.isnan(number):
        return MISSING
    return plain(number)


def quantile(one: Input) -> str:
    """Return where an input's value lies among the training rows, 0.00 to 1.00."""
    return DASH if one.quantile is None else f"{one.quantile:.2f}"


def said(head: HeadAnswer, answer: Answer) -> str:
    """Return an answer: `82.87 %`, or a regression's number."""
    return f"{answer.said:,}" if head.head.kind == "regression" else percent(answer.said)


def spoken(head: HeadAnswer) -> str:
    """Return the leading answer with its class: `yes 82.87 %`."""
    leading = head.leading
    return f"{leading.output} {said(head, leading)}".strip()


def happened(head: HeadAnswer) -> str:
    """Return what came of it; a dash where there is no label."""
    return head.happened or DASH


def step(one: CalibrationStep) -> str:
    """Return where a step lies and what it gives."""
    source = f"isotonic, {one.rows:,} out-of-fold rows" if one.method == "isotonic" else "the head's own link"
    return f"step {one.number} of {one.steps}, {_bounds(one)}: {percent(one.bps)} ({source})"


def _bounds(one: CalibrationStep) -> str:
    low, high = one.low, one.high
    if low is None and high is None:
        return "everywhere"
    if low is None:
        return f"below {high:.3f}"
    return f"from {low:.3f} on" if high is None else f"{low:.3f} to {high:.3f}"


def calibrated(head: HeadAnswer, answer: Answer) -> str:
    """Return how a margin became an answer: by the unit of a regression, or by a step of the table."""
    name = f"{answer.output}: " if answer.output else ""
    if answer.step is None:
        return f"{name}margin {answer.margin:.3f} times {head.head.unit:,} is {said(head, answer)}"
    lead = f", a lead of {answer.scale:.3f}," if head.head.kind == "multiclass" else ""
    return f"{name}margin {answer.margin:.3f}{lead} is in {step(answer.step)}"


def evidence(answer: Answer) -> str:
    """Return what open out-of-fold answers of the same step were worth."""
    found = answer.evidence
    if not found.rows:
        return "no open out-of-fold answer of the walk-forward lies in this step"
    share = 100 * found.came_true / found.rows
    return f"{found.rows:,} open out-of-fold answers lie in this step; {found.came_true:,} came true ({share:.1f} %)"


def rule(one: Rule) -> str:
    """Return what a rule demands of its head."""
    match one:
        case AtMost(bounds=bounds):
            return f"no likelier than {' or '.join(bounds)}"
        case AtLeast(bounds=bounds):
            return f"no less likely than {' or '.join(bounds)}"
        case Either(parts=(left, right)):
            return f"between the larger and the sum of {left} and {right}"


def coherence(found: Why, head: HeadAnswer) -> str:
    """Return what the relations between heads, or between classes, made of a head's answers."""
    rules = [rule(one) for one in found.artifact.manifest.coherence if one.head == head.head.name]
    if head.head.kind == "multiclass":
        return "classes are made to sum to 100 %"
    if not rules:
        return "no other head limits it"
    (answer,) = head.answers
    before = answer.step.bps if answer.step else answer.said
    change = "it already was" if before == answer.said else f"moved from {percent(before)} to {percent(answer.said)}"
    return f"{'; '.join(rules)}: {change}"


def spacing(found: Why, head: HeadAnswer) -> str:
    """Return the grid's width that follows from a head; '' where none does."""
    wanted = found.artifact.manifest.spacing
    if not wanted or wanted.head != head.head.name:
        return ""
    bps = np.array([[answer.said for answer in head.answers]], dtype=np.int32)
    return f"a grid {spacing_x1000(bps, wanted)[0] / 1000:.3f} times as wide as usual"


def codes(found: Why, head: HeadAnswer) -> str:
    """Return what the promotion check holds against a head, over all its answers."""
    known = found.standing.codes
    if known is None:
        return "not judged"
    against = {code for answer in head.answers for code in known.get((head.head.name, answer.output), ())}
    return ", ".join(short(code) for code in CODES if code in against) or "nothing"


def promotion(found: Why, head: HeadAnswer) -> str:
    """Return what the promotion check says of a head, in one sentence without its stop."""
    return found.standing.unjudged or f"{codes(found, head)} held against {head.head.name}"


def short(code: str) -> str:
    """Return a promotion code as people read it: `CALIBRATION_ABOVE_GATE` is `calibration`."""
    plain = code.replace("_ABOVE_GATE", "").replace("_BELOW_GATE", "").split("_")
    return " ".join(word if word in ("AUC", "DSR", "PBO") else word.lower() for word in plain)


def way(found: Why, path: LeafPath) -> str:
    """Return a way through a tree, split by split."""
    names = found.artifact.manifest.input_features
    return ", ".join(_split(names[one.feature], one) for one in path.splits) or "a tree of one leaf"


def _split(name: str, one: Split) -> str:
    if one.missing:
        return f"{name} missing"
    return f"{name} {'<' if one.below else '>='} {one.threshold:g}"


def when(found: Why) -> str:
    """Return when the event was, and when it could be acted on where that is later."""
    facts = found.event.facts
    confirmed = facts.get("confirm_ts_ns")
    later = f", confirmed {utc(confirmed)[11:]}" if confirmed else ""
    return f"{utc(facts['ts_ns'])} UTC{later}"


def context(found: Why) -> str:
    """Return the event's categories in words, e.g. `level_kind_name VWAP, direction UP`."""
    return ", ".join(
        f"{name} {found.event.facts[name] or MISSING}" for name in found.event.prepared.features.categorical
    )


def like_it(found: Why) -> str:
    """Return what became of the nearest past events, for the head in focus."""
    if not found.past:
        return "no event's label had ended by then"
    ends = [past.outcomes[found.focus] or "no label" for past in found.past]
    numbers = found.focused.head.kind == "regression"
    counts = "; ".join(ends) if numbers else ", ".join(f"{ends.count(end)} {end}" for end in dict.fromkeys(ends))
    return f"of {found.past_rows:,} events whose labels had ended by then the nearest {len(ends)} ended: {counts}"


def ending(head: HeadAnswer) -> str:
    """Return what really happened beside what was said, for one head."""
    name = head.head.name
    if not head.happened:
        return f"{name} has no label here; the model said {spoken(head)}."
    given = next((answer for answer in head.answers if answer.output == head.happened), head.leading)
    fold = given.evidence.said
    beside = f", and {percent(fold)} out of fold" if fold is not None else ""
    settled = " It was settled at the time: nobody needed a model for it." if head.settled else ""
    if head.head.kind == "regression":
        return f"{name}: {head.happened}. The model said {said(head, given)}.{settled}"
    what = "that" if given.output == head.happened else given.output
    return f"{name}: {head.happened}. The model gave {what} {said(head, given)}{beside}.{settled}"
