"""The graph answers as the boosters do."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xgboost  # noqa: TID253 - the reference

from grinder_resources.contracts.artifacts import ExportableHead
from grinder_resources.errors import ExportMismatch, NotExportable
from grinder_resources.export.graph import export_model
from grinder_resources.export.parity import assert_parity, probe_matrix
from grinder_resources.export.trees import margin_bound_q16, read_ensemble
from grinder_resources.export.verify import start_session
from tests.export.small_models import FEATURES, Heads, Rows, Task, exportable, fit


def xgboost_margins(head: ExportableHead, rows: Rows) -> Rows:
    booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(head.booster_json))
    data = xgboost.DMatrix(rows, feature_names=booster.feature_names, nthread=1)
    return np.asarray(booster.predict(data, output_margin=True)).reshape(len(rows), -1)


def onnx_margins(head: ExportableHead, rows: Rows) -> Rows:
    answer = start_session(export_model([head], FEATURES).onnx).run([f"{head.name}_margin"], {"input": rows})
    return np.asarray(answer[0])


def every_threshold(head: ExportableHead) -> Rows:
    """Rows at each threshold and both its float32 neighbours, the other features missing in half of them."""
    trees = read_ensemble(head).trees
    cuts = np.unique(np.concatenate([np.column_stack([t.feature, t.threshold])[~t.is_leaf] for t in trees]), axis=0)
    rng = np.random.default_rng(3)
    filler = np.vstack([np.full(len(FEATURES), np.nan), rng.normal(size=len(FEATURES))]).astype(np.float32)
    rows = np.repeat(np.tile(filler, (len(cuts), 1)), 3, axis=0)
    threshold = np.repeat(cuts[:, 1].astype(np.float32), 2)
    values = np.column_stack(
        [np.nextafter(threshold, np.float32(-np.inf)), threshold, np.nextafter(threshold, np.float32(np.inf))]
    )
    rows[np.arange(len(rows)), np.repeat(cuts[:, 0].astype(int), 6)] = values.reshape(-1)
    return rows


def test_exact_heads_agree_in_every_margin(heads: Heads, rows: Rows) -> None:
    """On the training rows and 10,000 probes no margin differs and probabilities are within 1e-6."""
    report = assert_parity(export_model(heads, FEATURES), heads, rows)
    assert [(r.head, r.rows, r.exact, r.differing_margins, r.max_margin_diff) for r in report] == [
        ("tradeable_2", 11_500, True, 0, 0.0),
        ("strength", 11_500, True, 0, 0.0),
        ("regime", 11_500, True, 0, 0.0),
    ]
    assert max(r.max_output_diff for r in report) < 1e-6


def test_every_threshold_and_its_neighbours_part_alike(heads: Heads) -> None:
    """`<` is `<`: at t, just below and just above, the other features missing or present, margins are equal."""
    for head in heads:
        rows = every_threshold(head)
        assert len(rows) > 300
        np.testing.assert_array_equal(onnx_margins(head, rows), xgboost_margins(head, rows))


def test_all_missing_and_extreme_values_take_the_same_way(heads: Heads) -> None:
    """NaN rows, zeros of both signs, subnormals and the largest floats give equal margins."""
    values = [np.nan, 0.0, -0.0, 1e-45, -1e-45, 3.4e38, -3.4e38]
    rows = np.repeat(np.array(values, dtype=np.float32)[:, None], len(FEATURES), axis=1)
    for head in heads:
        np.testing.assert_array_equal(onnx_margins(head, rows), xgboost_margins(head, rows))


def test_batches_and_single_rows_give_the_same_bits(heads: Heads, rows: Rows) -> None:
    """An exact head does not care how many rows are asked at once."""
    session = start_session(export_model(heads, FEATURES).onnx)
    batch = session.run(["regime_margin"], {"input": rows[:64]})[0]
    single = [session.run(["regime_margin"], {"input": rows[i : i + 1]})[0][0] for i in range(64)]
    np.testing.assert_array_equal(batch, np.vstack(single))


def test_heads_off_the_grid_stay_within_tolerance(raw_heads: Heads, rows: Rows) -> None:
    """Boosters as XGBoost leaves them are exported too, within 1e-6, and are not called exact."""
    report = assert_parity(export_model(raw_heads, FEATURES), raw_heads, rows)
    assert [r.exact for r in report] == [False, False, False]
    assert max(r.max_output_diff for r in report) <= 1e-6


def with_first_tree(head: ExportableHead, value: float, last: float) -> ExportableHead:
    """Return the head with all leaves of its first tree set to `value`, the last one to `last`."""
    document = json.loads(head.booster_json)
    tree = document["learner"]["gradient_booster"]["model"]["trees"][0]
    leaves = [node for node, child in enumerate(tree["left_children"]) if child < 0]
    for node in leaves:
        tree["split_conditions"][node] = last if node == leaves[-1] else value
    return replace(head, booster_json=json.dumps(document).encode())


def test_an_exact_head_may_not_differ_even_where_no_output_shows_it(heads: Heads, rows: Rows) -> None:
    """At margins near 20 a leaf that is 2^-16 too high changes no probability by 1e-6, and is refused all the same."""
    good, wrong = (with_first_tree(heads[0], 20.0, last) for last in (20.0, 20.0 + 2.0**-16))
    with pytest.raises(ExportMismatch, match=r"got outputs up to \S+e-\d+ apart, \d+ margins differ"):
        assert_parity(export_model([good], FEATURES), [wrong], rows)


def with_first_leaf(head: ExportableHead, value: float) -> ExportableHead:
    """Return the head with the first leaf of its first tree set to `value`."""
    document = json.loads(head.booster_json)
    tree = document["learner"]["gradient_booster"]["model"]["trees"][0]
    tree["split_conditions"][tree["left_children"].index(-1)] = value
    return replace(head, booster_json=json.dumps(document).encode())


@pytest.mark.parametrize(("leaf", "exact"), [(0.0, True), (-200.0, True), (2.0**-17, False), (256.0, False)])
def test_grid_and_sum_bound_decide_exactness(heads: Heads, leaf: float, exact: bool) -> None:
    """One leaf off the 2^-16 grid, or one that lifts the sum of largest leaves to 2^8, and a head is not exact."""
    assert export_model([with_first_leaf(heads[1], leaf)], FEATURES).heads[0].exact is exact


def test_margin_bound_is_the_sum_of_the_largest_leaves(heads: Heads) -> None:
    """In units of 2^-16: a leaf of -200 adds 13,107,200 in place of its tree's own largest leaf."""
    ensemble = read_ensemble(with_first_leaf(heads[1], -200.0))
    others = sum(float(np.abs(tree.value).max()) for tree in ensemble.trees[1:])
    assert margin_bound_q16(ensemble) == 200 * 65536 + round(others * 65536)


def test_a_graph_of_other_trees_is_refused(heads: Heads, raw_heads: Heads, rows: Rows) -> None:
    """Parity is not a formality: the graph of the unsnapped boosters does not pass for the snapped ones."""
    with pytest.raises(ExportMismatch, match=r"EXPORT_MISMATCH: .*head tradeable_2, 10050 rows"):
        assert_parity(export_model(raw_heads, FEATURES), heads, rows[:50])


def test_only_so_many_rows_are_compared(heads: Heads, rows: Rows) -> None:
    """A table of any size costs a bounded time: 100,000 of its rows, evenly spaced, are enough."""
    report = assert_parity(export_model(heads[:1], FEATURES), heads[:1], np.tile(rows, (100, 1)), probe_rows=100)
    assert report[0].rows == 75_100


def test_base_score_is_the_margin_xgboost_uses(tasks: tuple[Task, ...], rows: Rows) -> None:
    """A base probability of 0.3 becomes logit(0.3) = -0.8472978 in float32."""
    task = replace(tasks[0], settings={**tasks[0].settings, "base_score": 0.3})
    head = exportable(task, bytes(fit(task, rows, rounds=1).save_raw("json")))
    assert read_ensemble(head).base.tolist() == [np.float32(-0.84729785)]
    np.testing.assert_array_equal(onnx_margins(head, rows), xgboost_margins(head, rows))


def test_early_stopping_counts_up_to_the_best_round(tasks: tuple[Task, ...], rows: Rows) -> None:
    """A booster that carries best_iteration is exported as its first best_iteration + 1 rounds."""
    booster = fit(tasks[2], rows, rounds=12)
    booster.set_attr(best_iteration="6")
    head = exportable(tasks[2], bytes(booster.save_raw("json")))
    sliced = exportable(tasks[2], bytes(booster[:7].save_raw("json")))
    assert read_ensemble(head).rounds == 7
    np.testing.assert_array_equal(onnx_margins(head, rows), onnx_margins(sliced, rows))
    assert assert_parity(export_model([head], FEATURES), [head], rows, probe_rows=100)[0].max_margin_diff < 1e-6


def test_a_head_without_trees_answers_with_its_base(tasks: tuple[Task, ...], rows: Rows) -> None:
    """Zero rounds and single-leaf trees are legal boosters."""
    for rounds, settings in ((0, {}), (3, {"min_child_weight": 1e9})):
        task = replace(tasks[0], settings={**tasks[0].settings, **settings, "base_score": 0.5})
        head = exportable(task, bytes(fit(task, rows, rounds=rounds).save_raw("json")))
        assert assert_parity(export_model([head], FEATURES), [head], rows, probe_rows=100)[0].differing_margins == 0


def test_pruned_nodes_are_left_behind(tasks: tuple[Task, ...], rows: Rows) -> None:
    """Exact greedy with gamma leaves deleted nodes in the file; only reachable ones are exported."""
    task = replace(
        tasks[0], settings={"objective": "binary:logistic", "tree_method": "exact", "max_depth": 7, "gamma": 8.0}
    )
    head = exportable(task, bytes(fit(task, rows).save_raw("json")))
    stored = [t["tree_param"] for t in json.loads(head.booster_json)["learner"]["gradient_booster"]["model"]["trees"]]
    deleted = [int(param["num_deleted"]) for param in stored]
    assert sum(deleted) > 0
    sizes = [len(tree.value) for tree in read_ensemble(head).trees]
    assert sizes == [int(param["num_nodes"]) - gone for param, gone in zip(stored, deleted, strict=True)]
    assert assert_parity(export_model([head], FEATURES), [head], rows)[0].max_output_diff < 1e-6


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("binary", {"objective": "reg:squarederror"}),
        ("regression", {"objective": "reg:absoluteerror"}),
        ("binary", {"objective": "binary:logistic", "booster": "dart"}),
        ("binary", {"objective": "binary:logistic", "booster": "gblinear"}),
    ],
)
def test_boosters_the_graph_cannot_say_are_refused(
    tasks: tuple[Task, ...], rows: Rows, kind: str, settings: dict[str, str]
) -> None:
    """Another objective or another kind of booster is an error, not a guess."""
    task = replace(tasks[0], kind=kind, settings=settings)
    with pytest.raises(NotExportable, match="NOT_EXPORTABLE: booster, objective and targets must be"):
        read_ensemble(exportable(task, bytes(fit(task, np.nan_to_num(rows), rounds=2).save_raw("json"))))


def test_categorical_splits_are_refused(rows: Rows) -> None:
    """A split on a set of categories has no place in the graph."""
    codes = np.arange(len(rows)) % 4
    data = xgboost.DMatrix(codes[:, None].astype(float), codes % 2, feature_types=["c"], enable_categorical=True)
    booster = xgboost.train({"objective": "binary:logistic", "max_cat_to_onehot": 1, "nthread": 1}, data, 2)
    with pytest.raises(NotExportable, match="splits must be numeric"):
        read_ensemble(ExportableHead("h", "binary", ("no", "yes"), bytes(booster.save_raw("json"))))


def test_permuted_columns_are_refused(raw_heads: Heads) -> None:
    """A booster knows its column names; a graph with another order is not made."""
    swapped = (FEATURES[1], FEATURES[0], *FEATURES[2:])
    with pytest.raises(NotExportable, match="got natr_bps in place of spread_bps"):
        export_model(raw_heads, swapped)


def test_a_class_list_of_another_length_is_refused(heads: Heads) -> None:
    """Two names for three outputs cannot be right."""
    with pytest.raises(NotExportable, match="the booster must have 2 outputs"):
        read_ensemble(replace(heads[2], classes=("LOW", "HIGH")))


def test_the_same_boosters_give_the_same_bytes(heads: Heads) -> None:
    """Nothing random or dated enters the file."""
    assert export_model(heads, FEATURES).onnx == export_model(heads, FEATURES).onnx


def test_graph_contract(heads: Heads, rows: Rows) -> None:
    """Names, shapes and types of the graph are the documented ones."""
    session = start_session(export_model(heads, FEATURES).onnx)
    assert [(put.name, put.type, put.shape) for put in session.get_inputs()] == [("input", "tensor(float)", ["N", 6])]
    assert [(put.name, put.shape) for put in session.get_outputs()] == [
        ("tradeable_2", ["N", 1]),
        ("strength", ["N", 1]),
        ("regime", ["N", 3]),
        ("tradeable_2_margin", ["N", 1]),
        ("strength_margin", ["N", 1]),
        ("regime_margin", ["N", 3]),
    ]
    strength, margin, regime = session.run(["strength", "strength_margin", "regime"], {"input": rows[:9]})
    np.testing.assert_array_equal(strength, margin * np.float32(1000))
    np.testing.assert_allclose(regime.sum(axis=1), 1.0, atol=1e-6)


def test_probes_hold_every_threshold_its_neighbours_and_missing_values(heads: Heads) -> None:
    """The probe matrix is what its docstring says."""
    ensemble = read_ensemble(heads[0])
    probes = probe_matrix([ensemble], 10_000)
    column = probes[:, 0]
    cuts = np.unique(np.concatenate([t.threshold[~t.is_leaf & (t.feature == 0)] for t in ensemble.trees]))
    assert len(cuts) > 10
    for wanted in (cuts, np.nextafter(cuts, np.float32(np.inf)), np.nextafter(cuts, np.float32(-np.inf))):
        assert np.isin(wanted, column).all()
    assert 0.1 < np.isnan(probes).mean() < 0.2
