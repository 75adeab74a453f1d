"""What the two ends of a worker's socket say to each other: raw arrays, and nothing that could be executed.

The socket keeps messages apart (SOCK_SEQPACKET), so one message is one frame. A row is its float32 values; all other
frames go to the parent and begin with a byte that says what they are.
"""

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_FRAME_BYTES = 1 << 16
"""Largest frame: 16,384 features, or as many numbers in an answer. A longer one is cut, so its reader refuses it."""

READY = b"R"
ANSWER = b"A"
ERROR = b"E"

DTYPES: Mapping[bytes, np.dtype[Any]] = MappingProxyType(
    {b"f4": np.dtype("<f4"), b"i4": np.dtype("<i4"), b"i8": np.dtype("<i8")}
)
"""Types an output may have, by their name in a frame."""

_MAX_AXES = 4
_HEADER = struct.Struct("<2sB4I")
"""Type, number of axes, length of each axis; unused ones are 0."""


def pack_answer(arrays: Sequence[NDArray[Any]]) -> bytes:
    """Return the frame of a model's outputs. Raises ValueError for a type or a number of axes no frame can hold."""
    return ANSWER + b"".join(_packed(array) for array in arrays)


def pack_error(error: BaseException) -> bytes:
    """Return the frame that says on one line what a model raised."""
    line = " ".join(f"{type(error).__name__}: {error}".split())
    return ERROR + line.encode(errors="replace")[:500]


def unpack(frame: bytes) -> list[NDArray[Any]] | str:
    """Return the outputs a frame holds, read-only, or the line of its error. Raises ValueError for any other frame."""
    if frame[:1] == ERROR:
        return frame[1:].decode(errors="replace")
    if frame[:1] != ANSWER:
        raise ValueError(f"a frame is an answer or an error, got {frame[:1]!r}")
    return list(_arrays(frame))


def _packed(array: NDArray[Any]) -> bytes:
    name = array.dtype.str[1:].encode()
    if name not in DTYPES or array.ndim > _MAX_AXES:
        raise ValueError(f"an output of type {array.dtype} and shape {array.shape} fits no frame")
    shape = (*array.shape, *[0] * (_MAX_AXES - array.ndim))
    return _HEADER.pack(name, array.ndim, *shape) + array.astype(DTYPES[name], copy=False).tobytes()


def _arrays(frame: bytes) -> Iterator[NDArray[Any]]:
    place = len(ANSWER)
    while place < len(frame):
        if place + _HEADER.size > len(frame):
            raise ValueError("a frame ends within a header")
        name, axes, *lengths = _HEADER.unpack_from(frame, place)
        if name not in DTYPES or axes > _MAX_AXES:
            raise ValueError(f"a frame holds an array of type {name!r} with {axes} axes")
        shape, start = lengths[:axes], place + _HEADER.size
        count = math.prod(shape)
        place = start + count * DTYPES[name].itemsize
        if place > len(frame):
            raise ValueError("a frame ends within an array")
        yield np.frombuffer(frame, DTYPES[name], count, start).reshape(shape)
