"""One row through fifteen heads: one graph, a session a head, XGBoost itself, and a graph that does nothing.

The heads and rules are those of the level model; the graph answers with calibrated, coherent integers, a session a head
with calibrated ones, XGBoost with margins alone. All answer the same rows in turn: a busy machine disturbs them alike,
and caches are as cold as between two ticks. Margins must be equal, and answers those of the integer reference, before a
number is printed. XGBoost is asked by `inplace_predict`, its fastest call for one row; the Identity graph is what
a call costs that computes nothing.

Two sizes: 300 trees of depth 5 a head, and 30 of depth 4, which is what early stopping leaves of most.
Run `python benchmarks/bench_onnx.py`, with `--quick` for a smoke test.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import INPUT, ExportableHead
from grinder_resources.contracts.calibration import Calibration
from grinder_resources.export.answers import expected_answers
from grinder_resources.export.artifact import calibration_of
from grinder_resources.export.graph import IR_VERSION, OPSET, export_model
from grinder_resources.export.nodes import Nodes
from grinder_resources.export.verify import start_session
from grinder_resources.learning.calibration import logistic_table
from grinder_resources.learning.snapping import load, snap_leaves
from grinder_resources.learning.specs import LEVEL_COHERENCE, LEVEL_HEADS

FEATURES = 50
COLUMNS = tuple(f"f{number}" for number in range(FEATURES))
SIZES = ((300, 5), (30, 4))
"""Trees a head, and their depth."""

WAYS = ("XGBoost inplace_predict a head", "ONNX, a session a head", "ONNX, one graph", "ONNX, Identity graph")
Rows = NDArray[np.float32]
Answer = Callable[[Rows], Any]


def fitted_heads(count: int, trees: int, depth: int) -> list[ExportableHead]:
    """Return the first heads of the level model on random labels of random columns, leaves on the exact grid."""
    import xgboost

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2000, FEATURES)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    settings = {"max_depth": depth, "eta": 0.05, "max_bin": 64, "nthread": 1}
    heads = []
    for head in LEVEL_HEADS[:count]:
        binary = head.kind == "binary"
        signal = np.nan_to_num(rows[:, rng.integers(FEATURES, size=5)]).sum(axis=1) + rng.normal(size=len(rows))
        objective = "binary:logistic" if binary else "reg:squarederror"
        data = xgboost.DMatrix(rows, signal > 0 if binary else signal, nthread=1)
        booster = xgboost.train({**settings, "objective": objective}, data, trees)
        snapped = snap_leaves(bytes(booster.save_raw("json")), head)
        heads.append(ExportableHead(head.name, head.kind, head.classes, snapped, head.unit))
    return heads


def calibration_for(heads: Sequence[ExportableHead]) -> Calibration:
    """Return logistic tables of 400 steps for all heads, and the level model's rules as far as these heads can."""
    tables = {head.name: (logistic_table(),) for head in heads if head.kind == "binary"}
    return calibration_of(Calibration(MappingProxyType(tables), LEVEL_COHERENCE), heads)


def identity_graph() -> bytes:
    """Return a graph that hands its input back."""
    from onnx import TensorProto, helper

    nodes = Nodes()
    nodes.add("Identity", [INPUT], "same")
    put = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", FEATURES]) for name in (INPUT, "same")]
    graph = helper.make_graph(nodes.nodes, "identity", put[:1], put[1:])
    model = helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)])
    return bytes(model.SerializeToString())


def ways_to_answer(heads: Sequence[ExportableHead]) -> dict[str, Answer]:
    """Return one call a way, after checking on 2000 rows that all ways agree."""
    boosters = [load(head.booster_json) for head in heads]
    alone = [(start_session(export_model([head], COLUMNS, calibration_for([head])).onnx), head.name) for head in heads]
    exported, calibration = export_model(heads, COLUMNS, calibration_for(heads)), calibration_for(heads)
    together, names = start_session(exported.onnx), [head.name for head in heads]
    nothing = start_session(identity_graph())

    rows = probe_rows(2000)
    margins = {head.name: together.run([f"{head.name}_margin"], {INPUT: rows})[0] for head in heads}
    for booster, (session, name) in zip(boosters, alone, strict=True):
        own = session.run([f"{name}_margin"], {INPUT: rows})[0]
        theirs = booster.inplace_predict(rows, predict_type="margin").reshape(-1, 1)
        if not (np.array_equal(own, margins[name]) and np.array_equal(theirs, margins[name])):
            raise SystemExit(f"margins of {name} differ")
    answers = together.run(names, {INPUT: rows})
    expected = expected_answers(exported.heads, calibration, margins)
    if not all(np.array_equal(answer, expected[name]) for name, answer in zip(names, answers, strict=True)):
        raise SystemExit("answers differ from the integer reference")

    calls: tuple[Answer, ...] = (
        lambda row: [booster.inplace_predict(row, predict_type="margin") for booster in boosters],
        lambda row: [session.run([name], {INPUT: row}) for session, name in alone],
        lambda row: together.run(names, {INPUT: row}),
        lambda row: nothing.run(["same"], {INPUT: row}),
    )
    return dict(zip(WAYS, calls, strict=True))


def probe_rows(count: int) -> Rows:
    """Return random rows, a tenth of their values missing."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(count, FEATURES)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    return rows


def measure(ways: dict[str, Answer], rows: Rows) -> dict[str, NDArray[np.float64]]:
    """Return seconds per call [rows] of every way, asked in turn."""
    seconds = {name: np.zeros(len(rows)) for name in ways}
    for index in range(len(rows)):
        row = rows[index : index + 1]
        for name, way in ways.items():
            started = time.perf_counter()
            way(row)
            seconds[name][index] = time.perf_counter() - started
    return seconds


def main() -> None:
    """Fit, check, measure, print."""
    parser = argparse.ArgumentParser(description="Latency of one row through all heads of a model.")
    parser.add_argument("--quick", action="store_true", help="5 heads of 30 trees and 200 rows: a smoke test")
    quick = parser.parse_args().quick
    count, calls, sizes = (5, 200, SIZES[1:]) if quick else (len(LEVEL_HEADS), 500, SIZES)
    for trees, depth in sizes:
        ways = ways_to_answer(fitted_heads(count, trees, depth))
        measure(ways, probe_rows(20))
        seconds = measure(ways, probe_rows(calls))
        print(f"{count} heads, {trees} trees of depth {depth}, {FEATURES} features, {calls} single rows, all agree")
        print(f"{'way':<32}{'p50 us':>9}{'p99 us':>9}{'of XGBoost':>12}{'of sessions':>13}")
        medians = [float(np.median(taken)) for taken in seconds.values()]
        for (name, taken), p50 in zip(seconds.items(), medians, strict=True):
            p99 = float(np.percentile(taken, 99))
            print(f"{name:<32}{p50 * 1e6:>9.0f}{p99 * 1e6:>9.0f}{p50 / medians[0]:>12.3f}{p50 / medians[1]:>13.2f}")
        print()


if __name__ == "__main__":
    main()
