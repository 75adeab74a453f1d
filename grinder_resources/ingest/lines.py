"""Files cut into blocks of whole lines, with line numbers, without ever holding a line longer than allowed."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from grinder_resources.ingest.limits import MIB, Limits, pieces
from grinder_resources.ingest.quarantine import RAW_CHARACTERS

_BLOCK = 4 * MIB
_HEAD = 1 << 16


@dataclass(frozen=True)
class Block:
    """Consecutive whole lines, or one line that was too long.

    first_line
        1-based number of the first line in the decompressed file.
    data
        The lines with their newlines; only the last block of a file may end without one. Empty for a line that was
        too long.
    too_long
        The beginning of a line that was skipped, or None.
    """

    first_line: int
    data: bytes
    too_long: bytes | None = None


class Line(NamedTuple):
    """One line: its number, its bytes without the newline, and whether the file ended before the newline came."""

    number: int
    data: bytes
    cut: bool = False
    too_long: bool = False


def blocks(path: Path, limits: Limits, size: int = _BLOCK) -> Iterator[Block]:
    """Yield the lines of a file in blocks of about `size` bytes; raises as `limits.pieces` does."""
    cutter = _Cutter(limits.max_line_bytes, size)
    for piece in pieces(path, limits):
        yield from cutter.feed(piece)
    yield from cutter.finish()


def lines_of(block: Block) -> Iterator[Line]:
    """Yield the lines of a block that are not blank."""
    if block.too_long is not None:
        yield Line(block.first_line, block.too_long, too_long=True)
        return
    texts = block.data.split(b"\n")
    open_end = texts.pop()
    for number, text in enumerate(texts, start=block.first_line):
        if text.strip():
            yield Line(number, text)
    if open_end.strip():
        yield Line(block.first_line + len(texts), open_end, cut=True)


def head_lines(path: Path, limits: Limits, count: int) -> list[bytes]:
    """Return at most `count` lines that are neither blank nor too long, from the first block of a file."""
    for block in blocks(path, limits, _HEAD):
        return [line.data.rstrip(b"\r") for line in islice(lines_of(block), count) if not line.too_long]
    return []


class _Cutter:
    """Holds the line whose end has not come yet and the whole lines not yet handed out."""

    def __init__(self, longest: int, size: int) -> None:
        self._longest = longest
        self._size = size
        self._open = bytearray()
        self._open_length = 0
        self._whole = bytearray()
        self._line = 1

    def feed(self, piece: bytes) -> Iterator[Block]:
        """Take the next bytes. A piece is no longer than a line may be, so only the open line can exceed the limit."""
        cut = piece.find(b"\n") + 1
        self._extend(piece[:cut] if cut else piece)
        if not cut:
            return
        yield from self._close()
        last = piece.rfind(b"\n") + 1
        self._whole += piece[cut:last]
        self._extend(piece[last:])
        if len(self._whole) >= self._size:
            yield self._flush()

    def finish(self) -> Iterator[Block]:
        """Hand out what is left."""
        if self._open_length:
            yield from self._close()
        if self._whole:
            yield self._flush()

    def _extend(self, data: bytes) -> None:
        self._open_length += len(data)
        self._open += data
        if self._open_length > self._longest:
            del self._open[RAW_CHARACTERS:]

    def _close(self) -> Iterator[Block]:
        if self._open_length <= self._longest:
            self._whole += self._open
        else:
            if self._whole:
                yield self._flush()
            yield Block(self._line, b"", bytes(self._open).rstrip(b"\n"))
            self._line += 1
        self._open.clear()
        self._open_length = 0

    def _flush(self) -> Block:
        block = Block(self._line, bytes(self._whole))
        self._line += self._whole.count(b"\n")
        self._whole.clear()
        return block
