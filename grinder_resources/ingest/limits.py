"""Bounds on what a landing file may be, enforced while its bytes are read and before anything is parsed.

A file is read in pieces of at most 1 MiB, compressed or not, so neither a decompression bomb nor a line without end
is ever held in memory. Nothing here knows what the bytes mean.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from grinder_resources.errors import CorruptFile, LimitExceeded

MIB = 1 << 20
GIB = 1 << 30
_READ = 1 << 16
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31


@dataclass(frozen=True)
class Limits:
    """What a source may look like before it is refused.

    max_file_bytes
        Decompressed size of one file.
    max_ratio, ratio_grace_bytes
        Decompressed bytes per compressed byte, looked at once `ratio_grace_bytes` have come out.
    max_line_bytes
        Longer lines are quarantined unread.
    max_lateness_ms
        How far an event may lie behind the newest event of its table and instrument.
    max_quarantined_share, min_quarantined_rows
        A (file, table) with more than both is refused: the share of its rows, and the absolute number.
    """

    max_file_bytes: int = 4 * GIB
    max_ratio: int = 200
    ratio_grace_bytes: int = 64 * MIB
    max_line_bytes: int = MIB
    max_lateness_ms: int = 10_000
    max_quarantined_share: float = 0.001
    min_quarantined_rows: int = 10

    @property
    def shaping(self) -> list[int]:
        """The limits that decide which rows come out of a file; the others only refuse it."""
        return [self.max_line_bytes, self.max_lateness_ms]


def pieces(path: Path, limits: Limits) -> Iterator[bytes]:
    """Yield the decompressed bytes of a plain or gzip file, in pieces no longer than a line may be.

    Raises CorruptFile for a truncated or undecodable gzip stream, LimitExceeded for one that is too large or too
    compressed.
    """
    size = min(MIB, limits.max_line_bytes)
    given = 0
    with path.open("rb") as handle:
        zipped = handle.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)
        for piece in _gunzip(handle, path, size) if zipped else iter(lambda: handle.read(size), b""):
            given += len(piece)
            _guard(path, given, handle.tell() if zipped else given, limits)
            yield piece


def verify(path: Path, limits: Limits) -> int:
    """Read a whole file, keep nothing, and return its decompressed size; raises as `pieces` does."""
    return sum(len(piece) for piece in pieces(path, limits))


def _guard(path: Path, given: int, taken: int, limits: Limits) -> None:
    if given > limits.max_file_bytes:
        raise LimitExceeded(
            "a file is larger than allowed once decompressed",
            where=str(path),
            got=f"more than {limits.max_file_bytes} bytes",
            expected=f"at most {limits.max_file_bytes}",
            hint="Split it, or raise max_file_bytes.",
        )
    if given > limits.ratio_grace_bytes and given > limits.max_ratio * taken:
        raise LimitExceeded(
            "a file decompresses to far more than market data does",
            where=str(path),
            got=f"{given} bytes out of {taken}",
            expected=f"at most {limits.max_ratio} times",
            hint="It looks like a decompression bomb; get the file again from its source.",
        )


def _gunzip(handle: BinaryIO, path: Path, size: int) -> Iterator[bytes]:
    member = zlib.decompressobj(wbits=_GZIP_WINDOW)
    given = 0
    while packed := handle.read(_READ):
        while packed:
            try:
                piece = member.decompress(packed, size)
            except zlib.error as error:
                raise _corrupt(path, "a gzip file cannot be decoded", handle.tell(), given) from error
            if piece:
                given += len(piece)
                yield piece
            packed = member.unconsumed_tail
            if member.eof:
                # A gzip file may hold several members, and padding of zeros after the last.
                packed = member.unused_data.lstrip(b"\0")
                member = zlib.decompressobj(wbits=_GZIP_WINDOW) if packed else member
    if not member.eof:
        raise _corrupt(path, "a gzip file ends before its last byte", handle.tell(), given)


def _corrupt(path: Path, what: str, taken: int, given: int) -> CorruptFile:
    return CorruptFile(
        what,
        where=str(path),
        got=f"{taken} bytes read, {given} bytes decompressed",
        expected="a complete gzip stream",
        hint="Copy the file again from its source.",
    )
