"""The tables that the text page and the HTML page of an explanation share, as rows of words."""

from grinder_resources.interpretability import words
from grinder_resources.interpretability.why import Why, utc

Row = tuple[str, ...]


def head_rows(found: Why) -> list[Row]:
    """Return a row a head: its name, answer, answer out of fold, open or settled, what happened, what is against it."""
    return [
        (
            answer.head.name,
            words.spoken(answer),
            words.percent(answer.leading.evidence.said),
            "settled" if answer.settled else "open",
            words.happened(answer),
            words.codes(found, answer),
        )
        for answer in found.heads
    ]


def past_rows(found: Why) -> list[Row]:
    """Return a row a past event, the nearest first: distance, time, instrument, what became of it, its id."""
    return [
        (
            f"{past.distance:.2f}",
            utc(past.ts_ns),
            past.instrument,
            past.outcomes[found.focus] or words.DASH,
            past.event_id,
        )
        for past in found.past
    ]
