"""Why a row was kept aside: the closed list of reason codes, and the share of bad rows a source may have.

A row is published, kept aside with one of these reasons, or dropped as an exact repeat; nothing is repaired, filled
or guessed.
"""

from collections.abc import Mapping
from types import MappingProxyType

from grinder_resources.errors import TooManyQuarantined
from grinder_resources.ingest.limits import Limits

RAW_CHARACTERS = 500
"""Characters of an offending text that are kept."""

REPEAT = "repeat"
"""Marks a row that is dropped because its content is already there; counted as deduplicated, never quarantined."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "cut_line": "The file ends inside this line.",
        "not_json": "The line is not one JSON object.",
        "duplicate_key": "A JSON object names the same key twice.",
        "wrong_type": "A field holds another kind of value than its column.",
        "missing_field": "A field that the row needs is absent or empty.",
        "not_finite": "A number is NaN or infinite, or too large to be written as a finite one.",
        "too_large": "A number is beyond 2^53 ticks or lots.",
        "off_grid": "A price or size is not a whole number of the instrument's ticks or lots.",
        "not_positive": "A price or size is zero or negative.",
        "crossed": "The best bid is above the best ask.",
        "locked": "The best bid equals the best ask on a venue that does not declare locked markets.",
        "bad_levels": "Book levels are not strictly sorted, not complete pairs, or a side is empty.",
        "bad_fill": "What an order has filled does not fit its event, its size or its limit price.",
        "bad_answer": "Probabilities are not whole bps that sum to 10000, or a spacing is outside 500 to 2000.",
        "bad_hash": "The inputs of a decision have another hash than its line states.",
        "bad_name": "A venue, symbol or order id is longer than 64 characters or cannot be printed.",
        "out_of_order": "The event is older than the newest of its table and instrument by more than the lateness.",
        "out_of_range_time": "The event time lies outside 2000 to 2100, so its unit is wrong or it is missing.",
        "sequence_gap": "Updates are missing before this one, so the book is unknown until the next full snapshot.",
        "conflicting_duplicate": "Another row has the same identity and different content; both are kept aside.",
        "line_too_long": "The line is longer than allowed and was skipped unread.",
        "wrong_field_count": "The line has another number of fields than the header.",
        "foreign_row": "The row names another venue or symbol than its file is about.",
        "off_book": "A print that did not come from the order book, such as an insurance-fund fill.",
    }
)
"""Reason code -> what it says about the row."""


class RowError(Exception):
    """Ends the parsing of one record; `reason` is one of REASONS. Never leaves the ingest package."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def shorten(text: bytes) -> str:
    """Return the first characters of an offending text as valid UTF-8 without NUL."""
    return text[: 4 * RAW_CHARACTERS].decode("utf-8", "replace").replace("\0", "�").rstrip("\r")[:RAW_CHARACTERS]


def check_share(source: str, table: str, rows_in: int, reasons: Mapping[str, int], limits: Limits) -> None:
    """Raise TooManyQuarantined if a file's rows for a table hold more bad ones than `limits` allows.

    `reasons` counts the quarantined rows by reason.
    """
    bad = sum(reasons.values())
    allowed = max(limits.min_quarantined_rows, int(limits.max_quarantined_share * rows_in))
    if bad <= allowed:
        return
    worst = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    told = ", ".join(f"{count} {reason}" for reason, count in worst[:3])
    snapshot = "A book needs the REST snapshot that its collector wrote first: land that file too. "
    raise TooManyQuarantined(
        "a source has more bad rows than allowed",
        where=f"{source} for {table}",
        got=f"{bad} of {rows_in} rows ({told})",
        expected=f"at most {allowed}",
        hint=(snapshot if worst[0][0] == "sequence_gap" else "")
        + "Repair or remove the file, or raise max_quarantined_share.",
    )
