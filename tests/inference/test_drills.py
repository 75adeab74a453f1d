"""Every drill ends safe on the golden model, and a drill that would not says so."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grinder_resources.cli import main
from grinder_resources.errors import DrillFailed
from grinder_resources.inference import Decision, MlConfig, Mode, Refusal, RefusalCode, SignalEngine
from grinder_resources.proofs.drills.rig import require_healthy, rig_of, tally
from tests.contracts.test_signals import SIGNAL
from tests.inference.toy_model import Script, at, toy_source

TABLE = """\
drill               reason              snapshots to safe  policy changed
corrupt_model       MODEL_NOT_LOADED    0                  no              safe
wrong_hash          MODEL_NOT_LOADED    0                  no              safe
nan_features        NOT_FINITE          0                  no              safe
missing_feature     MISSING_FEATURE     0                  no              safe
slow_inference      DEADLINE            0                  no              safe
stale_model         STALE_MODEL         0                  no              safe
hung_model          DEADLINE            0                  no              safe
registry_torn       MANIFEST_INVALID    0                  no              safe
kill_switch         KILL_SWITCH_ENV     0                  no              safe
canary_degradation  CANARY_ROLLED_BACK  10                 10 snapshots    safe
"""


def test_every_drill_ends_safe(regime_artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ten faults; nine change nothing at all, and a canary is back within the ten outcomes its rule asks for."""
    assert main(["drill", "--all", "--model", str(regime_artifact)]) == 0
    assert capsys.readouterr().out == TABLE


def test_drills_are_chosen_by_name(regime_artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown one, or none at all, is refused with the list; so is a folder without a model."""
    assert main(["drill", "kill_switch", "--model", str(regime_artifact)]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("kill_switch")
    assert main(["drill", "earthquake"]) == 1
    assert "expected corrupt_model, wrong_hash" in capsys.readouterr().err
    assert main(["drill"]) == 1
    assert main(["drill", "--all", "--models", str(regime_artifact)]) == 1
    assert "no regime model to drill" in capsys.readouterr().err


def test_the_newest_model_is_drilled(regime_artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a folder of artifacts."""
    assert main(["drill", "nan_features", "--models", str(regime_artifact.parent)]) == 0
    assert "NOT_FINITE" in capsys.readouterr().out


REFUSED = Decision(1, "X", Mode.ACTIVE, refusal=Refusal(RefusalCode.DEADLINE))
USED = Decision(1, "X", Mode.ACTIVE, replace(SIGNAL, spacing_multiplier_x1000=1_500), applied=True)


@pytest.mark.parametrize(
    ("decisions", "expected", "allowed", "safe"),
    [
        ([REFUSED], "DEADLINE", 0, True),
        ([REFUSED], "STALE_MODEL", 0, False),
        ([USED, REFUSED], "DEADLINE", 0, False),
        ([USED, REFUSED], "DEADLINE", 1, True),
        ([REFUSED, USED, REFUSED], "DEADLINE", 1, False),
        ([USED], "DEADLINE", 5, False),
    ],
)
def test_safe_is_what_the_drill_demands(decisions: list[Decision], expected: str, allowed: int, *, safe: bool) -> None:
    """The right reason, and no policy changed but by those snapshots that are allowed to."""
    assert tally("drill", decisions, expected, allowed=allowed).safe is safe


def test_a_drill_on_a_sick_engine_is_no_drill() -> None:
    """An engine that uses no signal would pass every drill."""
    with pytest.raises(DrillFailed, match="a healthy engine uses its signals"):
        require_healthy(SignalEngine(MlConfig(), toy_source(Script()), {}), [at(1)])


def test_an_unsafe_drill_is_an_exit_code(
    regime_artifact: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table is printed all the same."""
    from grinder_resources.proofs.drills import faults

    unsafe: Callable[..., object] = lambda rig: tally("kill_switch", [USED], "KILL_SWITCH_ENV")  # noqa: E731
    monkeypatch.setattr(faults, "DRILLS", {"kill_switch": unsafe})
    assert main(["drill", "--all", "--model", str(regime_artifact)]) == 1
    printed = capsys.readouterr()
    assert "NOT SAFE" in printed.out
    assert printed.err.startswith("DRILL_FAILED: a drill did not end safe (got kill_switch")


def test_drills_leave_the_model_as_it_was(regime_artifact: Path, tmp_path: Path) -> None:
    """They break copies."""
    before = {path.name: path.read_bytes() for path in regime_artifact.iterdir()}
    rig = rig_of(regime_artifact, tmp_path)
    assert (rig.copy() / "model.onnx").read_bytes() == before["model.onnx"]
    assert {path.name: path.read_bytes() for path in regime_artifact.iterdir()} == before
