"""`grinder registry` on a real model that carries nothing: each command says what it did, or one line why not."""

import argparse
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grinder_resources.cli import main
from grinder_resources.export.artifact import publish
from grinder_resources.export.bot_registry import resolve
from grinder_resources.hashing import sha256_facts
from grinder_resources.lake import Lake
from grinder_resources.learning.adopted import Adopted, adopted_path, in_force
from grinder_resources.learning.ledger import LEDGER_FILE, Ledger
from grinder_resources.learning.model_spec import BoosterParams
from grinder_resources.learning.specs import REGIME
from grinder_resources.registry.command import add_parsers
from grinder_resources.registry.events import AnswerEvidence
from grinder_resources.registry.evidence import artifact_of, evidence_of
from grinder_resources.registry.log import Registry
from grinder_resources.registry.printing import evidence_row, standing_lines
from grinder_resources.registry.states import Standing
from tests.export.plain_artifacts import plain, plain_files

Say = Callable[..., tuple[int, str]]

AGAINST = "NO_PROMOTION CALIBRATION_ABOVE_GATE"
NO_COPY = "the trading process reads a copy: `grinder registry export` writes it\n"


@pytest.fixture
def say(judged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Return a function that runs a command on a copy of the models, and returns exit code and output, times cut."""
    shutil.copytree(judged / "models", tmp_path / "models", ignore=shutil.ignore_patterns("folds"))
    monkeypatch.setenv("GRINDER_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("GRINDER_LAKE", str(judged / "lake"))
    monkeypatch.setenv("GRINDER_ACTOR", "maria")
    monkeypatch.delenv("GRINDER_SIGNING_KEY", raising=False)

    def run(*words: str) -> tuple[int, str]:
        code = main(["registry", *words])
        shown = capsys.readouterr()
        text = (shown.out + shown.err).replace(f"{tmp_path}/", "")
        return code, re.sub(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>", text)

    return run


def test_a_model_from_candidate_to_production(say: Say) -> None:
    """Staged with its evidence, held back by the gates, promoted in spite of them, and all of it on record."""
    assert say("init") == (0, "models/registry/log.jsonl: an empty registry\n")
    sentence = "No promotion of regime: the evidence does not carry its only head yet."
    staged = f"   1  <time>  staged       regime_v1.0.0  maria: {sentence}\n"
    assert say("stage", "regime") == (0, staged)
    assert say("stage", "regime") == (0, "nothing new: regime_v1.0.0 is staged, and its evidence is as it was\n")
    code, refused = say("promote", "regime")
    assert code == 1
    assert refused.endswith(
        f"PROMOTION_REFUSED: the gates do not let it through (regime v1.0.0; got {AGAINST}). "
        '--despite "why" records that it was done all the same.\n'
    )
    assert [line.split()[:2] for line in refused.splitlines()[:-1]] == [
        ["ok", "artifact"],
        ["ok", "evidence"],
        ["NO", "verdict"],
        ["NO", "calibration"],
        ["ok", "ledger"],
        ["ok", "data"],
        ["ok", "another"],
    ]
    promoted = f"   2  <time>  promoted     regime_v1.0.0  maria: for shadow (despite {AGAINST})\n"
    assert promoted + NO_COPY in say("promote", "regime", "--despite", "for shadow", "--actor", "maria")[1]
    assert say("history", "regime") == (0, staged + promoted)


def test_where_models_stand_now_and_stood_then(say: Say) -> None:
    """A table of now, and the same of any time."""
    say("init")
    assert say("list") == (0, "no model is registered\n")
    say("stage", "regime")
    heading = (
        "model                         production  since                 staged    deprecated              retired"
    )
    row = "regime                        -           -                     v1.0.0    -                       -"
    assert say("list") == (0, f"{heading}\n{row}\n")
    assert say("at", "2020-01-31") == (0, "no model is registered\n")
    assert say("at", "2099-01-31T00:00:00Z") == say("list")


@pytest.mark.parametrize(
    ("typed", "time"),
    [
        ("2025-01-31", "2025-01-31T23:59:59Z"),
        ("20250131", "2025-01-31T23:59:59Z"),
        ("2025-01-31T12:00", "2025-01-31T12:00:00Z"),
        ("2025-01-31T12:00:00+02:00", "2025-01-31T10:00:00Z"),
    ],
)
def test_a_time_is_utc_and_a_day_ends_with_its_last_second(typed: str, time: str) -> None:
    """However it is written."""
    parser = argparse.ArgumentParser()
    add_parsers(parser.add_subparsers())
    assert parser.parse_args(["registry", "at", typed]).time == time


def test_a_version_is_shown_with_its_evidence(say: Say) -> None:
    """Answer by answer; the candidate here, as nothing is in production."""
    say("init")
    say("stage", "regime")
    code, shown = say("show", "regime")
    assert code == 0
    first, *_, low, mid, high = shown.splitlines()
    assert first == "regime_v1.0.0: staged since <time>, by event 1"
    assert "\nrows 13a129a221ce22cb, 2025-01-06 to 2025-01-09\n" in shown
    shape = r"regime: {} +0\.\d{{3}} +-?0\.\d{{3}} -?0\.\d{{3}} +[A-Z_ ]+CALIBRATION_ABOVE_GATE"
    for name, line in (("LOW", low), ("MID", mid), ("HIGH", high)):
        assert re.match(shape.format(name), line), line
    assert say("show", "regime", "v1.0.0") == (code, shown)
    assert say("show", "regime", "v9.0.0")[0] == 1


def test_columns_stand_apart_however_long_a_name_is() -> None:
    """Some models have names that are longer than their column."""
    _, row = standing_lines({"x" * 31: Standing("x" * 31, {})})
    assert row.split() == ["x" * 31, "-", "-", "-", "-", "-"]


def test_the_newest_folds_are_shown() -> None:
    """Five of them, and a sign that there are more; a fold that could not be scored has none."""
    few = AnswerEvidence("h", "h", (20_000, None, -30_000), 12_345, ())
    assert evidence_row(few) == ("h", "0.012", "0.020 - -0.030", "nothing")
    many = AnswerEvidence("h", "h", (900_000, 1_000, 2_000, 3_000, 4_000, 5_000), None, ("NO_EDGE",))
    assert evidence_row(many) == ("h", "-", "… 0.001 0.002 0.003 0.004 0.005", "NO_EDGE")


def test_a_rollback_needs_a_version_before(say: Say) -> None:
    """And a reason."""
    say("init")
    say("stage", "regime")
    say("promote", "regime", "--despite", "for shadow")
    refused = (
        "REGISTRY_REJECTED: there is no version to go back to (regime; got none before; expected v1.0.0 production)"
    )
    assert say("rollback", "regime", "--reason", "drift") == (1, f"{refused}\n")
    with pytest.raises(SystemExit, match="2"):
        say("rollback", "regime")


def test_settings_say_how_many_versions_are_kept(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`max_versions` of the operations' file; ten by default."""
    for content in (b"one", b"two", b"three"):
        publish(tmp_path / "models", replace(plain(content), model_name="regime"), plain_files(content))
    say("init")
    for version in ("v1.0.0", "v2.0.0"):
        say("stage", "regime", version)
    (tmp_path / "operations.yaml").write_text("ml:\n  registry:\n    max_versions: 2\n")
    assert "retired" not in say("stage", "regime", "v2.0.1")[1]
    monkeypatch.setenv("GRINDER_OPERATIONS", str(tmp_path / "operations.yaml"))
    retired = re.findall(r"retired +(\S+)  maria: (.+)", say("stage", "regime", "v2.0.2")[1])
    assert retired == [("regime_v1.0.0", "more than 2 versions"), ("regime_v2.0.0", "more than 2 versions")]


def test_a_reason_has_words(say: Say) -> None:
    """On one line, whatever was typed."""
    say("init")
    say("stage", "regime")
    assert f"maria: for shadow (despite {AGAINST})\n" in say("promote", "regime", "--despite", " for\n shadow ")[1]
    with pytest.raises(SystemExit, match="2"):
        say("promote", "regime", "--despite", " ")


def test_a_version_is_what_its_folder_is_called(say: Say, tmp_path: Path) -> None:
    """A copy under another name is not another version."""
    say("init")
    shutil.copytree(tmp_path / "models" / "regime_v1.0.0", tmp_path / "models" / "regime_v1.0.1")
    code, line = say("stage", "regime")
    assert code == 1
    assert line.startswith(
        "ARTIFACT_REJECTED: a folder is called after its version (models/regime_v1.0.1; got regime_v"
    )


def test_verify_hashes_events_and_artifacts(say: Say, tmp_path: Path) -> None:
    """And names what is not as it was."""
    say("init")
    say("stage", "regime")
    root = Registry(tmp_path / "models").read()[-1].sha256
    assert say("verify") == (
        0,
        f"models/registry/log.jsonl: 1 event of 1 model, chain unbroken\nas registered: 1 artifact\nroot {root}\n",
    )
    (tmp_path / "models" / "regime_v1.0.0" / "model.onnx").write_bytes(b"own")
    code, line = say("verify")
    assert code == 1
    assert line.startswith("ARTIFACT_REJECTED: ")


def test_a_copy_for_the_trading_process(say: Say, tmp_path: Path) -> None:
    """Beside the artifacts by default, or where their paths can start."""
    say("init")
    say("stage", "regime")
    assert say("export") == (0, "models/models.json: 1 model\n")
    assert say("export", "--out", str(tmp_path / "all.json"), "--commit", "1" * 40) == (0, "all.json: 1 model\n")
    assert '"artifact_dir": "models/regime_v1.0.0"' in (tmp_path / "all.json").read_text()
    assert "1" * 40 in (tmp_path / "all.json").read_text()


def test_a_copy_that_is_there_follows_promotions_and_rollbacks(say: Say, tmp_path: Path) -> None:
    """With what it says, the trading process changes; a copy that cannot be written takes nothing back."""
    models = tmp_path / "models"
    publish(models, replace(plain(b"two"), model_name="regime"), plain_files(b"two"))
    (two,) = (path.name for path in models.glob("regime_v*") if path.name != "regime_v1.0.0")
    say("init")
    say("stage", "regime", "v1.0.0")
    say("export")
    renewed = "models/models.json: 1 model\n"
    assert say("promote", "regime", "--despite", "for shadow")[1].endswith(renewed)
    assert resolve(models / "models.json", "regime", "active")[0].name == "regime_v1.0.0"
    say("stage", "regime", two.removeprefix("regime_"))
    say("promote", "regime", "--despite", "for shadow")
    assert resolve(models / "models.json", "regime", "active")[0].name == two
    assert say("rollback", "regime", "--reason", "drift")[1].endswith(renewed)
    assert resolve(models / "models.json", "regime", "active")[0].name == "regime_v1.0.0"
    (models / "models.json").write_text("{")
    code, shown = say("promote", "regime", two.removeprefix("regime_"), "--despite", "again")
    assert code == 1
    assert "this stands, but models/models.json does not say so yet: `grinder registry export`" in shown
    assert say("list")[1].splitlines()[1].split()[1] == two.removeprefix("regime_")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("list",), "REGISTRY_REJECTED: there is no registry (models/registry)."),
        (("promote", "regime"), "REGISTRY_REJECTED: there is no registry (models/registry)."),
        (("stage", "toxicity"), "NO_DATA: the model has no artifact (models; got toxicity)."),
        (("stage", "regime", "v9.0.0"), "ARTIFACT_REJECTED: this cannot be opened as a plain file or folder"),
    ],
)
def test_what_is_not_there_is_one_line(say: Say, words: tuple[str, ...], line: str) -> None:
    """With exit code 1, and no registry made in passing."""
    code, shown = say(*words)
    assert code == 1
    assert shown.startswith(line)
    assert shown.count("\n") == 1


def test_evidence_is_what_lake_and_ledger_say(judged: Path) -> None:
    """Of the very settings and rows the artifact says it was fitted with."""
    artifact = artifact_of(judged / "models" / "regime_v1.0.0")
    assert (artifact.data_from, artifact.data_until) == ("2025-01-06", "2025-01-09")
    assert artifact.spec == sha256_facts(REGIME.facts)
    evidence = evidence_of(REGIME, Lake(str(judged / "lake")), judged / "models")
    assert evidence is not None
    assert (evidence.spec, evidence.dataset) == (artifact.spec, artifact.dataset)
    newest = Ledger(judged / "models" / LEDGER_FILE).read()[-1]
    assert (evidence.ledger_count, evidence.ledger_newest) == (newest.seq, newest.sha256)
    assert [(answer.answer, len(answer.folds_ppm)) for answer in evidence.answers] == [
        ("regime: LOW", 2),
        ("regime: MID", 2),
        ("regime: HIGH", 2),
    ]
    assert all(answer.ece_upper_ppm > 30_000 for answer in evidence.answers if answer.ece_upper_ppm)


def test_evidence_of_other_settings_is_no_evidence_of_those_in_force(judged: Path, tmp_path: Path) -> None:
    """A walk-forward made before settings were adopted speaks for no artifact that is fitted with them."""
    lake = Lake(str(shutil.copytree(judged / "lake", tmp_path / "lake")))
    adopted = Adopted("regime", BoosterParams(max_depth=2), "s", 1, 2, 1, "f" * 64)
    adopted_path("regime", tmp_path).parent.mkdir()
    adopted_path("regime", tmp_path).write_bytes(adopted.encoded())
    evidence = evidence_of(REGIME, lake, tmp_path)
    assert evidence is not None
    assert evidence.spec not in {sha256_facts(REGIME.facts), sha256_facts(in_force(REGIME, tmp_path).facts)}


def test_there_is_no_evidence_without_a_walk_forward(judged: Path, tmp_path: Path) -> None:
    """An empty lake is no verdict."""
    assert evidence_of(REGIME, Lake(str(tmp_path / "lake")), judged / "models") is None
