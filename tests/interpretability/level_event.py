"""An event of a model of six level heads that limit each other: fitted on made-up rows, published, asked."""

from dataclasses import replace
from pathlib import Path

from grinder_resources.contracts.artifacts import TrainingMetadata
from grinder_resources.contracts.calibration import Calibration
from grinder_resources.export.artifact import ArtifactDraft, write_artifact
from grinder_resources.interpretability.event import Event, open_model
from grinder_resources.learning.ledger import Ledger
from grinder_resources.learning.model_spec import BoosterParams
from grinder_resources.learning.specs import level_signals
from grinder_resources.learning.splits import split_by_date
from grinder_resources.learning.training import prepare, train
from tests.export.small_models import CHAIN, STEPS
from tests.learning.level_rows import level_rows

NAMES = ("tradeable_2", "direction", "strength", "t2_60s", "t2_break_60s", "t2_bounce_60s")
_SPEC = level_signals("stage_b", "full")
SPEC = replace(
    _SPEC,
    heads=tuple(head for head in _SPEC.heads if head.name in NAMES),
    params=BoosterParams(max_depth=3, rounds=4, early_stopping=4),
)


def level_event(root: Path, row: int) -> Event:
    """Return the event of a row number, in time order; the artifact is published below `root`."""
    frame = level_rows(days=3, per_day=200)
    prepared, split = prepare(SPEC, frame), split_by_date(frame["date"].to_list())
    model = train(SPEC, frame, split, Ledger(root / "ledger.jsonl"))
    days = {part: [day.isoformat() for day in getattr(split, part)] for part in ("train", "val", "test")}
    draft = ArtifactDraft(
        name=SPEC.name,
        heads=[head.exportable for head in model.heads],
        input_features=model.columns,
        calibration=Calibration({name: (STEPS,) for name in NAMES if name != "strength"}, SPEC.coherence),
        chain=CHAIN,
        training=TrainingMetadata(200, 200, 7_000, "d4e5f67890123456"),
        config={"days": days, "cuts": {}},
        train_report={},
        train_rows=prepared.matrix.values[:200],
        trained_until=days["val"][-1],
    )
    folder = write_artifact(root, draft, prepared.matrix.values[:50], created_at="2025-03-06T00:00:00Z").directory
    return Event(f"event_{row}", open_model(folder, SPEC), prepared, row)
