"""Every leak check, and how findings are counted, shown and refused.

A check is a name, the rule that must hold, and a function from a case to sightings of rows that break it. None knows a
column by its planted name: each recomputes what an honest row would say. What passes here can still be wrong in ways
nobody thought of, which is why `grinder pit prove` changes the future itself.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from grinder_resources.errors import LeakFound
from grinder_resources.learning.leaks import answers, fits, future, parts, rows
from grinder_resources.learning.leaks.case import LeakCase, Sighting
from grinder_resources.learning.purging import Integers

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class LeakCheck:
    """A blocking check: `rule` is the statement that must hold of every row."""

    name: str
    rule: str
    look: Callable[[LeakCase], Iterator[Sighting]]


@dataclass(frozen=True)
class LeakFamily:
    """Checks that belong together, and what they keep in one sentence; people see one line a family."""

    name: str
    rule: str
    checks: tuple[LeakCheck, ...]


@dataclass(frozen=True)
class Finding:
    """What one check found on one day: how many rows, in which column or fold, and the id of the first of them."""

    check: str
    day: date
    rows: int
    where: str
    example: str


LEAK_FAMILIES = (
    LeakFamily(
        "rows",
        "every row stands in its own time and day, once",
        (
            LeakCheck("row_day", "a row stands in the UTC day of its time", rows.row_day),
            LeakCheck("time_order", "rows of an instrument are stored in time order", rows.time_order),
            LeakCheck("row_id", "an id names one row", rows.row_id),
            LeakCheck("copied_rows", "no row is another one under a second name", rows.copied_rows),
            LeakCheck("repeated_label", "every row has an answer of its own", rows.repeated_label),
        ),
    ),
    LeakFamily(
        "times",
        "features end at the decision, answers come after it and before the label's end",
        (
            LeakCheck("watermark", "no feature looked at anything after the decision", rows.watermark),
            LeakCheck("label_window", "the label window ends after the decision", rows.label_window),
            LeakCheck("label_end", "no answer comes after the end of the label", rows.label_end),
            LeakCheck("settled_as_open", "what was known at the decision counts as settled", rows.settled_as_open),
        ),
    ),
    LeakFamily(
        "parts",
        "no row, day or label of one part of a fold reaches into another",
        (
            LeakCheck("disjoint_parts", "a row is in one part of a fold", parts.disjoint_parts),
            LeakCheck("whole_days", "a day is in one part of a fold", parts.whole_days),
            LeakCheck("part_order", "train comes before validation, validation before test", parts.part_order),
            LeakCheck("label_overlap", "no label reaches into a later part", parts.label_overlap),
            LeakCheck("embargo", "an embargo lies between a label and a later part", parts.embargo),
        ),
    ),
    LeakFamily(
        "inputs",
        "no input is a label, a later value or a clock",
        (
            LeakCheck("input_names", "no input is called like a label or an identity", answers.input_names),
            LeakCheck("label_copy", "no input orders the open answers perfectly", answers.label_copy),
            LeakCheck(
                "unfinished_label", "no input is a label of another row that was still open", future.unfinished_label
            ),
            LeakCheck("lead", "no input is a later value of another column", future.lead),
            LeakCheck("future_price", "no input is made of later prices", future.future_price),
            LeakCheck("clock_input", "no input only counts time", future.clock_input),
        ),
    ),
    LeakFamily(
        "fits",
        "nothing that enters training was fitted beyond the fold",
        (
            LeakCheck("fit_scope", "the train rows' numbers do not depend on later parts", fits.fit_scope),
            LeakCheck("scaled_beyond", "no input was scaled over all days", fits.scaled_beyond),
            LeakCheck("filled_beyond", "no gap was filled with a mean over all days", fits.filled_beyond),
            LeakCheck("encoded_beyond", "no category was encoded by its label over all days", fits.encoded_beyond),
            LeakCheck("day_aggregate", "no input is a total of its own, unfinished day", fits.day_aggregate),
        ),
    ),
)

LEAK_CHECKS = tuple(check for family in LEAK_FAMILIES for check in family.checks)


def find_leaks(case: LeakCase, checks: Iterable[LeakCheck] = LEAK_CHECKS) -> tuple[Finding, ...]:
    """Return what the checks find, in their order, then by place and day; empty for an honest case, or no rows."""
    if case.frame.is_empty():
        return ()
    return tuple(
        finding
        for check in checks
        for where, seen in _by_place(check.look(case)).items()
        for finding in _by_day(case, check.name, where, seen)
    )


def _by_place(sightings: Iterable[Sighting]) -> dict[str, Integers]:
    """Return the rows seen in every place, ascending and once each, in the order places were first seen."""
    places: dict[str, Integers] = {}
    for sighting in sightings:
        if len(sighting.rows):
            places[sighting.where] = np.union1d(places.get(sighting.where, sighting.rows), sighting.rows)
    return places


def _by_day(case: LeakCase, check: str, where: str, rows: Integers) -> Iterator[Finding]:
    days, first, counts = np.unique(case.times.day[rows], return_index=True, return_counts=True)
    for day, at, count in zip(days.tolist(), first.tolist(), counts.tolist(), strict=True):
        yield Finding(check, EPOCH + timedelta(days=day), count, where, case.row_name(int(rows[at])))


def day_table(case: LeakCase, findings: Sequence[Finding], checks: Iterable[LeakCheck]) -> list[dict[str, object]]:
    """Return one row a day: rows looked at, the most that a check found in one place, check, place, an example."""
    names, table = {check.name for check in checks}, list[dict[str, object]]()
    for day in case.days:
        found = [finding for finding in findings if finding.check in names and finding.day == day]
        worst = max(found, key=lambda finding: finding.rows, default=None)
        table.append(
            {
                "date": day,
                "rows": int((case.frame["date"] == day).sum()),
                "leaking": worst.rows if worst else 0,
                "check": worst.check if worst else "",
                "where": worst.where if worst else "",
                "example": worst.example if worst else "",
            }
        )
    return table


def refuse(findings: Sequence[Finding], where: str) -> None:
    """Raise LeakFound for the first finding, with the number of the others; nothing happens if there is none."""
    if not findings:
        return
    first, checks = findings[0], list(dict.fromkeys(finding.check for finding in findings))
    rule = next(check.rule for check in LEAK_CHECKS if check.name == first.check)
    others = f"; also {', '.join(checks[1:])}" if checks[1:] else ""
    raise LeakFound(
        f"check {first.check!r} refused the data: {rule}",
        where=f"{where}, {first.day}, {first.where}",
        got=f"{first.rows} rows, e.g. {first.example}{others}",
        hint="Nothing was trained; see the days with `grinder leak check`",
    )
