"""Why a model answered an event what it did: everything one page says, as facts."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.errors import UnknownName
from grinder_resources.export.verify import VerifiedArtifact
from grinder_resources.inference.config import MlConfig
from grinder_resources.interpretability.answers import HeadAnswer, head_answers, outcome
from grinder_resources.interpretability.event import Event, row_ids
from grinder_resources.interpretability.nearest import nearest
from grinder_resources.interpretability.standing import Standing, standing
from grinder_resources.lake import Lake
from grinder_resources.learning.splits import Rows


@dataclass(frozen=True)
class PastEvent:
    """A past event like this one: its id, time, instrument, distance in standard deviations, and what came of it.

    outcomes
        By head, in its words; '' where it has no label.
    """

    event_id: str
    ts_ns: int
    instrument: str
    distance: float
    outcomes: dict[str, str]


@dataclass(frozen=True)
class Why:
    """Everything the page says.

    part
        What the model did with the event's day: train, val, test, later or unused.
    heads
        Every head's answers, in the manifest's order.
    focus
        Name of the head that is explained first.
    past, past_rows
        The nearest past events, and how many there were to choose from: those whose labels had ended by then.
    """

    event: Event
    part: str
    heads: tuple[HeadAnswer, ...]
    focus: str
    standing: Standing
    past: tuple[PastEvent, ...]
    past_rows: int

    @property
    def focused(self) -> HeadAnswer:
        """The head that is explained first."""
        return next(answer for answer in self.heads if answer.head.name == self.focus)

    @property
    def artifact(self) -> VerifiedArtifact:
        """The artifact that answered."""
        return self.event.model.artifact


def why(
    event: Event, lake: Lake, models_dir: Path, *, head: str = "", neighbours: int = 5, config: MlConfig | None = None
) -> Why:
    """Return why the event's model answered what it did.

    head
        The head to explain first; '' = the model's first.
    neighbours
        Past events to name.
    config
        As in `standing.standing`.

    Raises UnknownName for a head that the artifact has not.
    """
    names = [facts.name for facts in event.model.artifact.manifest.heads]
    if head and head not in names:
        raise UnknownName(
            "the artifact has no such head", where=event.model.folder.name, got=head, expected=", ".join(names)
        )
    known = known_before(event)
    return Why(
        event=event,
        part=event.model.part_of(event.facts["date"]),
        heads=head_answers(event, lake),
        focus=head or names[0],
        standing=standing(event, lake, models_dir, config),
        past=_past(event, known, neighbours),
        past_rows=len(known),
    )


def known_before(event: Event) -> Rows:
    """Return the numbers of the rows whose labels had ended before the event's time, ascending."""
    ended = event.prepared.frame["label_end_ns"].fill_null(event.facts["ts_ns"]) < event.facts["ts_ns"]
    return np.flatnonzero(ended.to_numpy())


def utc(ts_ns: int) -> str:
    """Return a time as people read it, to the second: `2025-01-09 14:05:08`."""
    return datetime.fromtimestamp(ts_ns // NS_PER_SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _past(event: Event, known: Rows, count: int) -> tuple[PastEvent, ...]:
    prepared, spec = event.prepared, event.model.spec
    numeric = prepared.matrix.values[:, : len(prepared.features.numeric)]
    names = row_ids(spec, prepared.frame)
    return tuple(
        PastEvent(
            event_id=names[one.row],
            ts_ns=prepared.frame["ts_ns"][one.row],
            instrument=f"{prepared.frame['venue'][one.row]} {prepared.frame['symbol'][one.row]}",
            distance=one.distance,
            outcomes={head.name: outcome(event, head, one.row) for head in spec.heads},
        )
        for one in nearest(numeric, event.row, known, count)
    )
