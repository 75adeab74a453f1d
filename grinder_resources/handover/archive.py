"""The tar file of a bundle, the same bytes for the same members: plain files only, no time, no owner.

Any tar program can read one. Ours reads no other: it knows from the manifest which header has to come, and compares
all 512 bytes of it, so that a link, a device, an unlisted file or a changed byte is simply not what stands there.
Nothing is compressed, so a small file cannot become a large one; rows are compressed inside their Parquet.
"""

import hashlib
import io
import tarfile
from collections.abc import Iterable
from typing import IO, NoReturn

from grinder_resources.errors import BundleRejected, LimitExceeded

BLOCK = tarfile.BLOCKSIZE
END = bytes(2 * BLOCK)
MAX_MEMBER_BYTES = 8**11 - 1
"""What fits into the header of a plain tar file: 8 GiB."""

_CHUNK = 1 << 20
_TYPES = {
    tarfile.REGTYPE: "a file",
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.DIRTYPE: "a folder",
}


def header(path: str, size: int) -> bytes:
    """Return the one header of a member. Raises LimitExceeded above 8 GiB."""
    if size > MAX_MEMBER_BYTES:
        raise LimitExceeded("a member of a bundle is too large", where=path, got=f"{size} bytes", expected="8 GiB")
    info = tarfile.TarInfo(path)
    info.size = size
    return info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


def padded(size: int) -> int:
    """Return how many bytes content of this size takes in the file."""
    return size + -size % BLOCK


def archive_size(sizes: Iterable[int]) -> int:
    """Return the bytes of a file with members of these sizes."""
    return sum(BLOCK + padded(size) for size in sizes) + len(END)


def write_member(out: IO[bytes], path: str, size: int, content: IO[bytes]) -> None:
    """Write a member of `size` bytes. Raises BundleRejected if the content has another size, OSError from the disk."""
    out.write(header(path, size))
    written = 0
    while chunk := content.read(_CHUNK):
        written += len(chunk)
        out.write(chunk)
    if written != size:
        _reject("a file changed while it was packed", path, f"{written} bytes", f"{size}")
    out.write(bytes(padded(size) - size))


def write_end(out: IO[bytes]) -> None:
    """Write what a tar file ends with."""
    out.write(END)


def read_first(source: IO[bytes], path: str, limit: int) -> bytes:
    """Return the content of the first member, which is called `path` and has at most `limit` bytes.

    Raises BundleRejected for a file that does not begin so, LimitExceeded for a longer member.
    """
    block = _take(source, BLOCK, path)
    try:
        info = tarfile.TarInfo.frombuf(block, "ascii", "backslashreplace")
    except tarfile.HeaderError as error:
        raise BundleRejected("this is no bundle", got=str(error), expected=f"a tar file of {path}") from error
    if info.size > limit:
        raise LimitExceeded("the first member is too large", where=path, got=f"{info.size} bytes", expected=f"{limit}")
    _require_header(block, path, max(info.size, 0))
    content = io.BytesIO()
    _copy(source, path, info.size, content)
    return content.getvalue()


def read_member(source: IO[bytes], path: str, size: int, sha256: str, sink: IO[bytes]) -> None:
    """Copy the next member to `sink`. Raises BundleRejected unless it has this name, size and sha256."""
    _require_header(_take(source, BLOCK, path), path, size)
    digest = _copy(source, path, size, sink)
    if digest != sha256:
        _reject("a member's bytes differ from the manifest", path, f"sha256 {digest[:16]}", sha256[:16])


def read_end(source: IO[bytes]) -> None:
    """Raise BundleRejected unless nothing follows but the end of the file."""
    rest = source.read(len(END) + 1)
    if rest != END:
        _reject("something follows the last member of the manifest", "", _described(rest[:BLOCK]))


def _copy(source: IO[bytes], path: str, size: int, sink: IO[bytes]) -> str:
    digest = hashlib.sha256()
    for start in range(0, size, _CHUNK):
        chunk = _take(source, min(_CHUNK, size - start), path)
        digest.update(chunk)
        sink.write(chunk)
    if any(_take(source, padded(size) - size, path)):
        _reject("bytes stand where there is only room", path, "content after a member's end")
    return digest.hexdigest()


def _take(source: IO[bytes], size: int, path: str) -> bytes:
    data = source.read(size)
    if len(data) != size:
        _reject("the file ends too early", path, f"{len(data)} bytes", f"{size}")
    return data


def _require_header(block: bytes, path: str, size: int) -> None:
    expected = header(path, size)
    if block != expected:
        _reject("another member than the manifest names", path, _described(block), f"a plain file of {size} bytes")


def _described(block: bytes) -> str:
    """Return what a header says of itself, for a message."""
    try:
        info = tarfile.TarInfo.frombuf(block, "ascii", "backslashreplace")
    except tarfile.HeaderError as error:
        return f"no header: {error}"
    return f"{_TYPES.get(info.type, 'an extension of tar')} {info.name[:80]!r}, {info.size} bytes"


def _reject(rule: str, path: str, got: str, expected: str = "") -> NoReturn:
    raise BundleRejected(rule, where=path, got=got, expected=expected, hint="Ask for the file again")
