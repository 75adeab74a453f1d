"""The same Gold rows give the same model.onnx, byte for byte, whatever the number of threads and the order of rows."""

from dataclasses import replace
from pathlib import Path

import pytest

from grinder_resources.contracts.calibration import Calibration
from grinder_resources.export.artifact import calibration_of
from grinder_resources.export.boosters import booster_ubj
from grinder_resources.export.graph import export_model
from grinder_resources.learning.calibration import logistic_table
from grinder_resources.learning.ledger import Ledger
from grinder_resources.learning.model_spec import BoosterParams
from grinder_resources.learning.specs import level_signals
from grinder_resources.learning.splits import split_by_date
from grinder_resources.learning.training import train
from tests.learning.level_rows import level_rows

SPEC = replace(level_signals("stage_b", "full"), params=BoosterParams(max_depth=3, rounds=4, early_stopping=4))
ROWS = level_rows(days=5, per_day=300)


def exported(tmp_path: Path, threads: int, *, reverse: bool = False) -> dict[str, bytes]:
    """Return model.onnx and every booster of the level spec, trained with that many threads."""
    spec = replace(SPEC, params=replace(SPEC.params, nthread=threads))
    frame = ROWS.reverse() if reverse else ROWS
    model = train(spec, frame, split_by_date(frame["date"].to_list()), Ledger(tmp_path / f"{threads}.jsonl"))
    heads = [head.exportable for head in model.heads]
    tables = {head.name: (logistic_table(),) for head in heads if head.kind == "binary"}
    calibration = calibration_of(Calibration(tables, spec.coherence), heads)
    assert len(calibration.rules) == 14
    boosters = {head.name: booster_ubj(head) for head in heads}
    return {"model.onnx": export_model(heads, model.columns, calibration).onnx, **boosters}


@pytest.mark.parametrize(("threads", "reverse"), [(2, False), (1, True)])
def test_retraining_gives_the_same_bytes(tmp_path: Path, threads: int, reverse: bool) -> None:
    """Fifteen heads, calibrated and coherent: with one thread or two, rows in one order or the other."""
    first, again = exported(tmp_path, 1), exported(tmp_path, threads, reverse=reverse)
    assert len(first) == 16
    assert {name for name in first if first[name] != again[name]} == set()
