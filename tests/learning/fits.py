"""Training with a ledger that nobody reads."""

import tempfile
from pathlib import Path

import polars as pl

from grinder_resources.learning.ledger import Ledger
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.learning.splits import Split
from grinder_resources.learning.training import TrainedModel, train


def trained(spec: ModelSpec, rows: pl.DataFrame, split: Split) -> TrainedModel:
    """Return a spec's heads fitted on a split."""
    with tempfile.TemporaryDirectory() as folder:
        return train(spec, rows, split, Ledger(Path(folder) / "ledger.jsonl"))
