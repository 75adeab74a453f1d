"""One graph from inputs to integers: its contract, and every part of it against numpy integers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import load_model_from_string  # noqa: TID253 - what is tested

from grinder_resources.contracts import exact
from grinder_resources.contracts.artifacts import HeadFacts, TableFacts
from grinder_resources.contracts.calibration import (
    AtLeast,
    AtMost,
    Calibration,
    Either,
    Rule,
    Spacing,
    StepTable,
)
from grinder_resources.errors import ManifestRejected, NotExportable
from grinder_resources.export.answers import expected_answers
from grinder_resources.export.graph import export_model
from grinder_resources.export.nodes import Nodes, half_even
from grinder_resources.export.nodes_calibration import (
    BINARY_BPS,
    add_certain,
    add_rounded,
    add_tables,
    split_columns,
)
from grinder_resources.export.nodes_coherence import add_rules, add_spacing, stages
from grinder_resources.export.nodes_trees import step_tree
from grinder_resources.export.verify import start_session
from grinder_resources.learning.calibration import class_gaps_q16, lookup, margins_q16
from grinder_resources.learning.coherence import apply_rules, spacing_x1000, sum_to_certain
from tests.export.run_nodes import run_nodes
from tests.export.small_models import CALIBRATION, FEATURES, NEVER, STEPS, Heads, Rows, only

LARGEST = (1 << 24) - 1
margin_q16 = st.integers(-LARGEST, LARGEST)
cut = st.integers(-LARGEST, LARGEST) | st.integers(-3, 3)


@st.composite
def step_tables(draw: st.DrawFn) -> StepTable:
    """Any step table: up to nine cuts, neighbours one unit apart among them."""
    cuts = sorted(draw(st.sets(cut, max_size=9)))
    values = sorted(draw(st.lists(st.integers(0, 10_000), min_size=len(cuts) + 1, max_size=len(cuts) + 1)))
    return StepTable(tuple(cuts), tuple(values), "isotonic", 1_000)


def floats(units: object) -> Rows:
    """Margins in units of 2^-16 as the graph has them."""
    return (np.array(units, dtype=np.float64) / 65_536).astype(np.float32)


def test_graph_contract(heads: Heads, rows: Rows) -> None:
    """Names, types and shapes of the graph are the documented ones, in the documented order."""
    session = start_session(export_model(heads, FEATURES, CALIBRATION).onnx)
    assert [(put.name, put.type, put.shape) for put in session.get_inputs()] == [("input", "tensor(float)", ["N", 6])]
    names = ("tradeable_2", "strength", "regime", "t2_60s", "t2_break_60s", "t2_bounce_60s")
    widths = (1, 1, 3, 1, 1, 1)
    assert [(put.name, put.type, put.shape) for put in session.get_outputs()] == [
        *((name, "tensor(int32)", ["N", width]) for name, width in zip(names, widths, strict=True)),
        *((f"{name}_margin", "tensor(float)", ["N", width]) for name, width in zip(names, widths, strict=True)),
        ("spacing_multiplier_x1000", "tensor(int32)", ["N", 1]),
    ]


def test_answers_are_those_numpy_computes(heads: Heads, rows: Rows) -> None:
    """Every integer output equals the reference, and the rules, sums and limits hold and bite."""
    model = export_model(heads, FEATURES, CALIBRATION)
    session = start_session(model.onnx)
    names = [put.name for put in session.get_outputs()]
    got = dict(zip(names, session.run(names, {"input": rows}), strict=True))
    expected = expected_answers(model.heads, CALIBRATION, {head.name: got[head.margin_name] for head in model.heads})
    assert sorted(expected) == sorted(name for name in names if not name.endswith("_margin"))
    for name, answer in expected.items():
        assert (answer.dtype, got[name].dtype) == (np.int32, np.int32)
        np.testing.assert_array_equal(got[name], answer)
    assert np.all(got["regime"].sum(axis=1) == 10_000)
    assert np.all(got["t2_break_60s"] <= got["t2_60s"])
    assert np.any(got["t2_60s"][:, 0] != lookup(STEPS, margins_q16(got["t2_60s_margin"][:, 0])))
    assert set(np.unique(got["strength"] % 2)) == {0, 1}


def test_the_same_boosters_give_the_same_bytes(heads: Heads) -> None:
    """Nothing random or dated enters the file, and no two tensors share a name."""
    first, second = (export_model(heads, FEATURES, CALIBRATION).onnx for _ in range(2))
    assert first == second
    nodes = load_model_from_string(first).graph.node
    outputs = [name for node in nodes for name in node.output]
    assert len(set(outputs)) == len(outputs)
    assert len({node.name for node in nodes}) == len(nodes)


@given(st.lists(st.tuples(st.integers(-(1 << 46), 1 << 46), st.integers(1, 1 << 17)), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_half_even_in_nodes_is_half_even(pairs: list[tuple[int, int]]) -> None:
    """Negative numerators and exact halves included, for int64."""
    numerator, denominator = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    nodes = Nodes()
    half_even(nodes, "numerator", "denominator", "rounded", np.int64)
    (got,) = run_nodes(nodes, {"numerator": numerator, "denominator": denominator}, {"rounded": np.int64})
    assert got.tolist() == [exact.half_even(int(n), int(d)) for n, d in zip(numerator, denominator, strict=True)]


def test_halves_go_to_the_even_neighbour() -> None:
    """-2.5, -1.5, -0.5, 0.5, 1.5, 2.5 become -2, -2, 0, 0, 2, 2, in int32 as well."""
    nodes = Nodes()
    half_even(nodes, "numerator", nodes.constant(2, np.int32), "rounded", np.int32)
    numerator = np.array([-5, -3, -1, 1, 3, 5], dtype=np.int32)
    (got,) = run_nodes(nodes, {"numerator": numerator}, {"rounded": np.int32})
    assert got.tolist() == [-2, -2, 0, 0, 2, 2]


@given(st.lists(step_tables(), min_size=1, max_size=4), st.lists(margin_q16, max_size=10))
@settings(max_examples=60, deadline=None)
def test_step_tables_are_right_continuous(tables: list[StepTable], others: list[int]) -> None:
    """At every cut, one unit below and above, and anywhere else, the nodes find the table's own value."""
    edges = {near for table in tables for at in table.cuts_q16 for near in (at - 1, at, at + 1)}
    units = np.array(sorted({0, *others, *(edge for edge in edges if abs(edge) <= LARGEST)}))
    heads = [binary(f"h{number}") for number in range(len(tables))]
    nodes = Nodes()
    add_tables(nodes, heads, {head.name: (table,) for head, table in zip(heads, tables, strict=True)})
    (got,) = run_nodes(nodes, {head.margin_name: floats(units)[:, None] for head in heads}, {BINARY_BPS: np.int32})
    np.testing.assert_array_equal(got, np.stack([lookup(table, units) for table in tables], axis=1))


def test_a_step_tree_is_balanced() -> None:
    """400 cuts are told apart in nine comparisons; the order of its values is the table's."""
    tree = step_tree(StepTable(tuple(range(400)), tuple(range(401)), "isotonic", 1_000), 0)
    depth = {0: 0}
    for node in range(len(tree.value)):
        if tree.below[node] > 0:
            depth[int(tree.below[node])] = depth[int(tree.above[node])] = depth[node] + 1
    assert max(depth.values()) == 9
    assert tree.value[tree.is_leaf].tolist() == list(range(401))


def test_a_cut_that_float32_cannot_compare_is_refused(heads: Heads) -> None:
    """At 2^8 the grid of 2^-16 ends."""
    calibration = Calibration({"tradeable_2": (StepTable((1 << 24,), (1, 2), "isotonic", 1_000),)})
    with pytest.raises(NotExportable, match=r"a cut of a step table is too large .*got 16777216"):
        export_model(heads[:1], FEATURES, calibration)


margins_of_classes = st.integers(2, 5).flatmap(
    lambda classes: st.lists(
        st.lists(margin_q16 | st.integers(-4, 4), min_size=classes, max_size=classes), min_size=1, max_size=8
    )
)


@given(margins_of_classes, step_tables())
@settings(max_examples=60, deadline=None)
def test_gaps_between_classes_are_looked_up_exactly(units: list[list[int]], table: StepTable) -> None:
    """Also where a gap needs 25 bits and float32 rounds it: it stays on its side of every cut."""
    rows = np.array(units)
    head = HeadFacts("k", "multiclass", tuple("ABCDE"[: rows.shape[1]]), 0, calibration=(FACTS,) * rows.shape[1])
    nodes = Nodes()
    add_tables(nodes, [head], {"k": (table,) * rows.shape[1]})
    (got,) = run_nodes(nodes, {"k_margin": floats(rows)}, {"k/bps": np.int32})
    np.testing.assert_array_equal(got, lookup(table, class_gaps_q16(rows)))


@given(
    st.integers(2, 6).flatmap(
        lambda classes: st.lists(
            st.lists(st.integers(0, 10_000) | st.integers(0, 3), min_size=classes, max_size=classes),
            min_size=1,
            max_size=12,
        )
    )
)
@settings(max_examples=80, deadline=None)
def test_probabilities_sum_to_certain(weights: list[list[int]]) -> None:
    """Whatever the weights, all zeros and ties among them, shares are those of the reference."""
    bps = np.array(weights, dtype=np.int32)
    head = HeadFacts("k", "multiclass", tuple("ABCDEF"[: bps.shape[1]]), 0, calibration=(FACTS,) * bps.shape[1])
    nodes = Nodes()
    add_certain(nodes, head)
    (got,) = run_nodes(nodes, {"k/bps": bps}, {"k": np.int32})
    np.testing.assert_array_equal(got, sum_to_certain(bps.astype(np.int64)))
    assert np.all(got.sum(axis=1) == 10_000)


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ([0, 0, 0], [3334, 3333, 3333]),
        ([1, 1, 1], [3334, 3333, 3333]),
        ([1, 1, 6], [1250, 1250, 7500]),
        ([0, 7], [0, 10_000]),
    ],
)
def test_what_is_left_over_goes_to_the_first_of_the_largest(weights: list[int], shares: list[int]) -> None:
    """Literal shares of a few weights."""
    nodes = Nodes()
    classes = tuple("ABC"[: len(weights)])
    add_certain(nodes, HeadFacts("k", "multiclass", classes, 0, calibration=(FACTS,) * len(weights)))
    (got,) = run_nodes(nodes, {"k/bps": np.array([weights], dtype=np.int32)}, {"k": np.int32})
    assert got.tolist() == [shares]


@given(st.lists(margin_q16, min_size=1, max_size=20), st.sampled_from([1, 2, 1_000, 1 << 15, 1 << 22]))
@settings(max_examples=60, deadline=None)
def test_a_regression_is_rounded_half_even(units: list[int], unit: int) -> None:
    """Margin x unit / 2^16 as Python's integers have it, negative margins and exact halves included."""
    nodes = Nodes()
    add_rounded(nodes, HeadFacts("r", "regression", (), 0, unit))
    (got,) = run_nodes(nodes, {"r_margin": floats(units)[:, None]}, {"r": np.int32})
    assert got[:, 0].tolist() == [exact.half_even(margin * unit, 65_536) for margin in units]


HEADS = ("a", "b", "c", "d", "e")


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Any rule between five heads."""
    head, *others = draw(st.permutations(HEADS))
    if draw(st.booleans()):
        return Either(head, (others[0], others[1]))
    return draw(st.sampled_from([AtMost, AtLeast]))(head, tuple(others[: draw(st.integers(1, 4))]))


@given(st.lists(rules(), max_size=8), st.lists(st.lists(st.integers(0, 10_000), min_size=5, max_size=5), min_size=1))
@settings(max_examples=80, deadline=None)
def test_rules_in_stages_are_rules_one_by_one(chosen: list[Rule], values: list[list[int]]) -> None:
    """Grouping rules into stages changes no answer, whatever the rules look at."""
    bps = np.array(values, dtype=np.int32)
    nodes = Nodes()
    split_columns(nodes, add_rules(nodes, chosen, HEADS, "bps"), dict.fromkeys(HEADS, 1))
    got = run_nodes(nodes, {"bps": bps}, dict.fromkeys(HEADS, np.int32))
    expected = apply_rules(chosen, dict(zip(HEADS, bps.T, strict=True)))
    for name, answer in zip(HEADS, got, strict=True):
        np.testing.assert_array_equal(answer[:, 0], expected[name])


def test_neighbouring_rules_of_a_kind_are_one_stage() -> None:
    """A bound that is bounded itself passes its bounds on; an either-or that needs a moved head waits for it."""
    chosen = (AtMost("a", ("b",)), AtMost("c", ("a", "d")), Either("a", ("b", "c")), Either("d", ("b", "c")))
    assert [(kind.__name__, dict(looked_at)) for kind, looked_at in stages((*chosen, Either("e", ("a", "d"))))] == [
        ("AtMost", {"a": ("a", "b"), "c": ("c", "a", "b", "d")}),
        ("Either", {"a": ("b", "c"), "d": ("b", "c")}),
        ("Either", {"e": ("a", "d")}),
    ]


@given(st.lists(st.integers(0, 100_000), min_size=2, max_size=4), st.data())
@settings(max_examples=50, deadline=None)
def test_spacing_is_the_clamped_expected_multiplier(multipliers: list[int], data: st.DataObject) -> None:
    """Half-even and within 500..2000, for any multipliers the manifest allows."""
    weights = data.draw(
        st.lists(st.lists(st.integers(0, 99), min_size=len(multipliers), max_size=len(multipliers)), min_size=1)
    )
    bps, spacing = sum_to_certain(np.array(weights, dtype=np.int64)), Spacing("k", tuple(multipliers))
    nodes = Nodes()
    add_spacing(nodes, spacing)
    (got,) = run_nodes(nodes, {"k": bps}, {"spacing_multiplier_x1000": np.int32})
    np.testing.assert_array_equal(got[:, 0], spacing_x1000(bps, spacing))


@pytest.mark.parametrize(
    ("calibration", "rule"),
    [
        (Calibration({}), r"one calibration a probability .*tradeable_2"),
        (Calibration({"tradeable_2": (NEVER, NEVER)}), "one calibration a probability"),
        (Calibration(only("tradeable_2").tables, (AtMost("tradeable_2", ("t1_60s",)),)), "between binary heads"),
        (Calibration(only("tradeable_2").tables, (AtMost("tradeable_2", ()),)), "heads other than its own"),
        (Calibration(only("tradeable_2").tables, (), Spacing("tradeable_2", (1, 2))), "comes from a multiclass head"),
    ],
)
def test_a_calibration_that_does_not_fit_the_heads_is_refused(
    heads: Heads, calibration: Calibration, rule: str
) -> None:
    """Missing tables, too many, rules between heads that do not exist, spacing from a binary head."""
    with pytest.raises(ManifestRejected, match=rule):
        export_model(heads[:1], FEATURES, calibration)


def test_a_model_of_regressions_has_no_tables(heads: Heads, rows: Rows) -> None:
    """Strength alone is margin x 1000, half-even."""
    session = start_session(export_model(heads[1:2], FEATURES, Calibration()).onnx)
    margin, answer = session.run(["strength_margin", "strength"], {"input": rows})
    np.testing.assert_array_equal(answer, np.rint(margin.astype(np.float64) * 1_000))


FACTS = TableFacts("isotonic", 1_000)


def binary(name: str) -> HeadFacts:
    """Return a binary head."""
    return HeadFacts(name, "binary", ("no", "yes"), 0, calibration=(FACTS,))
