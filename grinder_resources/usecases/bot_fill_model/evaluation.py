"""What the bot's evaluation says of a fill model: thresholds swept, one recommended, and how far bins are off.

On the rows a model was fitted on no bin is off, by construction, and the recommended threshold flatters. Only rows that
came later say something.
"""

from pathlib import Path
from typing import Any

import polars as pl

from grinder_resources.contracts.artifacts import MANIFEST_FILE
from grinder_resources.contracts.bot_fills import CERTAIN_BPS, FILL_EVAL_SCHEMA, OUTCOMES, WIN, FillModel, rate_bps
from grinder_resources.export.durable import write_folder, written
from grinder_resources.export.folder import opened_folder, read_plain, read_verified
from grinder_resources.export.manifest import MAX_MANIFEST_BYTES
from grinder_resources.export.strict_json import json_bytes
from grinder_resources.hashing import sha256_bytes
from grinder_resources.usecases.bot_fill_model.dataset import read_roundtrips
from grinder_resources.usecases.bot_fill_model.model import bin_keys, read_fill_model

EVAL_REPORT = "eval_report.json"
SWEEP_STEP_BPS = 100
COST_RATIO = 2.0
WELL_CALIBRATED_BELOW_BPS = 500
_COUNTS = ("n_wins", "n_losses", "n_breakeven")


def evaluate_fill_model(model: FillModel, rows: pl.DataFrame, cost_ratio: float = COST_RATIO) -> dict[str, Any]:
    """Return the numbers of the bot's `fill_model_eval_v0` report, without its paths and hashes.

    rows
        Round trips (ROUNDTRIPS).
    cost_ratio
        What an avoided loss is worth, in gains that were let through; above 0.

    A round trip is let through where the model says at least the threshold. Recommended is the threshold with the
    highest score, gains let through + cost_ratio x losses blocked, and the lowest of those that tie.
    """
    keys = bin_keys(rows).to_list()
    said = [model.predict_bps(key) for key in keys]
    won = (rows["outcome"] == WIN).to_list()
    sweep = [_at(threshold, said, won, cost_ratio) for threshold in range(0, CERTAIN_BPS + 1, SWEEP_STEP_BPS)]
    bins = [
        _bin(model, key, [gain for own, gain in zip(keys, won, strict=True) if own == key]) for key in sorted({*keys})
    ]
    worst = max((row["error_bps"] for row in bins), default=0)
    counts = {name: int((rows["outcome"] == outcome).sum()) for name, outcome in zip(_COUNTS, OUTCOMES, strict=True)}
    return {
        "schema_version": FILL_EVAL_SCHEMA,
        "n_rows": rows.height,
        **counts,
        "global_prior_bps": model.global_prior_bps,
        "cost_ratio": cost_ratio,
        "sweep_step_bps": SWEEP_STEP_BPS,
        "threshold_sweep": sweep,
        "recommended_threshold_bps": max(sweep, key=lambda row: row["cost_score"])["threshold_bps"],
        "calibration": bins,
        "calibration_max_error_bps": worst,
        "calibration_well_calibrated": worst < WELL_CALIBRATED_BELOW_BPS,
    }


def _at(threshold: int, said: list[int], won: list[bool], cost_ratio: float) -> dict[str, Any]:
    allowed = [bps >= threshold for bps in said]
    pairs = list(zip(allowed, won, strict=True))
    tp, fp, fn, tn = (pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False)))
    precision, recall = _percent(tp, tp + fp), _percent(tp, tp + fn)
    return {
        "threshold_bps": threshold,
        "tp": tp,
        "fp": fp,
        "tn": tn,
        "fn": fn,
        "precision_pct": precision,
        "recall_pct": recall,
        "f1_pct": _percent(2 * tp, 2 * tp + fp + fn),
        "block_rate_pct": _percent(tn + fn, len(pairs)),
        "cost_score": tp + cost_ratio * tn,
    }


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0


def _bin(model: FillModel, key: str, won: list[bool]) -> dict[str, Any]:
    predicted, actual = model.predict_bps(key), rate_bps(sum(won), len(won))
    return {
        "bin_key": key,
        "predicted_bps": predicted,
        "actual_bps": actual,
        "n_samples": len(won),
        "error_bps": abs(predicted - actual),
    }


def write_evaluation(
    folder: Path, model_dir: Path, dataset_dir: Path, cost_ratio: float = COST_RATIO
) -> dict[str, Any]:
    """Judge a model's folder on a data set's folder and write the report into a new folder, in one rename.

    Returns the report, with where model and rows lie and the sha256 of their manifests. Raises what reading the two
    raises, and StorageFull.
    """
    judged = evaluate_fill_model(read_fill_model(model_dir), read_roundtrips(dataset_dir), cost_ratio)
    report = judged | {
        "dataset_path": str(dataset_dir),
        "model_path": str(model_dir),
        "dataset_manifest_sha256": _manifest_sha256(dataset_dir),
        "model_manifest_sha256": _manifest_sha256(model_dir),
    }
    data = json_bytes(report)
    digest = sha256_bytes(data)
    manifest = json_bytes({"schema_version": FILL_EVAL_SCHEMA, "sha256": {EVAL_REPORT: digest}})

    def verify(directory: Path) -> None:
        with opened_folder(directory) as opened:
            read_verified(opened, EVAL_REPORT, digest, limit=len(data))

    with written(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_folder(folder, {EVAL_REPORT: data, MANIFEST_FILE: manifest}, verify)
    return report


def _manifest_sha256(folder: Path) -> str:
    with opened_folder(folder) as opened:
        return sha256_bytes(read_plain(opened, MANIFEST_FILE, MAX_MANIFEST_BYTES))
