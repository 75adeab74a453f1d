"""The explanation as one page of text, for a terminal."""

from collections.abc import Iterator, Sequence

from grinder_resources.interpretability import words
from grinder_resources.interpretability.answers import Answer, HeadAnswer
from grinder_resources.interpretability.plots import SHOWN_INPUTS
from grinder_resources.interpretability.rows import head_rows, past_rows
from grinder_resources.interpretability.why import Why

BAR = 16
"""Characters of the longest bar."""

_WIDTH = 100


def text_page(found: Why) -> str:
    """Return the page; it ends with a line end."""
    head = found.focused
    parts = (
        _title(found),
        _section("What the model said", _heads(found)),
        _section(f"Why {head.head.name}: {words.spoken(head)}", _inputs(head.leading)),
        _section("The way through the trees", _paths(found, head.leading)),
        _section("From margin to answer", _calibration(found, head)),
        _section("Whether it may be used", _standing(found, head)),
        _section("Nearest past events", _past(found)),
        _section("What happened", _happened(head)),
    )
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _title(found: Why) -> Iterator[str]:
    manifest, facts = found.artifact.manifest, found.event.facts
    yield found.event.event_id
    yield f"{facts['venue']} {facts['symbol']}, {words.when(found)}"
    if context := words.context(found):
        yield context
    yield f"asked of {manifest.folder}, model {manifest.model_hash}"
    yield words.PARTS[found.part]


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield title.upper()
    yield from (f"  {line}" for line in lines)


def _table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> Iterator[str]:
    """Yield rows in columns two spaces apart; those of `right` are set to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def _heads(found: Why) -> Iterator[str]:
    header = ("question", "answer", "out of fold", "at the time", "happened", "against it")
    return _table([header, *head_rows(found)])


def _inputs(answer: Answer) -> Iterator[str]:
    largest = max((abs(one.contribution) for one in answer.inputs), default=0.0) or 1.0
    shown = answer.movers[:SHOWN_INPUTS]
    rest = answer.inputs[len(shown) :]
    rows = [("input", "value", "quantile", "moves", "")]
    for one in shown:
        moves, bar = words.signed(one.contribution), "\N{FULL BLOCK}" * round(BAR * abs(one.contribution) / largest)
        sign = "\N{MINUS SIGN}" if one.contribution < 0 else "+"
        rows.append((one.name, words.value(one.value), words.quantile(one), moves, f"{sign} {bar}"))
    rows.append((f"{len(rest)} other inputs", "", "", words.signed(sum(one.contribution for one in rest)), ""))
    rows.append(("before any input", "", "", words.signed(answer.expected), ""))
    rows.append(("margin", "", "", words.signed(answer.margin), ""))
    return _table(rows, right=(1, 2, 3))


def _paths(found: Why, answer: Answer) -> Iterator[str]:
    yield f"{len(answer.paths)} of {answer.trees} trees, those that add or take away most:"
    for path in answer.paths:
        yield f"tree {path.number} adds {words.signed(path.leaf)}"
        yield from (f"    {line}" for line in _wrapped(words.way(found, path)))


def _wrapped(sentence: str) -> Iterator[str]:
    """Yield a list of splits in lines that fit the page."""
    line = ""
    for part in sentence.split(", "):
        if line and len(line) + len(part) > _WIDTH - 8:
            yield f"{line},"
            line = part
        else:
            line = f"{line}, {part}" if line else part
    yield line


def _calibration(found: Why, head: HeadAnswer) -> Iterator[str]:
    for answer in head.answers:
        yield words.calibrated(head, answer)
        if answer.step is not None:
            yield f"    {words.evidence(answer)}"
    if head.head.kind != "regression":
        yield words.coherence(found, head)
    yield f"answer: {', '.join(f'{answer.output} {words.said(head, answer)}'.strip() for answer in head.answers)}"
    if spacing := words.spacing(found, head):
        yield f"so {spacing}"


def _standing(found: Why, head: HeadAnswer) -> Iterator[str]:
    yield f"promotion: {words.promotion(found, head)}"
    yield f"registry: {found.standing.registry or 'there is none'}"
    for sentence in found.standing.runtime:
        yield f"runtime: {sentence}"
    for sentence in found.standing.logged:
        yield f"logged: {sentence}"


def _past(found: Why) -> Iterator[str]:
    yield words.like_it(found)
    if not found.past:
        return
    header = ("distance", "when", "instrument", found.focus, "event")
    yield from _table([header, *past_rows(found)], right=(0,))


def _happened(head: HeadAnswer) -> Iterator[str]:
    yield words.ending(head)
