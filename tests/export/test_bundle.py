"""Handing a model to the bot: its tools find everything, and read the model's own answers."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from grinder_resources.cli import main
from grinder_resources.contracts.artifacts import HeadFacts, TableFacts
from grinder_resources.contracts.bot import FEATURE_ORDER, NOT_MARKET_DATA
from grinder_resources.contracts.gold import REGIME_LABEL
from grinder_resources.contracts.gold_bot import REGIME_BOT_DATASET
from grinder_resources.errors import (
    ArtifactRejected,
    ExportMismatch,
    LimitExceeded,
    NotExportable,
    RegistryRejected,
    StorageFull,
)
from grinder_resources.export.bot_dataset import parquet_bytes
from grinder_resources.export.bot_graph import bot_graph, probs_bps, regime_head, require_same_answers
from grinder_resources.export.bot_rows import rows_behind
from grinder_resources.export.build import build_artifact
from grinder_resources.export.bundle import Handover, prepare, write_bundle
from grinder_resources.export.verify import VerifiedArtifact, open_session, read_artifact, start_session
from grinder_resources.lake import Lake
from grinder_resources.learning.coherence import sum_to_certain
from grinder_resources.learning.specs import REGIME_BOT
from tests.export.bot_rules import check_artifact, check_dataset, check_registry, predict

FIRST, DAYS, PER_DAY = date(2025, 1, 6), 4, 120
AT = "2026-02-15T01:20:31Z"


def gold_day(number: int) -> pl.DataFrame:
    """Return made-up rows whose label is told by the volatility of the last hour."""
    rng = np.random.default_rng(number)
    midnight = datetime.combine(FIRST + timedelta(days=number), datetime.min.time(), UTC)
    ts = int(midnight.timestamp()) * 10**9 + np.arange(PER_DAY) * 600 * 10**9
    columns = {
        name: np.zeros(PER_DAY) if name in NOT_MARKET_DATA else rng.uniform(1, 500, PER_DAY) for name in FEATURE_ORDER
    }
    told = np.rint(columns["volatility_1h_bps"] * 10)
    columns |= {"ts_ns": ts, "watermark_ns": ts, "label_end_ns": ts + 60 * 10**9, "range_60s_x1000": told}
    columns |= {REGIME_LABEL: told + rng.integers(0, 500, PER_DAY)}
    named = {"date": [midnight.date()] * PER_DAY, "venue": ["demo"] * PER_DAY, "symbol": ["A"] * PER_DAY}
    return pl.DataFrame({name: (named | columns)[name] for name in REGIME_BOT_DATASET.schema}).cast(
        dict(REGIME_BOT_DATASET.schema)
    )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a lake of four days below data/, and the model trained on them below models/."""
    folder = tmp_path_factory.mktemp("house")
    lake = Lake(str(folder / "data" / "lake"))
    for number in range(DAYS):
        lake.commit(REGIME_BOT_DATASET, gold_day(number), day=FIRST + timedelta(days=number), code_version="1")
    spec = replace(REGIME_BOT, params=replace(REGIME_BOT.params, rounds=5))
    build_artifact(spec, REGIME_BOT_DATASET, lake, folder / "models", "1")
    return folder


@pytest.fixture(scope="module")
def source(house: Path) -> VerifiedArtifact:
    """Return the verified model."""
    return read_artifact(house / "models" / "regime_bot_v1.0.0")


@pytest.fixture(scope="module")
def handover(house: Path) -> Handover:
    """Return what every bundle here is written from."""
    return prepare(house / "models" / "regime_bot_v1.0.0", Lake(str(house / "data" / "lake")), "for tests")


def test_the_bots_tools_find_everything_in_a_bundle(handover: Handover, tmp_path: Path) -> None:
    """From the registry's folder to artifact and data set, every hash, path and name is as they ask."""
    made = write_bundle(handover, tmp_path, schema="v1.1", created_at=AT)
    registry = check_registry(tmp_path / "models.json")
    assert list(registry["models"]) == ["regime_bot"]
    assert registry["models"]["regime_bot"]["active"] is None
    assert made.artifact_id == "regime_bot_v2026_02_15_1"
    manifest = check_artifact(tmp_path / "artifacts" / made.artifact_id)
    assert (manifest["created_at"], manifest["created_at_utc"], manifest["dataset_id"]) == (AT, AT, made.dataset_id)
    assert manifest["notes"].endswith("; for tests")
    assert sorted(manifest["sha256"]) == ["model.onnx", "train_report.json"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["artifacts", "datasets", "models.json"]


def test_the_bot_reads_the_models_own_answers(handover: Handover, source: VerifiedArtifact) -> None:
    """Row by row and all at once, its rounding gives the bps, the regime and the spacing of the source."""
    ours, theirs = open_session(source), start_session(handover.model)
    rows = handover.rows.inputs[::40]
    bps, spacing = ours.run(["regime", "spacing_multiplier_x1000"], {"input": rows})
    for row, own_bps, own_spacing in zip(rows, bps.tolist(), spacing[:, 0].tolist(), strict=True):
        named = dict(zip(FEATURE_ORDER, map(float, row), strict=True))
        regime = ("LOW", "MID", "HIGH")[own_bps.index(max(own_bps))]
        assert predict(theirs, named) == (own_bps, regime, own_spacing)
    assert len({tuple(answer) for answer in bps.tolist()}) > 3
    assert probs_bps(theirs.run(["regime_probs"], {"input": rows})[0]).tolist() == bps.tolist()


def test_the_graph_has_the_bots_outputs_alone(handover: Handover) -> None:
    """One float input of any number of rows, two float outputs."""
    session = start_session(handover.model)
    assert [(put.name, put.type, put.shape) for put in (*session.get_inputs(), *session.get_outputs())] == [
        ("input", "tensor(float)", ["N", 15]),
        ("regime_probs", "tensor(float)", ["N", 3]),
        ("spacing_multiplier", "tensor(float)", ["N", 1]),
    ]
    assert [output.shape for output in session.run(None, {"input": handover.rows.inputs[:1]})] == [(1, 3), (1, 1)]


def test_a_model_without_a_spacing_has_one_output(source: VerifiedArtifact) -> None:
    """The bot then takes 1.0 by itself."""
    plain = replace(source, manifest=replace(source.manifest, spacing=None))
    assert [put.name for put in start_session(bot_graph(plain)).get_outputs()] == ["regime_probs"]


def test_every_answer_survives_the_way_through_floats() -> None:
    """Any three whole numbers that sum to 10,000, and ties among them, come back as they were."""
    rng = np.random.default_rng(1)
    bps = sum_to_certain(rng.integers(0, 10_001, (20_000, 3)))
    bps = np.vstack([bps, [[3_333, 3_334, 3_333], [5_000, 5_000, 0], [10_000, 0, 0], [1, 9_998, 1]]]).astype(np.int32)
    probs = bps.astype(np.float32) / np.float32(10_000)
    assert (probs_bps(probs) == bps).all()
    assert (probs.argmax(axis=1) == bps.argmax(axis=1)).all()


def test_another_answer_is_never_handed_over(handover: Handover, source: VerifiedArtifact) -> None:
    """A graph that halves its spacing is refused with the number of rows."""
    from onnx import ModelProto, numpy_helper

    model = ModelProto.FromString(handover.model)
    for constant in model.graph.initializer:
        if constant.name == "constant/float32/1/1000.0":
            constant.CopyFrom(numpy_helper.from_array(np.array([2_000], dtype=np.float32), constant.name))
    with pytest.raises(ExportMismatch, match=r"spacing_multiplier, 481 rows; got 481 differ"):
        require_same_answers(source, model.SerializeToString(), handover.rows.inputs)


def test_the_data_set_is_the_rows_behind_the_model(handover: Handover, house: Path, tmp_path: Path) -> None:
    """float32 of the Gold columns, the regime by the model's own cut points, and that regime's multiplier."""
    made = write_bundle(handover, tmp_path, schema="v1.1", created_at=AT)
    folder = tmp_path / "datasets" / made.dataset_id
    manifest, rows = check_dataset(folder), pl.read_parquet(folder / "data.parquet")
    gold = pl.concat([gold_day(number) for number in range(DAYS)])
    assert rows.schema == {
        **dict.fromkeys(FEATURE_ORDER, pl.Float32),
        "regime": pl.Int32,
        "spacing_multiplier": pl.Float32,
    }
    assert rows.select(FEATURE_ORDER).equals(gold.select(FEATURE_ORDER).cast(pl.Float32))
    config = json.loads((house / "models" / "regime_bot_v1.0.0" / "config.json").read_bytes())
    low, high = config["cuts"]["regime"]
    label = gold[REGIME_LABEL]
    assert rows["regime"].to_list() == ((label > low).cast(pl.Int32) + (label > high).cast(pl.Int32)).to_list()
    spacing = handover.source.manifest.spacing
    assert spacing
    multipliers = [np.float32(number / 1_000) for number in spacing.multipliers_x1000]
    assert rows["spacing_multiplier"].to_list() == [multipliers[code] for code in rows["regime"]]
    assert manifest["row_count"] == rows.height == made.rows == 480
    assert manifest["time_range"] == {"start_utc": "2025-01-06T00:00:00Z", "end_utc": "2025-01-09T19:51:00Z"}


def test_the_same_rows_give_the_same_bytes(handover: Handover) -> None:
    """No statistics, no clock; the id of a data set is made from them."""
    from io import BytesIO

    from pyarrow import parquet

    data = parquet_bytes(handover.rows)
    assert parquet_bytes(handover.rows) == data
    column = parquet.ParquetFile(BytesIO(data)).metadata.row_group(0).column(0)
    assert (column.compression, column.statistics) == ("SNAPPY", None)


def test_too_few_rows_are_no_data_set(handover: Handover) -> None:
    """The bot's verifier asks for ten."""
    rows = handover.rows
    few = replace(rows, inputs=rows.inputs[:9], regimes=rows.regimes[:9], spacing=rows.spacing[:9])
    with pytest.raises(LimitExceeded, match="got 9 rows"):
        parquet_bytes(few)


def test_nothing_in_a_bundle_is_written_again(handover: Handover, tmp_path: Path) -> None:
    """A second export of a day takes the next number and the same data set; the registry keeps both events."""
    first = write_bundle(handover, tmp_path, schema="v1.1", created_at=AT)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != "models.json"}
    second = write_bundle(handover, tmp_path, schema="v1", created_at="2026-02-15T02:00:00Z")
    assert (second.artifact_id, second.dataset_id) == ("regime_bot_v2026_02_15_2", first.dataset_id)
    assert {path: path.read_bytes() for path in before} == before
    model = check_registry(tmp_path / "models.json")["models"]["regime_bot"]
    assert model["shadow"]["artifact_id"] == second.artifact_id
    assert [event["pointer"]["artifact_id"] for event in model["history"]] == [second.artifact_id, first.artifact_id]


def test_the_older_schema_says_less(handover: Handover, tmp_path: Path) -> None:
    """A "v1" manifest holds the fields of the spec that named it."""
    made = write_bundle(handover, tmp_path, schema="v1", created_at=AT)
    manifest = check_artifact(tmp_path / "artifacts" / made.artifact_id)
    assert set(manifest) == {"schema_version", "model_file", "sha256", "created_at", "notes"}
    assert manifest["schema_version"] == "v1"


def test_a_torn_registry_stops_an_export_before_it_writes(handover: Handover, tmp_path: Path) -> None:
    """What nobody can read is left for someone to look at."""
    (tmp_path / "models.json").write_text("{")
    with pytest.raises(RegistryRejected):
        write_bundle(handover, tmp_path, schema="v1.1", created_at=AT)
    assert [entry.name for entry in tmp_path.iterdir()] == ["models.json"]


def test_a_data_set_with_other_rows_is_not_reused(handover: Handover, tmp_path: Path) -> None:
    """A folder of the same name must hold the same bytes."""
    made = write_bundle(handover, tmp_path, schema="v1.1", created_at=AT)
    data = tmp_path / "datasets" / made.dataset_id / "data.parquet"
    data.write_bytes(data.read_bytes() + b"!")
    with pytest.raises(ArtifactRejected, match=r"data\.parquet"):
        write_bundle(handover, tmp_path, schema="v1.1", created_at=AT)


def test_a_lake_without_the_models_rows_is_refused(house: Path, source: VerifiedArtifact, tmp_path: Path) -> None:
    """A day that changed is named; a day that came later is left out."""
    lake = Lake(str(tmp_path))
    for number in range(DAYS + 1):
        lake.commit(REGIME_BOT_DATASET, gold_day(number), day=FIRST + timedelta(days=number), code_version="1")
    assert len(rows_behind(source, lake).inputs) == DAYS * PER_DAY
    lake.commit(REGIME_BOT_DATASET, gold_day(1)[:50], day=FIRST + timedelta(days=1), code_version="2")
    with pytest.raises(NotExportable, match=r"does not hold the rows .*regime_bot/date=2025-01-07"):
        rows_behind(source, lake)


def test_a_model_the_bot_cannot_ask_is_refused(source: VerifiedArtifact) -> None:
    """Other inputs with what to do, another question, more than one."""
    manifest = source.manifest
    with pytest.raises(NotExportable, match=r"got 2 inputs, natr_bps; expected the 15 .*training/regime_bot"):
        regime_head(replace(manifest, input_features=("natr_bps", "spread_bps")))
    with pytest.raises(NotExportable, match="15 inputs, in another order"):
        regime_head(replace(manifest, input_features=FEATURE_ORDER[::-1]))
    other = HeadFacts("regime", "multiclass", ("A", "B", "C"), 1, calibration=(TableFacts("logistic", 0),) * 3)
    with pytest.raises(NotExportable, match="the bot asks for one regime"):
        regime_head(replace(manifest, heads=(other,)))


def test_the_command_writes_a_bundle(house: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Options decide the lake, the folder, the schema and the notes."""
    artifact, data = str(house / "models" / "regime_bot_v1.0.0"), str(house / "data")
    options = ["--out", str(tmp_path), "--data", data, "--format", "v1", "--notes", "by hand"]
    assert main(["export-bundle", artifact, *options]) == 0
    out = capsys.readouterr().out
    assert "480 rows, on each of which the bot reads the model's own answers" in out
    (folder,) = (tmp_path / "artifacts").iterdir()
    manifest = check_artifact(folder)
    assert manifest["schema_version"] == "v1"
    assert manifest["notes"].endswith("; by hand")
    check_registry(tmp_path / "models.json")


def test_a_bundle_that_cannot_be_written_is_one_line(handover: Handover, tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageFull, match="this could not be written"):
        write_bundle(handover, tmp_path / "taken", schema="v1.1", created_at=AT)


def test_the_command_refuses_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is no artifact."""
    assert main(["export-bundle", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()
