"""Model cards: everything on them is a fact of the artifact, the lake or the registry."""

import re
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from grinder_assets.automation import FULL_RUN_SPECS
from grinder_assets.definitions import defs
from grinder_assets.reports.importance import importance_key
from grinder_assets.reports.model_card import MODEL_CARD_ASSETS, model_card_asset, model_card_key
from grinder_resources.cards.evidence import NONE, OTHER_ROWS, OTHER_SETTINGS, SAME, evidence_of
from grinder_resources.cards.facts import Card, card_of
from grinder_resources.cards.page import card_page
from grinder_resources.cards.purpose import NOT_FOR, PURPOSES
from grinder_resources.cards.words import NOT_THIS, carried, commands, drift, limits, not_for, verdict_of
from grinder_resources.cli import build_parser, main
from grinder_resources.contracts.monitoring import drift_table
from grinder_resources.contracts.promotion import promotion_table
from grinder_resources.contracts.reports import walk_forward_table
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.lake import Lake
from grinder_resources.learning.specs import REGIME, SPECS
from tests.interpretability.asked import asked, lake_of


@pytest.fixture(scope="module")
def root() -> Path:
    """Return the folder of lake and models; read only."""
    return asked()


@pytest.fixture(scope="module")
def card(root: Path) -> Card:
    """Return the card of the regime model."""
    return card_of(root / "models" / "regime_v1.0.0", lake_of(root), root / "models")


@pytest.fixture(scope="module")
def page(card: Card) -> str:
    """Return it as HTML."""
    return card_page(card)


def test_every_model_has_a_purpose() -> None:
    """By its dataset; and no purpose outlives its dataset."""
    assert set(PURPOSES) == {spec.dataset for spec in SPECS.values()}
    assert all(sentence.startswith("To ") for sentences in PURPOSES.values() for sentence in sentences)


def test_a_card_holds_what_the_files_say(card: Card, page: str) -> None:
    """Rows by part and instrument, versions by themselves, and every file with its hash."""
    manifest = card.model.artifact.manifest
    assert card.rows.row(0, named=True) == {
        "instrument": "demo A",
        "first": date(2025, 1, 6),
        "last": date(2025, 1, 9),
        "train": 480,
        "val": 240,
        "test": 240,
    }
    assert re.fullmatch(r"3\.2\.\d+", card.versions["XGBoost"])
    assert all(one.sha256 in page for one in manifest.files)
    for fact in (manifest.model_hash, manifest.chain_root, REGIME.doc, "2025-01-06 to 2025-01-07 (2)", *NOT_FOR):
        assert fact in page


def test_scores_stand_with_their_intervals_and_slices_are_drawn(card: Card, page: str) -> None:
    """Bands of hours beside days and instruments; reliability, slices, forest and importance are pictures."""
    assert len(re.findall(r'class="interval">\[', page)) >= 3 * 4
    assert set(card.evidence.reliability["by"]) == {"day", "symbol", "hour"}
    assert page.count("<svg") == 6
    assert "http" not in page.replace("http://www.w3.org", "")


def test_the_verdict_is_the_promotion_checks(card: Card) -> None:
    """Here the only head does not carry, so it is not to be used, and every code is among the limits."""
    rows = card.evidence.promotion
    against = {code for codes in rows["codes"] for code in codes.split()}
    assert carried(card) == {"regime": False}
    assert verdict_of(card) == ("The evidence does not carry its only head: research only, not for use.", False)
    assert not_for(card)[-1] == "Any use in trading: the evidence carries no head yet."
    assert {line.split(":")[0] for line in limits(card)} >= against


def test_what_carries_is_said_so(card: Card) -> None:
    """All heads, some of them, or nothing judged."""
    table = promotion_table("regime")
    clean = table.conform(card.evidence.promotion.with_columns(pl.lit("").alias("codes")))
    other = table.conform(clean.with_columns(pl.lit("other").alias("head"), pl.lit("NO_EDGE").alias("codes")))

    def judged(promotion: pl.DataFrame) -> Card:
        return replace(card, evidence=replace(card.evidence, promotion=promotion))

    assert verdict_of(judged(clean)) == ("The evidence carries its head.", True)
    assert not_for(judged(clean)) == NOT_FOR
    both = judged(pl.concat([clean, other]))
    assert verdict_of(both) == ("The evidence carries 1 of 2 heads: regime.", True)
    assert not_for(both)[-1] == "Any use of other: the evidence does not carry it."
    assert verdict_of(judged(table.empty())) == ("Not judged: there was no promotion check.", False)


def test_evidence_about_other_rows_or_settings_is_said_to_be_so(root: Path, card: Card, tmp_path: Path) -> None:
    """The walk-forward in the lake may be newer than the artifact, or judged with settings it was not fitted with."""
    assert card.evidence.about == SAME
    lake = Lake(str(shutil.copytree(root / "lake", tmp_path / "lake")))
    table = walk_forward_table("regime")
    upstream = lake.stamps(table.name)[""].upstream
    lake.commit(table, lake.read(table), day=None, code_version="2", upstream={**upstream, "spec": "0" * 64})
    other = replace(card, evidence=evidence_of(card.model, lake, root / "models"))
    assert other.evidence.about == OTHER_SETTINGS
    assert (carried(other), verdict_of(other)) == ({}, (NOT_THIS, False))
    lake.commit(table, lake.read(table), day=None, code_version="2", upstream={"dataset": "0" * 64})
    assert evidence_of(card.model, lake, root / "models").about == OTHER_ROWS
    lake.commit(table, table.empty(), day=None, code_version="2")
    assert evidence_of(card.model, lake, root / "models").about == NONE


def test_a_card_without_a_lake_is_still_a_card(root: Path, tmp_path: Path) -> None:
    """The artifact's own files speak, and what is not known is said so."""
    bare = card_of(root / "models" / "regime_v1.0.0", Lake(str(tmp_path)), root / "models")
    page = card_page(bare)
    assert (bare.rows.height, bare.evidence.about, page.count("<svg")) == (0, NONE, 0)
    assert "Not judged: there was no promotion check." in page
    assert bare.model.artifact.manifest.chain_root in page


def test_the_registrys_word_is_on_the_card(root: Path, page: str, tmp_path: Path) -> None:
    """Staged since when, and by which event; a version it does not know is not registered."""
    models = shutil.copytree(root / "models", tmp_path / "models")
    folder, places = models / "regime_v1.0.0", ["--models", str(models)]
    assert main(["registry", "init", *places]) == 0
    assert card_of(folder, lake_of(root), models).stage == "not registered"
    assert main(["registry", "stage", "regime", *places, "--data", str(root)]) == 0
    stage = card_of(folder, lake_of(root), models).stage
    assert re.fullmatch(r"staged since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, by event 1", stage)
    bare = card_of(folder, Lake(str(tmp_path)), models)
    assert f"Registry: {stage}." in card_page(bare)
    assert "Registry: there is none." in page


def test_the_newest_drift_report_is_on_the_card_if_it_is_about_it(root: Path, card: Card, tmp_path: Path) -> None:
    """Critical findings before warnings; a report on another version says nothing about this one."""
    assert drift(card) == "Drift: there is no report on this artifact yet."
    lake, table = Lake(str(shutil.copytree(root / "lake", tmp_path / "lake"))), drift_table("regime")
    hashes, blank = card.model.artifact.manifest.model_hash, dict.fromkeys(drift_table("regime").schema.names())
    found = {"natr_bps": "warning", "depth": "critical", "spread_bps": "ok"}

    def told(model_hash: str, states: dict[str, str]) -> str:
        rows = [
            blank
            | {"model_hash": model_hash, "kind": "feature", "name": name, "rows": 9, "state": state, "sentence": ""}
            for name, state in states.items()
        ]
        lake.commit(table, pl.DataFrame(rows, schema=table.schema), day=None, code_version="1")
        return drift(card_of(card.model.folder, lake, root / "models"))

    assert told(hashes, found) == "Drift, by the newest report: critical: depth; warning: natr_bps."
    assert told(hashes, {"depth": "ok"}) == "Drift, by the newest report: none of 1 findings calls for a look."
    assert told("0" * 16, found) == "Drift: there is no report on this artifact yet."


def test_settings_inputs_and_a_signature_are_named(root: Path, card: Card, page: str, tmp_path: Path) -> None:
    """What was fitted with what; whether a signature lies beside the folder."""
    assert "<dt>min child weight</dt><dd>20.0</dd>" in page
    assert "40 inputs" in page
    models = shutil.copytree(root / "models", tmp_path / "models")
    (models / "signatures").mkdir()
    (models / "signatures" / "regime_v1.0.0.sig").write_text("{}", encoding="utf-8")
    assert (card.signed, card_of(models / "regime_v1.0.0", lake_of(root), models).signed) == (False, True)


def test_the_commands_on_a_card_exist(card: Card) -> None:
    """Each is taken by the parser as it is printed."""
    for command, _ in commands(card):
        words = command.removeprefix("grinder ").split()
        assert callable(build_parser().parse_args(words).run)


def test_the_command_writes_the_page(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And prints the verdict; the registry is looked for beside the artifact unless another folder is named."""
    out, folder = tmp_path / "deep" / "card.html", str(root / "models" / "regime_v1.0.0")
    assert main(["card", folder, "--out", str(out), "--data", str(root), "--models", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("regime_v1.0.0: The evidence does not carry its only head")
    assert "<h1>regime_v1.0.0</h1>" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize("models", ["models", "none"])
def test_the_asset_writes_a_card_or_says_why_not(root: Path, tmp_path: Path, models: str) -> None:
    """Without an artifact the run ends well, with the reason."""
    result = dg.materialize(
        [model_card_asset(REGIME)],
        instance=dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)),
        resources={
            "lake": LakeResource(root=str(root / "lake")),
            "models": ModelStore(folder=str(root / models)),
            "warehouse": WarehouseResource(pages=str(tmp_path / "reports")),
        },
    )
    (event,) = result.asset_materializations_for_node("reports__regime_model_card")
    assert event.metadata["carded"].value is (models == "models")
    assert (tmp_path / "reports" / "regime" / "model_card.html").is_file() is (models == "models")


def test_every_model_has_a_card_at_the_end_of_its_line() -> None:
    """After everything it tells of."""
    assert [asset.key for asset in MODEL_CARD_ASSETS] == [model_card_key(spec) for spec in SPECS.values()]
    asset = model_card_asset(REGIME)
    assert {key.to_user_string() for key in asset.asset_deps[asset.key]} == {
        "training/regime",
        "reports/regime_walk_forward",
        "reports/regime_calibration",
        "reports/regime_promotion",
        "reports/regime_importance",
        "registry/regime",
    }


@pytest.mark.parametrize("job", ["main", "retrain"])
def test_full_runs_and_retrains_end_with_importance_and_a_card(job: str) -> None:
    """For every model that belongs to them."""
    keys = defs.resolve_job_def(job).asset_layer.selected_asset_keys
    assert {make(spec) for spec in FULL_RUN_SPECS for make in (importance_key, model_card_key)} <= keys
