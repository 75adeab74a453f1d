import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.errors import CorruptFile, LimitExceeded
from grinder_resources.ingest.limits import MIB, Limits, pieces, verify
from grinder_resources.ingest.lines import blocks, head_lines, lines_of

_BOMB = """
import resource, sys, time
from pathlib import Path
from grinder_resources.errors import LimitExceeded
from grinder_resources.ingest.limits import Limits, verify
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.process_time()
try:
    verify(Path(sys.argv[1]), Limits())
except LimitExceeded:
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(time.process_time() - started, grown)
"""


def test_a_bomb_is_refused_within_a_second_and_64_mib(tmp_path: Path) -> None:
    """1 MiB that would become 1 GiB stops at the ratio, in a process whose memory is measured."""
    bomb = tmp_path / "quotes.csv.gz"
    bomb.write_bytes(gzip.compress(bytes(64 * MIB), mtime=0) * 16)
    assert bomb.stat().st_size < 2 * MIB
    root = Path(__file__).parents[2]
    child = subprocess.run(
        [sys.executable, "-c", _BOMB, str(bomb)],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    seconds, kilobytes = child.stdout.split()
    assert float(seconds) <= 1.0
    assert int(kilobytes) <= 64 * 1024


def test_a_file_larger_than_allowed_is_refused(tmp_path: Path) -> None:
    """The limit counts decompressed bytes, plain files included."""
    path = tmp_path / "a"
    path.write_bytes(bytes(1000))
    assert verify(path, Limits(max_file_bytes=1000)) == 1000
    with pytest.raises(LimitExceeded, match="larger than allowed"):
        verify(path, Limits(max_file_bytes=999))


@pytest.mark.parametrize("keep", [0.01, 0.3, 0.6, 0.99])
def test_a_truncated_gzip_names_the_file_and_the_bytes_read(tmp_path: Path, keep: float) -> None:
    """Every cut is found before anything is parsed."""
    packed = gzip.compress(os.urandom(100_000), mtime=0)
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(packed[: int(len(packed) * keep)])
    with pytest.raises(CorruptFile, match=rf"cut\.csv\.gz; got {int(len(packed) * keep)} bytes read"):
        verify(path, Limits())


def test_a_flipped_bit_in_a_gzip_is_found(tmp_path: Path) -> None:
    """The checksum of the stream is verified."""
    packed = bytearray(gzip.compress(b"a" * 1000, mtime=0))
    packed[-6] ^= 1
    path = tmp_path / "flip.gz"
    path.write_bytes(packed)
    with pytest.raises(CorruptFile, match="cannot be decoded"):
        verify(path, Limits())


def test_gzip_members_are_read_one_after_the_other(tmp_path: Path) -> None:
    """Concatenated members and zero padding are one file."""
    path = tmp_path / "two.gz"
    path.write_bytes(gzip.compress(b"a\n") + gzip.compress(b"b\n") + bytes(100))
    assert b"".join(pieces(path, Limits())) == b"a\nb\n"


@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=40), st.booleans())
def test_blocks_number_every_line_and_hold_none_that_is_too_long(
    tmp_path_factory: pytest.TempPathFactory, texts: list[bytes], ended: bool
) -> None:
    """Whatever the block size: the same lines with the same numbers, long ones by their beginning only."""
    path = tmp_path_factory.mktemp("lines") / "a"
    path.write_bytes(b"\n".join(texts) + (b"\n" if ended and texts else b""))
    limits = Limits(max_line_bytes=16)
    lines = [line for block in blocks(path, limits, 20) for line in lines_of(block)]
    # The limit counts the newline too, where there is one.
    lengths = [len(text) + (ended or i < len(texts) - 1) for i, text in enumerate(texts)]
    expected = [
        (i + 1, text, length > 16) for i, (text, length) in enumerate(zip(texts, lengths, strict=True)) if text.strip()
    ]
    assert [(line.number, line.data, line.too_long) for line in lines if line.data.strip()] == expected


def test_head_lines_come_from_the_beginning(tmp_path: Path) -> None:
    """Blank lines do not count."""
    path = tmp_path / "a"
    path.write_bytes(b"\n\none\r\ntwo\nthree")
    assert head_lines(path, Limits(), 2) == [b"one", b"two"]
