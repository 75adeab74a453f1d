"""Fifteen heads over ten walk-forward folds: matrices shared, folds side by side, against a matrix a head and fold.

The naive loop is what one writes first: for every fold and head, build both quantized matrices, fit, snap. Ours builds
them once for all heads of the same rows, fits two folds side by side, and does more besides: it hashes what it fits on,
weighs what snapping costs, and writes a trial a head to the ledger. The boosters must be the same bytes before a number
is printed. Both use one thread a fit.

Run `python -m benchmarks.bench_training`, with `--large` for 100,000 rows (minutes), `--quick` for a smoke test.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.table import print_table
from grinder_resources.learning.boosters import booster_settings
from grinder_resources.learning.ledger import Ledger
from grinder_resources.learning.model_spec import BoosterParams, Head, ModelSpec
from grinder_resources.learning.selection import FeatureSet
from grinder_resources.learning.snapping import snapped
from grinder_resources.learning.splits import Parts, split_rows, walk_forward
from grinder_resources.learning.tasks import task_of
from grinder_resources.learning.training import Prepared, fit_heads, prepare

MIDNIGHT_NS, DAY_NS = 1_740_960_000_000_000_000, 86_400_000_000_000
FIRST_DAY = date(2025, 3, 3)
NO_YES = ("no", "yes")

Boosters = list[bytes]
Fit = Callable[[Prepared, list[Parts]], Boosters]


def rows_of(rows: int, columns: int, days: int, heads: int) -> pl.DataFrame:
    """Return days of rows with `columns` noisy inputs and `heads` labels, each faintly told by five of them."""
    rng = np.random.default_rng(0)
    day = np.arange(rows) * days // rows
    values = rng.integers(-5_000, 5_000, (rows, columns))
    ts = MIDNIGHT_NS + day * DAY_NS + rng.integers(0, 80_000, rows) * 1_000_000_000
    frame = {"date": [FIRST_DAY + timedelta(days=int(number)) for number in day], "venue": "v", "symbol": "s"}
    inputs = {f"f{column}": values[:, column] for column in range(columns)}
    labels = {}
    for head in range(heads):
        told = values[:, rng.choice(columns, 5, replace=False)].sum(axis=1) / 6_000
        labels[f"y{head}"] = (told + 3.0 * rng.normal(size=rows) > 0.0).astype(np.int8)
    return pl.DataFrame(frame | {"ts_ns": ts, "label_end_ns": ts + 1, "row": np.arange(rows)} | inputs | labels)


def spec_of(columns: int, heads: int) -> ModelSpec:
    """Return a spec of binary heads that are asked of every row, with the settings models are trained with."""
    names = tuple(f"f{column}" for column in range(columns))
    return ModelSpec(
        name="bench",
        doc="Benchmark.",
        dataset="bench",
        select=lambda _: FeatureSet(numeric=names, categorical=()),
        heads=tuple(Head(f"h{head}", "binary", f"y{head}", classes=NO_YES) for head in range(heads)),
        row_id=("row",),
        params=BoosterParams(),
    )


def naive(prepared: Prepared, folds: list[Parts]) -> Boosters:
    """Fit one head of one fold after the other, each on matrices of its own."""
    import xgboost

    params, values, boosters = prepared.spec.params, prepared.matrix.values, []
    for parts in folds:
        for head in prepared.spec.heads:
            task = task_of(head, prepared.raw[head.name], prepared.settled[head.name], parts)
            sizes: dict[str, Any] = {"max_bin": params.max_bin, "nthread": params.nthread}
            train = xgboost.QuantileDMatrix(values[task.train], task.target[task.train], **sizes)
            val = xgboost.QuantileDMatrix(values[task.val], task.target[task.val], ref=train, **sizes)
            booster = xgboost.train(
                booster_settings(head, params),
                train,
                num_boost_round=params.rounds,
                evals=[(val, "val")],
                early_stopping_rounds=params.early_stopping,
                verbose_eval=False,
            )
            best = bytes(booster[: booster.best_iteration + 1].save_raw("ubj"))
            boosters.append(bytes(snapped(best, head).save_raw("json")))
    return boosters


def shared(workers: int) -> Fit:
    """Return the fit of all heads of a fold on shared matrices, `workers` folds side by side."""

    def fitted(prepared: Prepared, folds: list[Parts]) -> Boosters:
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
            ledger = Ledger(Path(folder) / "ledger.jsonl")
            made = pool.map(lambda parts: fit_heads(prepared, parts, ledger)[0], folds)
            return [head.booster for heads in made for head in heads]

    return fitted


def measure(rows: int, columns: int, heads: int, folds: int) -> None:
    """Fit every way, check the bytes, print wall and processor seconds."""
    frame = rows_of(rows, columns, folds + 2, heads)
    prepared = prepare(spec_of(columns, heads), frame)
    parts = [split_rows(prepared.frame, split) for split in walk_forward(frame["date"].to_list())]
    ways: dict[str, Fit] = {
        "a matrix a head and fold": naive,
        "shared matrices": shared(1),
        "shared matrices, 2 folds at once": shared(2),
    }
    shared(1)(prepared, parts[:1])  # libraries are loaded and caches warm before the first clock starts
    lines, reference, baseline = [], None, (0.0, 0.0)
    for name, way in ways.items():
        wall, processor = time.perf_counter(), time.process_time()
        boosters = way(prepared, parts)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        if boosters != (reference := reference or boosters):
            raise SystemExit(f"{name}: other boosters")
        baseline = (wall, processor) if way is naive else baseline
        ratios = f"{wall / baseline[0]:.2f}x", f"{processor / baseline[1]:.2f}x"
        lines.append([name, f"{wall:.1f}", ratios[0], f"{processor:.1f}", ratios[1]])
    title = f"{heads} heads x {len(parts)} folds, {rows:,} rows x {columns}, {os.cpu_count()} cores, same booster bytes"
    print_table(["training", "wall s", "of naive", "processor s", "of naive"], lines, title)


def main() -> None:
    """Measure the sizes asked for."""
    parser = argparse.ArgumentParser(description="Walk-forward training against a matrix a head and fold.")
    parser.add_argument("--quick", action="store_true", help="3 heads, 2 folds of 100 rows a day: a smoke test")
    parser.add_argument("--large", action="store_true", help="also 100,000 rows: takes minutes")
    arguments = parser.parse_args()
    if arguments.quick:
        measure(400, 20, heads=3, folds=2)
        return
    measure(5_500, 60, heads=15, folds=10)
    if arguments.large:
        measure(100_000, 50, heads=15, folds=10)


if __name__ == "__main__":
    main()
