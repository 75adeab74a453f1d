"""What happened in the month: a line an event, as Markdown for people and JSON for programs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """Something that happened.

    day
        Number of the newest day that has landed.
    at
        Time on the month's clock, UTC.
    who
        market, a schedule, a sensor, or operator.
    what
        In a few words.
    detail
        Numbers, reasons, or what a command printed; several lines are shown as a block.
    """

    day: int
    at: str
    who: str
    what: str
    detail: str = ""


class Timeline:
    """Entries in the order they happened; each is written to a file at once, so that a broken month still tells."""

    def __init__(self, folder: Path) -> None:
        self._lines = folder / "timeline.jsonl"
        self._page = folder / "timeline.md"
        self.entries: list[Entry] = []

    def add(self, entry: Entry) -> Entry:
        """Keep one entry."""
        self.entries.append(entry)
        with self._lines.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(entry)) + "\n")
        return entry

    def write_page(self, facts: Sequence[str]) -> Path:
        """Write the page and return where it is; `facts` come first, one a line."""
        self._page.write_text("\n".join([*(f"- {fact}" for fact in facts), "", *markdown(self.entries)]) + "\n")
        return self._page


def markdown(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield the lines of a table of the events, and after it what commands printed, in order."""
    yield "| day | UTC | who | what | |"
    yield "|---:|---|---|---|---|"
    for entry in entries:
        detail = "printed below" if "\n" in entry.detail else _cell(entry.detail)
        yield f"| {entry.day} | {entry.at} | {entry.who} | {_cell(entry.what)} | {detail} |"
    for entry in entries:
        if "\n" in entry.detail:
            yield from ("", f"Day {entry.day}, {entry.at}: `{entry.what}`", "", "```text", entry.detail.rstrip(), "```")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
