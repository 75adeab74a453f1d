"""A model card's facts: from the artifact's own files, and what lake and registry say beside them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from grinder_resources.cards.evidence import Evidence, evidence_of
from grinder_resources.contracts.artifacts import MODEL_FILE, REPORT_FILE
from grinder_resources.datasets import gold_table
from grinder_resources.errors import PartitionMissing
from grinder_resources.interpretability.event import Model, newest_model, open_model, spec_of
from grinder_resources.interpretability.standing import registry_words
from grinder_resources.lake import Lake
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.registry.signing import signature_path

PARTS = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class Card:
    """Everything a card says.

    training
        `train_report.json`: rows by part, scores of the artifact itself, heads that were left out.
    rows
        Rows by venue, symbol and part, and the first and last day; none where the lake no longer has them.
    stage
        The registry's word; '' where there is no registry.
    signed
        Whether a signature lies beside the artifact; `grinder registry verify --artifact-key FILE` checks it.
    versions
        Of what made the files, as they say themselves.
    """

    model: Model
    training: Mapping[str, Any]
    rows: pl.DataFrame
    evidence: Evidence
    stage: str
    signed: bool
    versions: Mapping[str, str]

    @property
    def title(self) -> str:
        """The artifact's folder name."""
        return self.model.artifact.manifest.folder


def card_of(folder: Path, lake: Lake, models_dir: Path) -> Card:
    """Return the facts of an artifact's card.

    Raises ManifestRejected or ArtifactRejected where the artifact does not verify, UnknownName where no spec has its
    name, RegistryRejected for a torn registry, CorruptFile where a table of the lake does not verify.
    """
    return _card(open_model(folder, spec_of(folder)), lake, models_dir)


def newest_card(spec: ModelSpec, lake: Lake, models_dir: Path) -> Card:
    """Return the facts of the card of a spec's newest artifact. Raises NoData where there is none, or as `card_of`."""
    return _card(newest_model(spec, models_dir), lake, models_dir)


def _card(model: Model, lake: Lake, models_dir: Path) -> Card:
    manifest = model.artifact.manifest
    return Card(
        model=model,
        training=json.loads(model.artifact.files[REPORT_FILE]),
        rows=_rows(model, lake),
        evidence=evidence_of(model, lake, models_dir),
        stage=registry_words(manifest.model_name, manifest.model_version, models_dir),
        signed=signature_path(model.folder).is_file(),
        versions=_versions(model),
    )


def _rows(model: Model, lake: Lake) -> pl.DataFrame:
    """Return `instrument`, `first`, `last`, and rows of each part, an instrument a row."""
    schema = {"instrument": pl.String(), "first": pl.Date(), "last": pl.Date()} | dict.fromkeys(PARTS, pl.UInt32())
    days = sorted(day for part in PARTS for day in model.days(part))
    try:
        frame = lake.read(gold_table(lake, model.spec.dataset), days[0], days[-1], ["date", "venue", "symbol"])
    except PartitionMissing:
        return pl.DataFrame(schema=schema)
    counts = [pl.col("date").is_in(list(model.days(part))).sum().alias(part) for part in PARTS]
    instrument = pl.concat_str("venue", "symbol", separator=" ").alias("instrument")
    ends = (pl.col("date").min().alias("first"), pl.col("date").max().alias("last"))
    return frame.group_by(instrument).agg(*ends, *counts).sort("instrument")


def _versions(model: Model) -> dict[str, str]:
    """Return what the files say of the libraries that made them; the bytes are those of the manifest."""
    import onnx

    from grinder_resources.learning.snapping import load

    artifact = model.artifact
    graph = onnx.load_model_from_string(artifact.files[MODEL_FILE])
    booster = json.loads(bytes(load(artifact.files[artifact.manifest.heads[0].booster_file]).save_raw("json")))
    opsets = ", ".join(f"{one.domain or 'ai.onnx'} {one.version}" for one in graph.opset_import)
    return {
        "XGBoost": ".".join(map(str, booster["version"])),
        "ONNX operators": opsets,
        "ONNX format": str(graph.ir_version),
        "Code version": str(model.config["code_version"]),
        "Manifest schema": "1",
    }
