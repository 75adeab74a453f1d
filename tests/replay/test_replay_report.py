"""The replay of a lake's newest day through a real artifact: kept while nothing changed, and told in plain words."""

import shutil
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from grinder_assets.reports.shadow_replay import shadow_replay_report
from grinder_resources.contracts.bronze import INSTRUMENTS
from grinder_resources.contracts.gold import REGIME_DATASET
from grinder_resources.contracts.replay import DECISIONS, TOTALS
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.errors import ArtifactRejected, NoData
from grinder_resources.export.build import build_artifact
from grinder_resources.lake import Lake
from grinder_resources.learning.specs import SPECS
from grinder_resources.replay.page import replay_page
from grinder_resources.replay.plots import replay_png
from grinder_resources.replay.report import ShadowReplay, shadow_replay
from grinder_resources.replay.summary import Constant, Summary, best_constant, log_line, mean_difference
from grinder_resources.replay.totals import totals
from tests.learning.regime_gold import DAYS, FIRST, land

LAST = date(2025, 1, 9)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a lake of four small days and the regime model that they teach; read only."""
    root = tmp_path_factory.mktemp("trained")
    land(root)
    lake = Lake(str(root / "lake"))
    for number in range(DAYS):
        day = date(2025, 1, FIRST.day + number)
        facts = {"date": day, "venue": "demo", "symbol": "A", "tick_size": "0.01", "lot_size": "0.001"}
        rows = pl.DataFrame([facts | {"session": "24x7"}], schema=INSTRUMENTS.schema)
        lake.commit(INSTRUMENTS, rows, day=day, code_version="1")
    build_artifact(SPECS["regime"], REGIME_DATASET, lake, root / "models", "1")
    return root


@pytest.fixture(scope="module")
def first(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[ShadowReplay, Path]:
    """Return the replay of the last day, and the folder it was made in."""
    root = tmp_path_factory.mktemp("replayed") / "root"
    shutil.copytree(trained, root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ML_KILL_SWITCH", "1")
        return shadow_replay("regime", Lake(str(root / "lake")), root / "models", "1"), root


def test_the_newest_day_is_replayed_out_of_sample(first: tuple[ShadowReplay, Path]) -> None:
    """Every row of the last day has a signal, whatever the process's kill switch says; the model never saw the day."""
    replay, _ = first
    assert (replay.day, replay.model, replay.rebuilt, replay.residual) == (LAST, "regime_v1.0.0", True, 0)
    assert replay.out_of_sample
    assert replay.decisions["model_hash"].unique().to_list() == [replay.model_hash]
    assert replay.decisions["refusal"].unique().to_list() == [""]
    assert replay.decisions["features_hash"].n_unique() == replay.decisions.height == 240
    assert (
        (replay.decisions["prob_low_bps"] + replay.decisions["prob_mid_bps"] + replay.decisions["prob_high_bps"])
        .eq(10_000)
        .all()
    )


def test_nothing_changed_is_read_back(first: tuple[ShadowReplay, Path]) -> None:
    """The second time the rows come from the lake, other code makes them anew, and they are equal."""
    made, root = first
    lake = Lake(str(root / "lake"))
    kept = shadow_replay("regime", lake, root / "models", "1")
    other = shadow_replay("regime", lake, root / "models", "2")
    assert (kept.rebuilt, other.rebuilt) == (False, True)
    assert kept.digest == other.digest == made.digest
    assert kept.decisions.equals(lake.read(DECISIONS))
    assert kept.totals.equals(lake.read(TOTALS))


def test_a_damaged_model_is_not_replayed(trained: Path, tmp_path: Path) -> None:
    """A bit that flipped in the graph stops the report before anything is decided."""
    shutil.copytree(trained / "models", tmp_path / "models")
    graph = tmp_path / "models" / "regime_v1.0.0" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"\x00")
    with pytest.raises(ArtifactRejected):
        shadow_replay("regime", Lake(str(trained / "lake")), tmp_path / "models", "1")


def test_nothing_to_replay_is_one_sentence(trained: Path, tmp_path: Path) -> None:
    """Without an artifact, and without a row, the refusal says which."""
    lake, empty = Lake(str(trained / "lake")), Lake(str(tmp_path / "lake"))
    with pytest.raises(NoData, match="there is no artifact to replay"):
        shadow_replay("regime", lake, tmp_path / "models", "1")
    with pytest.raises(NoData, match="no day has rows to replay"):
        shadow_replay("regime", empty, trained / "models", "1")


def test_the_asset_ends_well_without_a_model(trained: Path, tmp_path: Path) -> None:
    """No artifact is no failure: the run says so and writes nothing."""
    resources = {
        "lake": LakeResource(root=str(trained / "lake")),
        "models": ModelStore(folder=str(tmp_path / "models")),
        "warehouse": WarehouseResource(pages=str(tmp_path / "reports")),
    }
    instance = dg.DagsterInstance.ephemeral(tempdir=str(tmp_path))
    result = dg.materialize([shadow_replay_report], instance=instance, resources=resources)
    (event,) = result.get_asset_materialization_events()
    assert event.materialization.metadata["replayed"].value is False
    assert "there is no artifact to replay" in event.materialization.metadata["reason"].value
    assert not (tmp_path / "reports").exists()


def hours(*differences: int) -> pl.DataFrame:
    """Return decisions with steps of 10 bps, twenty an hour with one difference each, bps x 1000."""
    steps = {"step_rules_bps": 10, "step_signal_bps": 12, "step_done_bps": 10, "range_60s_forward_x1000": 12_000}
    every = [(hour, minute, difference) for hour, difference in enumerate(differences) for minute in range(20)]
    facts = {
        **{name: "" for name, dtype in DECISIONS.schema.items() if dtype == pl.String},
        **{name: 0 for name, dtype in DECISIONS.schema.items() if dtype == pl.Int64},
    }
    rows = [
        facts
        | steps
        | {"ts_ms": 1_736_380_800_000 + hour * 3_600_000 + minute * 60_000, "difference_x1000": difference}
        | {"predicted_regime": "MID", "decision_hash": f"{hour:02}{minute:02}", "symbol": "A"}
        for hour, minute, difference in every
    ]
    return pl.DataFrame(rows, schema=DECISIONS.schema)


def told(decisions: pl.DataFrame, fitted_until: date = date(2025, 1, 8)) -> Summary:
    """Return the summary of a replay that came to these decisions."""
    return Summary(ShadowReplay(LAST, "regime_v1.0.0", "0" * 16, fitted_until, decisions, totals(decisions), 0, True))


@pytest.mark.parametrize(
    ("differences", "sentence"),
    [
        (
            (2_000,) * 8,
            "Used on 2025-01-09, the signal would have set the grid's step 2.00 [2.00, 2.00] bps a decision closer to "
            "the next minute's range than the rules did.",
        ),
        (
            (-500,) * 8,
            "Used on 2025-01-09, the signal would have set the grid's step 0.50 [0.50, 0.50] bps a decision farther "
            "from the next minute's range than the rules did.",
        ),
        (
            (2_000,) * 7,
            "No difference shown on 2025-01-09: 2.00 no interval bps a decision, where more is closer to the next "
            "minute's range.",
        ),
    ],
)
def test_the_sentence_says_what_is_known(differences: tuple[int, ...], sentence: str) -> None:
    """Closer or farther only where the interval says so; with fewer than eight hours there is none."""
    assert told(hours(*differences)).sentence == sentence


def test_luck_is_no_difference() -> None:
    """Hours that go either way give an interval around 0."""
    found = mean_difference(hours(*(1_000, -1_000) * 6))
    assert found.value == 0.0
    assert found.low is not None
    assert found.high is not None
    assert found.low < -0.2
    assert found.high > 0.2


def test_no_signal_is_said_with_its_reason() -> None:
    """Where nothing was scored the sentence names the codes."""
    blocked = hours(0).with_columns(predicted_regime=pl.lit(""), refusal=pl.lit("MODEL_NOT_LOADED"))
    assert told(blocked).sentence == "No decision of 2025-01-09 has a signal: MODEL_NOT_LOADED."


def test_the_best_constant_is_found_in_hindsight() -> None:
    """A range of 12 bps wants steps of 10 made 12: 11.5 is rounded there, so 1150 is the multiplier nearest to 1000."""
    assert best_constant(hours(2_000)) == Constant(1_150, 0)


def test_a_replay_in_one_line() -> None:
    """Day, decisions, what would have been, what was done, and the digest."""
    assert log_line(hours(2_000, 1_000)) == (
        "2025-01-09, 40 decisions, +1.50 bps a decision closer had the signal been used, +0.00 as done, "
        "digest 58c76b559628b586"
    )


@pytest.mark.parametrize(("fitted_until", "said"), [(date(2025, 1, 8), "Out of sample"), (LAST, "In sample")])
def test_the_page_says_whether_the_model_knew_the_day(fitted_until: date, said: str) -> None:
    """One file without links: verdict first, that nothing was used, and what a miss is not."""
    summary = told(hours(*(2_000,) * 8), fitted_until)
    page = replay_page(summary.replay, {"Dataset": REGIME_DATASET.name})
    assert said in page
    assert "It was not used." in page
    assert "It is no profit and no loss" in page
    assert summary.replay.digest in page
    assert "http" not in page
    assert page.index("closer to the next") < page.index("Group by group")


def test_the_plot_fits_into_a_run() -> None:
    """The picture that a run keeps for ever is small, and the same for the same rows."""
    png = replay_png(hours(2_000, -1_000))
    assert png[:4] == b"\x89PNG"
    assert len(png) < 40_000
    assert png == replay_png(hours(2_000, -1_000))
