"""The commands: what they print, and that each option changes what they do."""

import re
from pathlib import Path

import pytest

from grinder_resources.cli import main
from tests.handover.bundles import files_under, small_lake, small_models


def test_a_corpus_travels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Packed here, unpacked there; the root is the same line on both sides, and refuses another bundle."""
    small_lake(tmp_path / "data")
    for name, days in (("all", []), ("day", ["--tables", "bronze", "--from", "2025-01-06", "--to", "2025-01-06"])):
        packing = ["pack", "corpus", "--data", str(tmp_path / "data"), *days, "--out", str(tmp_path / f"{name}.tar")]
        assert main(packing) == 0
    first, root, second, _ = capsys.readouterr().out.splitlines()
    assert re.fullmatch(rf"{tmp_path}/all.tar: 7 files, [\d,]+ bytes", first)
    assert re.fullmatch(rf"{tmp_path}/day.tar: 2 files, [\d,]+ bytes", second)
    into, asked = ["--into", str(tmp_path / "there")], ["--root", root.removeprefix("root ")]
    assert main(["unpack", str(tmp_path / "day.tar"), *into, *asked]) == 1
    assert capsys.readouterr().err.startswith("BUNDLE_REJECTED: this is another bundle than was asked for")
    assert main(["unpack", str(tmp_path / "all.tar"), *into, "--limit-gib", "0"]) == 1
    assert capsys.readouterr().err.startswith("LIMIT_EXCEEDED: a bundle is too large")
    assert main(["unpack", str(tmp_path / "all.tar"), *into, *asked]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "lake/bronze/prices: 3 days, 4 rows as committed"
    assert lines[-2:] == [first.replace("all.tar", "there"), root]


def test_both_travel_in_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Lake and models lie side by side, as a run left them."""
    small_lake(tmp_path / "data")
    models = small_models(tmp_path / "models")
    here = ["--data", str(tmp_path / "data"), "--models", str(models)]
    assert main(["pack", "all", *here, "plain_v1.0.0", "--tables", "reports", "--out", str(tmp_path / "x.tar")]) == 0
    assert main(["unpack", str(tmp_path / "x.tar"), "--into", str(tmp_path / "there")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "lake/reports/scores: whole, 2 rows as committed"
    assert lines[3].startswith("models/plain_v1.0.0: model ")


def test_models_travel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All, or those that are named."""
    models = small_models(tmp_path / "models")
    for name, names in (("all", []), ("one", ["plain_v1.0.1"])):
        packing = ["pack", "model", *names, "--models", str(models), "--out", str(tmp_path / f"{name}.tar")]
        assert main(packing) == 0
        assert main(["unpack", str(tmp_path / f"{name}.tar"), "--into", str(tmp_path / name)]) == 0
    assert files_under(tmp_path / "all" / "models") == files_under(models)
    assert {path.split("/")[0] for path in files_under(tmp_path / "one" / "models")} == {
        "adopted",
        "ledger.head",
        "ledger.jsonl",
        "plain_v1.0.1",
        "registry",
    }
    assert "models/registry: 3 events, chain unbroken" in capsys.readouterr().out
