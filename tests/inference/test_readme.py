"""The trading process of the README runs as it stands there."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from grinder_resources.inference import Refusal
from grinder_resources.inference.snapshot import Snapshot

ROOT = Path(__file__).resolve().parents[2]

ACTIVE = """
ml:
  enabled: true
  model_dir: {model}
  max_inference_latency_ms: 1000
  ml_infer_enabled: true
  ml_active_enabled: true
  ml_active_ack: I_UNDERSTAND_THIS_AFFECTS_TRADING
"""


@dataclass
class Trading:
    """What stands around the ten lines: a feed, rules that say 10 bps, and the grids that were placed."""

    feed: list[Snapshot]
    placed: list[tuple[str, int, Refusal | None]] = field(default_factory=list)

    def run(self) -> None:
        """Run the README's process."""
        (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
        assert len(code.splitlines()) <= 10
        around: dict[str, Any] = {
            "feed": self.feed,
            "rules_step_bps": lambda _: 10,
            "place_grid": lambda *grid: self.placed.append(grid),
        }
        exec(code, around)


def test_the_trading_process_uses_signals_where_it_may(
    regime_artifact: Path, golden_snapshots: list[Snapshot], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grid a snapshot, wider or narrower by the model's word; none is refused."""
    monkeypatch.chdir(tmp_path)
    Path("live.yaml").write_text(ACTIVE.format(model=regime_artifact))
    trading = Trading(golden_snapshots)
    trading.run()
    assert [refusal for *_, refusal in trading.placed] == [None] * 16
    assert {step for _, step, _ in trading.placed} == {7, 8, 9, 11, 12, 14}


def test_without_the_keys_it_trades_by_its_rules(
    regime_artifact: Path, golden_snapshots: list[Snapshot], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same process with the defaults, or with a model that is gone: every grid is the rules'."""
    monkeypatch.chdir(tmp_path)
    gone = ACTIVE.format(model=tmp_path / "none")
    for settings, code in (("ml: {}", "ML_DISABLED"), (gone, "ARTIFACT_DIR_MISSING")):
        Path("live.yaml").write_text(settings)
        trading = Trading(golden_snapshots[:3])
        trading.run()
        assert [(step, str(refusal.code)) for _, step, refusal in trading.placed if refusal] == [(10, code)] * 3
