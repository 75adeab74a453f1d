"""The bot's `fill_model_v0`: shares of round trips that gained something, counted in bins; no smoothing, no minimum."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import polars as pl

from grinder_resources.contracts.artifacts import MANIFEST_FILE
from grinder_resources.contracts.bot_fills import (
    EMPTY_PRIOR_BPS,
    FILL_MODEL_SCHEMA,
    HOLDING_MS_LIMITS,
    MAX_FILL_COUNT,
    NOTIONAL_LIMITS,
    WIN,
    FillModel,
    rate_bps,
)
from grinder_resources.export.durable import write_folder, written
from grinder_resources.export.folder import opened_folder, read_plain, read_verified
from grinder_resources.export.manifest import MAX_MANIFEST_BYTES
from grinder_resources.export.strict_json import integer, json_bytes, mapping, record, reject, strict_json, text
from grinder_resources.hashing import sha256_bytes

MODEL_JSON = "model.json"
MODEL_FIELDS = ("schema_version", "bins", "global_prior_bps", "n_train_rows", "bucket_thresholds")
MANIFEST_FIELDS = (
    *("schema_version", "model_file", "created_at_utc", "n_train_rows", "global_prior_bps", "n_bins", "sha256"),
)
THRESHOLDS = MappingProxyType(
    {
        "notional": list(NOTIONAL_LIMITS),
        "holding_ms": list(HOLDING_MS_LIMITS),
        "max_fill_count": MAX_FILL_COUNT,
    }
)


def bin_keys(rows: pl.DataFrame) -> pl.Series:
    """Return the key of every round trip (ROUNDTRIPS): direction and three buckets, joined by '|'."""
    notional, holding = (
        pl.sum_horizontal((pl.col(name) > limit).cast(pl.Int64()) for limit in limits)
        for name, limits in (("notional", NOTIONAL_LIMITS), ("holding_time_ms", HOLDING_MS_LIMITS))
    )
    fills = pl.col("entry_fill_count").clip(1, MAX_FILL_COUNT)
    return rows.select(pl.concat_str(["direction", notional, fills, holding], separator="|")).to_series()


def fit_fill_model(rows: pl.DataFrame) -> FillModel:
    """Return the model of round trips; breakeven is no gain, and without rows every answer is 5,000 bps."""
    wins = rows["outcome"] == WIN
    counted, won = Counter(bin_keys(rows)), Counter(bin_keys(rows.filter(wins)))
    prior = rate_bps(int(wins.sum()), rows.height) if rows.height else EMPTY_PRIOR_BPS
    bins = {key: rate_bps(won[key], count) for key, count in sorted(counted.items())}
    return FillModel(MappingProxyType(bins), prior, rows.height)


def model_bytes(model: FillModel) -> bytes:
    """Return `model.json`: integers only, sorted keys, two spaces."""
    return json_bytes(
        {
            "schema_version": FILL_MODEL_SCHEMA,
            "bins": dict(model.bins),
            "global_prior_bps": model.global_prior_bps,
            "n_train_rows": model.n_train_rows,
            "bucket_thresholds": dict(THRESHOLDS),
        }
    )


def manifest_bytes(model: FillModel, created_at: str) -> bytes:
    """Return the `manifest.json` that lies beside `model.json`."""
    return json_bytes(
        {
            "schema_version": FILL_MODEL_SCHEMA,
            "model_file": MODEL_JSON,
            "created_at_utc": created_at,
            "n_train_rows": model.n_train_rows,
            "global_prior_bps": model.global_prior_bps,
            "n_bins": len(model.bins),
            "sha256": {MODEL_JSON: sha256_bytes(model_bytes(model))},
        }
    )


def write_fill_model(folder: Path, model: FillModel, created_at: str) -> None:
    """Write a model's folder, which does not exist yet, in one rename. Raises StorageFull."""
    files = {MODEL_JSON: model_bytes(model), MANIFEST_FILE: manifest_bytes(model, created_at)}
    with written(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_folder(folder, files, read_fill_model)


def read_fill_model(folder: Path) -> FillModel:
    """Return a model from its folder.

    Raises ArtifactRejected where a file cannot be read or differs from its sha256, ManifestRejected where a field is
    missing, unknown or of another kind, where buckets are cut elsewhere, or where manifest and model disagree.
    """
    with opened_folder(folder) as opened:
        document = strict_json(read_plain(opened, MANIFEST_FILE, MAX_MANIFEST_BYTES), MANIFEST_FILE, MAX_MANIFEST_BYTES)
        manifest = record(document, MANIFEST_FIELDS, MANIFEST_FILE)
        digest = text(mapping(manifest["sha256"], "sha256").get(MODEL_JSON), f"sha256.{MODEL_JSON}")
        data = read_verified(opened, MODEL_JSON, digest, limit=MAX_MANIFEST_BYTES)
    found = record(strict_json(data, MODEL_JSON, MAX_MANIFEST_BYTES), MODEL_FIELDS, MODEL_JSON)
    if {found["schema_version"], manifest["schema_version"]} != {FILL_MODEL_SCHEMA}:
        reject("this schema_version has no reader", MODEL_JSON, f"{found['schema_version']!r}", FILL_MODEL_SCHEMA)
    if found["bucket_thresholds"] != THRESHOLDS:
        reject("the buckets are cut elsewhere", MODEL_JSON, f"{found['bucket_thresholds']}", f"{dict(THRESHOLDS)}")
    model = _model(found)
    stated = {"n_train_rows": model.n_train_rows, "global_prior_bps": model.global_prior_bps, "n_bins": len(model.bins)}
    for name, value in stated.items():
        if manifest[name] != value:
            reject(f"{name} is not the model's", MANIFEST_FILE, f"{manifest[name]}", f"{value}")
    return model


def _model(found: Mapping[str, object]) -> FillModel:
    bins = {key: integer(bps, f"bins.{key}") for key, bps in mapping(found["bins"], "bins").items()}
    prior, rows = (integer(found[name], name) for name in ("global_prior_bps", "n_train_rows"))
    return FillModel(MappingProxyType(bins), prior, rows)
