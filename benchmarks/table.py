"""How results are printed: one table of right-aligned numbers behind a left-aligned name."""

from collections.abc import Sequence


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Print rows of texts under a header; every column is as wide as its widest text."""
    widths = [max(len(row[number]) for row in (header, *rows)) for number in range(len(header))]
    if title:
        print(title)
    for row in (header, *rows):
        cells = [text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *cells]).rstrip())
    print()
