"""Where a command looks: the folder it was given, else what the environment says, else below the working directory."""

import os
from pathlib import Path


def lake_root(data: Path | None) -> str:
    """Return the address of the lake in a data folder; of `GRINDER_LAKE`, default `data/lake`, if none is given."""
    return str(data / "lake") if data else os.environ.get("GRINDER_LAKE") or "data/lake"


def models_dir(models: Path | None) -> Path:
    """Return the folder of models given; that of `GRINDER_MODELS`, default `models`, if none is given."""
    return models or Path(os.environ.get("GRINDER_MODELS") or "models")


def reports_dir(reports: Path | None) -> Path:
    """Return the folder of pages given; that of `GRINDER_REPORTS`, default `data/reports`, if none is given."""
    return reports or Path(os.environ.get("GRINDER_REPORTS") or "data/reports")
