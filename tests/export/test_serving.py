"""`serving.json` is read as strictly as it is written, and says of the training rows what can be counted."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.contracts.serving import Golden, Reference, Serving
from grinder_resources.errors import ManifestRejected
from grinder_resources.export.serving import dump_serving, parse_serving
from grinder_resources.export.serving_make import golden_rows, reference_of

name = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)
number = st.floats(allow_nan=False, allow_infinity=False, width=32)
count = st.integers(0, 1 << 40)
int32 = st.integers(-(1 << 31), (1 << 31) - 1)


@st.composite
def references(draw: st.DrawFn) -> Reference:
    """Any reference."""
    cuts = sorted(draw(st.sets(number, max_size=9)))
    counts = draw(st.lists(count, min_size=len(cuts) + 1, max_size=len(cuts) + 1))
    return Reference(tuple(cuts), tuple(counts), draw(count))


@st.composite
def servings(draw: st.DrawFn) -> Serving:
    """Anything `serving.json` can hold, whatever the model."""
    rows = draw(st.integers(1, 3))

    def table(item: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        row = st.lists(item, min_size=2, max_size=2).map(tuple)
        return st.lists(row, min_size=rows, max_size=rows).map(tuple)

    return Serving(
        trained_until=draw(st.dates()).isoformat(),
        nullable=tuple(draw(st.lists(name, max_size=2))),
        golden=Golden(
            draw(table(st.none() | number)), draw(st.dictionaries(name, table(int32), min_size=1, max_size=2))
        ),
        reference=draw(st.dictionaries(name, references(), max_size=3)),
        covers=draw(st.dictionaries(name, st.lists(number, max_size=4).map(tuple), max_size=2)),
    )


@given(servings())
@settings(max_examples=40, deadline=None)
def test_parse_undoes_dump(serving: Serving) -> None:
    """It is read back as it was written, inputs in their order, and the bytes are canonical."""
    data = dump_serving(serving)
    again = parse_serving(data)
    assert again == serving
    assert list(again.reference) == list(serving.reference)
    assert dump_serving(again) == data


PLAIN = {
    "trained_until": "2025-01-08",
    "nullable": ["a"],
    "golden": {"inputs": [[1.5, None]], "outputs": {"h": [[7]]}},
    "reference": [{"input": "a", "cuts": [0.5], "counts": [1, 2], "missing": 0}],
    "covers": {"h": [4.0]},
}


def with_value(path: str, value: object) -> dict[str, Any]:
    """Return the plain document with one value changed; the path is of keys and places, with dots between."""
    document = json.loads(json.dumps(PLAIN))
    *above, last = (int(step) if step.isdigit() else step for step in path.split("."))
    found = document
    for step in above:
        found = found[step]
    found[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("more", 1, "a field is unknown (serving.json"),
        ("trained_until", "2025-02-30", "a day is YYYY-MM-DD (trained_until; got '2025-02-30'"),
        ("trained_until", "20250108", "a day is YYYY-MM-DD"),
        ("nullable.0", 1, "a text is needed here (nullable[0]"),
        ("golden.inputs.0.0", 1, "a number with a point is needed here (golden.inputs[0][0]"),
        ("golden.inputs.0.0", 0.1, "a number is a float32 (golden.inputs[0]; got 0.1"),
        ("golden.inputs.0.0", 1e39, "a number is a float32"),
        ("golden.inputs", [], "every golden row has its answers (golden"),
        ("golden.outputs", {}, "every golden row has its answers (golden"),
        ("golden.outputs.h", [[7], [8]], "every golden row has its answers"),
        ("golden.outputs.h.0.0", 1 << 31, "an answer is an int32 (golden.outputs['h'][0]"),
        ("golden.outputs.h.0.0", 7.0, "an integer is needed here"),
        ("reference.0.cuts", [0.5, 0.5], "cuts are at most 9, and ascend (reference[0]"),
        ("reference.0.cuts", [float(cut) for cut in range(10)], "cuts are at most 9, and ascend"),
        ("reference.0.counts", [1, 2, 3], "one count a bin"),
        ("reference.0.counts", [1, -2], "one count a bin"),
        ("reference.0.missing", -1, "one count a bin"),
        ("reference", [PLAIN["reference"][0]] * 2, "an input has one reference"),
        ("covers.h", [None], "a number with a point is needed here (covers['h'][0]"),
    ],
)
def test_hostile_documents_are_refused_by_name(path: str, value: object, rule: str) -> None:
    """The field is named; the plain document itself is read."""
    assert parse_serving(json.dumps(PLAIN).encode()).golden.inputs == ((1.5, None),)
    with pytest.raises(ManifestRejected) as refusal:
        parse_serving(json.dumps(with_value(path, value)).encode())
    assert rule in refusal.value.line()


@pytest.mark.parametrize(
    ("values", "reference"),
    [
        ([], Reference((), (0,), 0)),
        ([None, None], Reference((), (0,), 2)),
        ([3.0, 3.0, None], Reference((), (2,), 1)),
        ([0.0, -0.0, 1.0, 0.0], Reference((1.0,), (3, 1), 0)),
        ([float(n) for n in range(10)], Reference(tuple(map(float, range(1, 10))), (1,) * 10, 0)),
        ([float(n) for n in range(11)], Reference((1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0), (1,) * 9 + (2,), 0)),
        ([0.0] * 89 + [float(n) for n in range(1, 12)], Reference((2.0,), (90, 10), 0)),
        ([float(n // 2) for n in range(40)], Reference(tuple(map(float, range(2, 20, 2))), (4,) * 10, 0)),
    ],
)
def test_a_reference_counts_values_between_those_that_occurred(values: list[float], reference: Reference) -> None:
    """Few values are bins of their own, many fall into deciles; equal ones are never parted, and no bin is empty."""
    assert reference_of(np.array(values, dtype=np.float32)) == reference


def test_golden_rows_are_spread_over_the_training_rows() -> None:
    """Fifteen from first to last, and the first with everything missing that was missing somewhere."""
    rows = np.arange(200, dtype=np.float32).reshape(100, 2)
    rows[40, 1] = np.nan
    found = golden_rows(rows)
    assert (found[:15, 0] / 2).tolist() == [0, 7, 14, 21, 28, 35, 42, 49, 56, 63, 70, 77, 84, 91, 99]
    np.testing.assert_array_equal(found[15], [0, np.nan])
    assert golden_rows(rows[:3])[:, 0].tolist() == [0, 2, 4, 0]
    assert len(golden_rows(rows[:1])) == 2
