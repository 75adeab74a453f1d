"""One row through fifteen heads: one graph, a session a head, XGBoost itself.

All three answer the same rows in turn: a busy machine disturbs them alike, and caches are as cold as between two ticks.
Their margins must be equal before a number is printed. Ratios are against XGBoost's `inplace_predict`, the fastest call
it has for one row.
Run `python benchmarks/bench_onnx.py`, with `--quick` for a smoke test.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import INPUT, ExportableHead
from grinder_resources.export.graph import export_model
from grinder_resources.export.verify import start_session
from grinder_resources.learning.boosters import load, snap_leaves
from grinder_resources.learning.specs import Head

FEATURES = 50
Rows = NDArray[np.float32]
Answer = Callable[[Rows], Rows]


def fitted_heads(count: int, trees: int, depth: int) -> list[ExportableHead]:
    """Return binary heads on random labels of random columns, leaves on the exact grid."""
    import xgboost

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2000, FEATURES)).astype(np.float32)
    settings = {"objective": "binary:logistic", "max_depth": depth, "eta": 0.05, "max_bin": 64, "base_score": 0.5}
    heads = []
    for number in range(count):
        signal = rows[:, rng.integers(FEATURES, size=5)].sum(axis=1) + rng.normal(size=len(rows))
        booster = xgboost.train(settings, xgboost.DMatrix(rows, signal > 0), trees)
        name = f"head_{number}"
        snapped = snap_leaves(bytes(booster.save_raw("json")), Head(name, "binary", name, classes=("no", "yes")))
        heads.append(ExportableHead(name, "binary", ("no", "yes"), snapped))
    return heads


def one_graph(heads: Sequence[ExportableHead], columns: Sequence[str]) -> Answer:
    """Return a call that asks all heads of one session."""
    session = start_session(export_model(heads, columns).onnx)
    names = [f"{head.name}_margin" for head in heads]
    return lambda row: np.hstack(session.run(names, {INPUT: row}))


def session_per_head(heads: Sequence[ExportableHead], columns: Sequence[str]) -> Answer:
    """Return a call that asks one session after the other."""
    sessions = [(start_session(export_model([head], columns).onnx), [f"{head.name}_margin"]) for head in heads]
    return lambda row: np.hstack([session.run(names, {INPUT: row})[0] for session, names in sessions])


def xgboost_per_head(heads: Sequence[ExportableHead]) -> Answer:
    """Return a call that asks one booster after the other, one thread each."""
    boosters = [load(head.booster_json) for head in heads]
    return lambda row: np.stack([booster.inplace_predict(row, predict_type="margin") for booster in boosters], axis=1)


def measure(ways: dict[str, Answer], rows: Rows) -> dict[str, NDArray[np.float64]]:
    """Return seconds per call [rows] of every way, asked in turn; raises SystemExit if a margin differs."""
    seconds = {name: np.zeros(len(rows)) for name in ways}
    for index in range(len(rows)):
        row, answers = rows[index : index + 1], []
        for name, way in ways.items():
            started = time.perf_counter()
            answers.append(way(row))
            seconds[name][index] = time.perf_counter() - started
        if not all(np.array_equal(answers[0], answer) for answer in answers):
            raise SystemExit(f"margins differ on row {index}")
    return seconds


def main() -> None:
    """Fit, check, measure, print."""
    parser = argparse.ArgumentParser(description="Latency of one row through all heads of a model.")
    parser.add_argument("--quick", action="store_true", help="5 heads of 40 trees and 200 rows: a smoke test")
    quick = parser.parse_args().quick
    count, trees, depth, calls = (5, 40, 4, 200) if quick else (15, 300, 5, 500)
    columns = [f"f{number}" for number in range(FEATURES)]
    heads = fitted_heads(count, trees, depth)
    ways = {
        "XGBoost inplace_predict a head": xgboost_per_head(heads),
        "ONNX, a session a head": session_per_head(heads, columns),
        "ONNX, one graph": one_graph(heads, columns),
    }
    rows = np.random.default_rng(1).normal(size=(calls, FEATURES)).astype(np.float32)
    rows[np.random.default_rng(2).random(rows.shape) < 0.1] = np.nan
    measure(ways, rows[:20])
    seconds = measure(ways, rows)
    print(f"{count} heads, {trees} trees of depth {depth}, {FEATURES} features, {calls} single rows, margins equal")
    print(f"{'way':<32}{'p50 us':>9}{'p99 us':>9}{'times faster':>14}")
    baseline = np.median(next(iter(seconds.values())))
    for name, taken in seconds.items():
        p50, p99 = np.percentile(taken, [50, 99])
        print(f"{name:<32}{p50 * 1e6:>9.0f}{p99 * 1e6:>9.0f}{baseline / p50:>14.1f}")


if __name__ == "__main__":
    main()
