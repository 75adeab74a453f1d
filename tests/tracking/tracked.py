"""Artifacts to tell of: plain bytes, and beside them what training wrote down."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from grinder_resources.contracts.artifacts import TrainingMetadata
from grinder_resources.contracts.reports import walk_forward_table
from grinder_resources.evaluation.judged import report_facts
from grinder_resources.export.artifact import file_facts, publish
from grinder_resources.export.strict_json import json_bytes
from grinder_resources.hashing import sha256_bytes, sha256_facts
from grinder_resources.lake import Lake
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.specs import REGIME
from tests.export.plain_artifacts import plain, plain_files

DATASET = "d" * 64
LEVELS: dict[str, Any] = {
    "dataset": "gold/training/signals_production",
    "days": {"test": ["2025-01-11"], "train": [f"2025-01-0{day}" for day in (6, 7, 8, 9)], "val": ["2025-01-10"]},
    "embargo_ns": 480,
    "params": {"eta": 0.05, "max_depth": 4},
    "select": {"ablation": "full", "stage": "stage_b"},
}
REPORT: dict[str, Any] = {
    "rows": {"test": 30, "train": 100},
    "scores": [
        {"head": "h", "output": "", "part": "test", "scores": {"mae": 0.5}},
        {"head": "h", "output": "HIGH", "part": "val", "scores": {"auc": 0.75, "skill": -0.125}},
    ],
}
CHAIN = {"silver/features/v2.0_full": {"2025-01-06": "1" * 64}, "bronze/trades": {"2025-01-06": "2" * 64}}


def artifact(
    models: Path,
    content: bytes,
    *,
    name: str = "levels",
    config: dict[str, Any] = LEVELS,
    chain: dict[str, Any] = CHAIN,
) -> Path:
    """Publish an artifact over plain bytes with what training found; return its folder."""
    behind = {"model": sha256_bytes(content), "tables": chain}
    extra = {"config.json": config, "train_report.json": REPORT, "chain.json": behind}
    files = plain_files(content) | {file: json_bytes(document) for file, document in extra.items()}
    wanted = replace(
        plain(content),
        model_name=name,
        files=tuple(file_facts(file, data) for file, data in sorted(files.items())),
        training_metadata=TrainingMetadata(100, 10, None, DATASET[:16]),
        chain_root=sha256_facts(behind),
    )
    settled, _ = publish(models, wanted, files)
    return models / settled.folder


def regime(models: Path, content: bytes = b"regime") -> Path:
    """Publish an artifact that was fitted by the regime spec as it is."""
    days = {part: [str(date(2025, 1, day))] for part, day in (("train", 6), ("val", 7), ("test", 8))}
    return artifact(models, content, name="regime", config={**REGIME.facts, "days": days}, chain={})


def walk_forward(lake: Lake, dataset: str = DATASET, spec: ModelSpec = REGIME) -> None:
    """Commit a walk-forward of a spec on a dataset: two folds of one class of the regime, and other modes and parts."""
    kept = [("expanding", 1, "test", 0.25), ("expanding", 2, "test", 0.5), ("expanding", 0, "test", 0.375)]
    kept += [("expanding", 0, "calibrated", 0.4), ("rolling", 1, "test", 9.0), ("expanding", 1, "train", 9.0)]
    rows = [
        {"mode": mode, "head": "regime", "class": "HIGH", "fold": fold, "part": part, "metric": "skill", "value": value}
        | {"low": None, "high": None, "rows": 10, "positives": 5, "blocks": 3}
        for mode, fold, part, value in kept
    ]
    table = walk_forward_table("regime")
    upstream = {"dataset": dataset, "spec": sha256_facts(report_facts(spec))}
    lake.commit(table, pl.DataFrame(rows, schema=table.schema), day=None, code_version="1", upstream=upstream)
