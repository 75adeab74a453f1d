"""The graph adds leaves as the boosters do, to the last bit."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xgboost  # noqa: TID253 - the reference

from grinder_resources.contracts.artifacts import ExportableHead
from grinder_resources.contracts.calibration import Calibration, StepTable
from grinder_resources.errors import ExportMismatch, NotExportable
from grinder_resources.export.graph import export_model
from grinder_resources.export.parity import assert_parity, probe_matrix
from grinder_resources.export.trees import margin_bound_q16, read_ensemble
from grinder_resources.export.verify import start_session
from grinder_resources.learning.calibration import margins_q16
from grinder_resources.learning.model_spec import Head
from grinder_resources.learning.snapping import snap_leaves
from tests.export.small_models import CALIBRATION, FEATURES, Heads, Rows, Task, exportable, fit, only


def margins_of_xgboost(head: ExportableHead, rows: Rows) -> Rows:
    booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(head.booster_json))
    data = xgboost.DMatrix(rows, feature_names=booster.feature_names, nthread=1)
    return np.asarray(booster.predict(data, output_margin=True)).reshape(len(rows), -1)


def onnx_margins(head: ExportableHead, rows: Rows) -> Rows:
    model = export_model([head], FEATURES, only(head.name))
    answer = start_session(model.onnx).run([f"{head.name}_margin"], {"input": rows})
    return np.asarray(answer[0])


def differing(head: ExportableHead, rows: Rows) -> int:
    """Return the rows in which the head, exported alone, has another margin or answer than its booster."""
    calibration = only(head.name)
    (result,) = assert_parity(export_model([head], FEATURES, calibration), [head], calibration, rows, probe_rows=100)
    return result.differing_margins + result.differing_answers


def snapped_head(task: Task, booster_json: bytes) -> ExportableHead:
    """Return a task's booster with its leaves on the grid."""
    return exportable(task, snap_leaves(booster_json, Head(task.name, task.kind, task.name, classes=task.classes)))


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


def test_all_margins_and_answers_agree(heads: Heads, rows: Rows) -> None:
    """On the training rows and 10,000 probes no margin and no integer answer differs, the spacing included."""
    report = assert_parity(export_model(heads, FEATURES, CALIBRATION), heads, CALIBRATION, rows)
    assert [(r.output, r.rows, r.differing_margins, r.differing_answers) for r in report] == [
        (name, 11_500, 0, 0) for name in (*(head.name for head in heads), "spacing_multiplier_x1000")
    ]


def test_every_threshold_and_its_neighbours_part_alike(heads: Heads) -> None:
    """`<` is `<`: at t, just below and just above, the other features missing or present, margins are equal."""
    for head in heads:
        rows = every_threshold(head)
        assert len(rows) > 300
        np.testing.assert_array_equal(onnx_margins(head, rows), margins_of_xgboost(head, rows))


def test_all_missing_and_extreme_values_take_the_same_way(heads: Heads) -> None:
    """NaN rows, zeros of both signs, subnormals and the largest floats give equal margins."""
    values = [np.nan, 0.0, -0.0, 1e-45, -1e-45, 3.4e38, -3.4e38]
    rows = np.repeat(np.array(values, dtype=np.float32)[:, None], len(FEATURES), axis=1)
    for head in heads:
        np.testing.assert_array_equal(onnx_margins(head, rows), margins_of_xgboost(head, rows))


def test_batches_and_single_rows_give_the_same_bits(heads: Heads, rows: Rows) -> None:
    """An exact head does not care how many rows are asked at once."""
    session = start_session(export_model(heads, FEATURES, CALIBRATION).onnx)
    batch = session.run(["regime_margin"], {"input": rows[:64]})[0]
    single = [session.run(["regime_margin"], {"input": rows[i : i + 1]})[0][0] for i in range(64)]
    np.testing.assert_array_equal(batch, np.vstack(single))


def test_heads_off_the_grid_are_refused(raw_heads: Heads) -> None:
    """Boosters as XGBoost leaves them have sums that depend on their order; no graph is made of them."""
    with pytest.raises(NotExportable, match=r"sums must be exact .*head tradeable_2; got a leaf off the grid"):
        export_model(raw_heads, FEATURES, CALIBRATION)


def first_leaf(head: ExportableHead) -> float:
    """Return the first leaf of a head's first tree."""
    tree = json.loads(head.booster_json)["learner"]["gradient_booster"]["model"]["trees"][0]
    return float(np.float32(tree["split_conditions"][tree["left_children"].index(-1)]))


def with_first_leaf(head: ExportableHead, value: float) -> ExportableHead:
    """Return the head with the first leaf of its first tree set to `value`."""
    document = json.loads(head.booster_json)
    tree = document["learner"]["gradient_booster"]["model"]["trees"][0]
    tree["split_conditions"][tree["left_children"].index(-1)] = value
    return replace(head, booster_json=json.dumps(document).encode())


@pytest.mark.parametrize("leaf", [2.0**-17, 256.0])
def test_grid_and_sum_bound_decide_exactness(heads: Heads, leaf: float) -> None:
    """One leaf off the 2^-16 grid, or one that lifts the sum of largest leaves to 2^8, and a head is refused."""
    assert export_model([with_first_leaf(heads[1], -200.0)], FEATURES, only()).heads[0].margin_bound_q16 > 200 << 16
    with pytest.raises(NotExportable, match="float32 sums must be exact"):
        export_model([with_first_leaf(heads[1], leaf)], FEATURES, only())


def test_an_answer_need_not_differ_for_a_margin_to_count(heads: Heads, rows: Rows) -> None:
    """A leaf that is 2^-16 too high changes no bps of these rows, and is refused all the same."""
    calibration = Calibration({"tradeable_2": (StepTable((), (5_000,), "isotonic", 1_000),)})
    wrong = with_first_leaf(heads[0], first_leaf(heads[0]) + 2.0**-16)
    with pytest.raises(ExportMismatch, match=r"tradeable_2, 11500 rows; got [1-9]\d* margins and 0 answers differ"):
        assert_parity(export_model([heads[0]], FEATURES, calibration), [wrong], calibration, rows)


def test_a_table_that_is_shifted_by_one_unit_is_refused(heads: Heads, rows: Rows) -> None:
    """Margins agree, answers at the cut do not: every margin that occurs is made a cut, and moved by 2^-16."""
    cuts = np.unique(margins_q16(margins_of_xgboost(heads[0], rows)))[:900].tolist()
    values = tuple(range(1_000, 1_000 + len(cuts) + 1))
    good, shifted = (
        Calibration({"tradeable_2": (StepTable(tuple(cut + move for cut in cuts), values, "isotonic", 1_500),)})
        for move in (0, 1)
    )
    with pytest.raises(ExportMismatch, match=r"got 0 margins and [1-9]\d* answers differ"):
        assert_parity(export_model(heads[:1], FEATURES, shifted), heads[:1], good, rows)


def test_margin_bound_is_the_sum_of_the_largest_leaves(heads: Heads) -> None:
    """In units of 2^-16: a leaf of -200 adds 13,107,200 in place of its tree's own largest leaf."""
    ensemble = read_ensemble(with_first_leaf(heads[1], -200.0))
    others = sum(float(np.abs(tree.value).max()) for tree in ensemble.trees[1:])
    assert margin_bound_q16(ensemble) == 200 * 65536 + round(others * 65536)


def test_a_graph_of_other_trees_is_refused(heads: Heads, rows: Rows) -> None:
    """Parity is not a formality: the graph of one head does not pass for another."""
    other = replace(heads[3], name="tradeable_2")
    model = export_model([other], FEATURES, only("tradeable_2"))
    with pytest.raises(ExportMismatch, match=r"EXPORT_MISMATCH: .*tradeable_2, 10050 rows; got \d+ margins and"):
        assert_parity(model, heads[:1], only("tradeable_2"), rows[:50])


def test_only_so_many_rows_are_compared(heads: Heads, rows: Rows) -> None:
    """A table of any size costs a bounded time: 100,000 of its rows, evenly spaced, are enough."""
    calibration, many = only("tradeable_2"), np.tile(rows, (100, 1))
    model = export_model(heads[:1], FEATURES, calibration)
    report = assert_parity(model, heads[:1], calibration, many, probe_rows=100)
    assert report[0].rows == 75_100


def test_base_score_is_the_margin_xgboost_uses(tasks: tuple[Task, ...], rows: Rows) -> None:
    """A base probability of 0.3 becomes logit(0.3) = -0.8472978 in float32."""
    task = replace(tasks[0], settings={**tasks[0].settings, "base_score": 0.3})
    head = exportable(task, bytes(fit(task, rows, rounds=1).save_raw("json")))
    assert read_ensemble(head).base.tolist() == [np.float32(-0.84729785)]


def test_early_stopping_counts_up_to_the_best_round(tasks: tuple[Task, ...], rows: Rows) -> None:
    """A booster that carries best_iteration is exported as its first best_iteration + 1 rounds."""
    booster = fit(tasks[2], rows, rounds=12)
    booster.set_attr(best_iteration="6")
    head = snapped_head(tasks[2], bytes(booster.save_raw("json")))
    sliced = snapped_head(tasks[2], bytes(booster[:7].save_raw("json")))
    assert read_ensemble(head).rounds == 7
    np.testing.assert_array_equal(onnx_margins(head, rows), onnx_margins(sliced, rows))
    assert not differing(head, rows)


def test_a_head_without_trees_answers_with_its_base(tasks: tuple[Task, ...], rows: Rows) -> None:
    """Zero rounds and single-leaf trees are legal boosters."""
    for rounds, settings in ((0, {}), (3, {"min_child_weight": 1e9})):
        task = replace(tasks[0], settings={**tasks[0].settings, **settings, "base_score": 0.5})
        assert not differing(exportable(task, bytes(fit(task, rows, rounds=rounds).save_raw("json"))), rows)


def test_pruned_nodes_are_left_behind(tasks: tuple[Task, ...], rows: Rows) -> None:
    """Exact greedy with gamma leaves deleted nodes in the file; only reachable ones are exported."""
    task = replace(
        tasks[0], settings={"objective": "binary:logistic", "tree_method": "exact", "max_depth": 7, "gamma": 8.0}
    )
    head = snapped_head(task, bytes(fit(task, rows).save_raw("json")))
    stored = [t["tree_param"] for t in json.loads(head.booster_json)["learner"]["gradient_booster"]["model"]["trees"]]
    deleted = [int(param["num_deleted"]) for param in stored]
    assert sum(deleted) > 0
    sizes = [len(tree.value) for tree in read_ensemble(head).trees]
    assert sizes == [int(param["num_nodes"]) - gone for param, gone in zip(stored, deleted, strict=True)]
    assert not differing(head, rows)


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


def test_permuted_columns_are_refused(heads: Heads) -> None:
    """A booster knows its column names; a graph with another order is not made."""
    swapped = (FEATURES[1], FEATURES[0], *FEATURES[2:])
    with pytest.raises(NotExportable, match="got natr_bps in place of spread_bps"):
        export_model(heads, swapped, CALIBRATION)


def test_a_class_list_of_another_length_is_refused(heads: Heads) -> None:
    """Two names for three outputs cannot be right."""
    with pytest.raises(NotExportable, match="the booster must have 2 outputs"):
        read_ensemble(replace(heads[2], classes=("LOW", "HIGH")))


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
