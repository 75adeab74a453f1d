"""How proofs print: a table of left-aligned names and right-aligned numbers."""

from collections.abc import Sequence


def text_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return the table as lines, each ended; integers get thousands separators, columns the width they need."""
    texts = [list(header), *([_text(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(header))]
    numeric = [bool(rows) and not isinstance(rows[0][column], str) for column in range(len(header))]
    lines = (
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, numeric, strict=True)
        )
        for row in texts
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _text(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
