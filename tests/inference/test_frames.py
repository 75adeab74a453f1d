"""Frames between a worker and its parent."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from grinder_resources.inference.frames import pack_answer, pack_error, unpack

OUTPUT = arrays.arrays(
    st.sampled_from(["float32", "int32", "int64"]), arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
)


@settings(max_examples=30)
@given(st.lists(OUTPUT, max_size=4))
def test_outputs_come_back_bit_for_bit(outputs: list[np.ndarray]) -> None:
    """Types, shapes and bytes survive, NaN patterns included."""
    got = unpack(pack_answer(outputs))
    assert [(one.dtype, one.shape, one.tobytes()) for one in got] == [
        (one.dtype, one.shape, one.tobytes()) for one in outputs
    ]


@settings(max_examples=30)
@given(st.lists(OUTPUT, min_size=1, max_size=3), st.data())
def test_a_cut_frame_is_refused_or_shorter(outputs: list[np.ndarray], data: st.DataObject) -> None:
    """Nothing is read beyond the end: a cut within an array is refused, one between arrays leaves whole ones."""
    frame = pack_answer(outputs)
    cut = data.draw(st.integers(1, len(frame) - 1))
    try:
        got = unpack(frame[:cut])
    except ValueError:
        return
    assert all(one.tobytes() == other.tobytes() for one, other in zip(got, outputs, strict=False))


@given(st.binary(max_size=80))
def test_any_bytes_are_arrays_a_line_or_a_value_error(noise: bytes) -> None:
    """A process that answers with nonsense raises no other error in its parent."""
    for frame in (noise, b"A" + noise):
        try:
            unpack(frame)
        except ValueError:
            continue


def test_an_error_is_one_line() -> None:
    """The parent reads class and text of what was raised, without line breaks, and not more than 500 bytes."""
    assert unpack(pack_error(KeyError("a\n b"))) == "KeyError: 'a\\n b'"
    assert unpack(pack_error(ValueError("a\n  b"))) == "ValueError: a b"
    assert len(unpack(pack_error(ValueError("x" * 5_000)))) == 500


@pytest.mark.parametrize("output", [np.zeros(1), np.array(["a"]), np.array([None]), np.zeros((1,) * 5, np.int32)])
def test_other_types_and_shapes_fit_no_frame(output: np.ndarray) -> None:
    """float64, text, objects and five axes are refused where they would be sent."""
    with pytest.raises(ValueError, match="fits no frame"):
        pack_answer([output])
