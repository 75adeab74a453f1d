"""The table `grinder run` ends with: what was made, how many rows, what the models are worth, where to look."""

import os
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import polars as pl

from grinder_assets.automation import FULL_RUN_SPECS
from grinder_resources.contracts.promotion import promotion_table
from grinder_resources.contracts.replay import DECISIONS
from grinder_resources.contracts.reports import verdicts_table, walk_forward_table
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.evaluation.summary import modes_of, pooled, target_label
from grinder_resources.export.artifact import latest_version
from grinder_resources.lake import Lake
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.replay.summary import log_line


def summary(landing: Path, days: Sequence[date], seconds: float) -> str:
    """Return the closing text of a run over `days`."""
    lake, models, warehouse = LakeResource().open(), ModelStore().path, WarehouseResource()
    lines = [f"Main job: {days[0]} to {days[-1]}, {len(days)} days with data, {seconds:.0f} s", ""]
    lines += _tables(lake)
    for spec in FULL_RUN_SPECS:
        if any(stamp.rows for stamp in lake.stamps(spec.dataset).values()):
            lines += ["", *_model(spec, lake, models)]
    lines += _replay(lake)
    lines += ["", "Where to look", f"  landing files   {_near(landing)}", f"  DuckDB          {_near(warehouse.path)}"]
    lines += [
        f"  models          {_near(models)}",
        f"  reports         {_near(warehouse.pages_path)}",
        "  Dagster UI      make ui",
    ]
    return "\n".join(lines) + "\n"


def _tables(lake: Lake) -> Iterator[str]:
    yield f"{'table':<44}{'days':>6}{'rows':>14}"
    for name in lake.tables():
        if name.startswith("reports/"):
            continue
        stamps = lake.stamps(name)
        yield f"{name:<44}{len(stamps):>6}{sum(stamp.rows for stamp in stamps.values()):>14,}"


def _model(spec: ModelSpec, lake: Lake, models: Path) -> Iterator[str]:
    version = latest_version(models, spec.name)
    yield f"model {spec.name} {version or 'not trained'}: open out-of-fold rows with 95 % intervals"
    scores, verdicts = lake.read(walk_forward_table(spec.name)), lake.read(verdicts_table(spec.name))
    modes = modes_of(scores)
    if not modes:
        yield "  nothing could be judged; the report page says why"
        return
    yield f"  skill is over {spec.reference_name} alone: 0 = no better"
    yield f"  {'answer':<20}{'open':>7}{'settled':>9}  {'auc':<22}{'skill':<24}ece"
    table = pooled(scores, modes[0])
    for row in verdicts.filter(pl.col("mode") == modes[0]).iter_rows(named=True):
        head = table.filter(pl.col("head") == row["head"], pl.col("class") == row["class"])
        auc, skill, ece = (_metric(head, name) for name in ("auc", "skill", "ece"))
        shown = f"{auc:<22}{skill:<24}{ece}".rstrip() if skill else row["verdict"]
        yield f"  {target_label(row['head'], row['class']):<20}{row['rows']:>7}{row['settled']:>9}  {shown}"
    yield f"  promotion: {_promotion(lake.read(promotion_table(spec.name)))}"


def _replay(lake: Lake) -> Iterator[str]:
    if DECISIONS.name in lake.tables():
        yield ""
        yield f"shadow replay: {log_line(lake.read(DECISIONS))}"


def _promotion(answers: pl.DataFrame) -> str:
    carries = answers.group_by("head").agg((pl.col("codes") == "").all().alias("carries"))["carries"]
    return f"{carries.sum()} of {len(carries)} heads carry; promotion.html says what speaks against the others"


def _metric(scores: pl.DataFrame, name: str) -> str:
    rows = scores.filter(pl.col("metric") == name).select("value", "low", "high").rows()
    if not rows:
        return ""
    value, low, high = rows[0]
    interval = f" [{low:.3f}, {high:.3f}]" if low is not None else ""
    return f"{value:.3f}{interval}"


def _near(path: Path) -> str:
    relative = os.path.relpath(path)
    return relative if not relative.startswith("..") else str(path)
