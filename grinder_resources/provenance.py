"""Where a report comes from: data, model, code and days, as the few lines a page shows."""

from pathlib import Path

from grinder_resources.datasets import dataset_sha256
from grinder_resources.export.artifact import latest_version
from grinder_resources.export.verify import read_artifact
from grinder_resources.lake import Lake
from grinder_resources.learning.model_spec import ModelSpec


def provenance(spec: ModelSpec, lake: Lake, models_dir: Path, code_version: str) -> dict[str, str]:
    """Return label -> text; PartitionMissing without a dataset, ArtifactRejected if the model does not verify."""
    stamps = lake.stamps(spec.dataset)
    days = [day for day in sorted(stamps) if stamps[day].rows]
    version = latest_version(models_dir, spec.name)
    model = "none: nothing could be trained"
    if version:
        model = f"{version}, {read_artifact(models_dir / f'{spec.name}_{version}').manifest.model_hash}"
    return {
        "Dataset": spec.dataset,
        "Days": f"{days[0]} to {days[-1]} ({len(days)})" if days else "none with rows",
        "Rows": str(sum(stamp.rows for stamp in stamps.values())),
        "Data hash": dataset_sha256(lake, spec.dataset)[:16],
        "Model": model,
        "Code version": code_version,
    }
