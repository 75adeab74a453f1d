"""Scores are read strictly, are never from the future, and a guard without one is closed."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from grinder_resources.contracts.score_guard import SCORES
from grinder_resources.errors import CorruptFile, NoData, OutOfRange, SchemaMismatch, UnknownFile, UnknownName
from grinder_resources.export.artifact import write_artifact
from grinder_resources.export.verify import read_artifact
from grinder_resources.usecases.score_guard.guard import Guard
from grinder_resources.usecases.score_guard.model_scores import Outputs, model_scores
from grinder_resources.usecases.score_guard.scores import Scores, in_force, read_scores
from tests.export.small_artifact import small_draft, small_rows
from tests.export.small_models import FEATURES
from tests.usecases.guard_market import OPEN, SECOND, scores

ROWS = scores((0, 7_000, 100), (SECOND, 3_000, None))


def written(folder: Path, ending: str, rows: pl.DataFrame = ROWS) -> Path:
    """Write rows in one of the three formats."""
    path = folder / f"scores{ending}"
    match ending:
        case ".parquet":
            rows.write_parquet(path)
        case ".csv":
            rows.write_csv(path)
        case _:
            rows.write_ndjson(path)
    return path


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".jsonl"])
def test_a_file_is_the_same_in_every_format(ending: str, tmp_path: Path) -> None:
    """Rows come back as they were; without hazards the column is null; the hash is that of the bytes."""
    found = read_scores(written(tmp_path, ending), date(2025, 1, 5))
    assert found.rows.equals(ROWS)
    without = read_scores(written(tmp_path, ending, ROWS.drop("hazard_bps")))
    assert without.rows["hazard_bps"].to_list() == [None, None]
    assert (found.name, len(found.sha256), found.sha256 == without.sha256) == (f"scores{ending}", 64, False)


@pytest.mark.parametrize(
    "broken",
    [
        ROWS.drop("score_bps"),
        ROWS.with_columns(score_bps=pl.col("score_bps") / 10_000),
        ROWS.with_columns(score_bps=pl.lit(10_001)),
        ROWS.with_columns(note=pl.lit("x")),
        pl.concat([ROWS, ROWS.head(1)]),
        ROWS.with_columns(ts_ns=pl.lit(None, dtype=pl.Int64)),
    ],
    ids=["no score", "a share", "above 10,000", "another column", "twice", "no time"],
)
def test_a_file_that_breaks_the_contract_is_refused(broken: pl.DataFrame, tmp_path: Path) -> None:
    """Nothing is cast, filled or ignored."""
    with pytest.raises(SchemaMismatch, match="scores break their contract"):
        read_scores(written(tmp_path, ".parquet", broken))


def test_what_is_no_file_of_scores_is_refused(tmp_path: Path) -> None:
    """Another ending, damaged bytes, no file, no row."""
    (tmp_path / "scores.txt").touch()
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and nothing else PAR1")
    for name, error in (("scores.txt", UnknownFile), ("bad.parquet", CorruptFile), ("none.csv", NoData)):
        with pytest.raises(error):
            read_scores(tmp_path / name)
    with pytest.raises(NoData, match="there are no scores"):
        read_scores(written(tmp_path, ".parquet", ROWS.clear()))


def test_the_newest_known_score_counts_until_it_is_too_old() -> None:
    """At its own moment and up to the age, both included; a nanosecond before or after there is none."""
    known = scores((10, 1, None), (20, 2, None))
    asked = pl.DataFrame({"venue": "demo", "symbol": "A", "ts_ns": [OPEN + at for at in (25 + SECOND, 20, 19, 10, 9)]})
    assert in_force(asked, known, 1)["score_bps"].to_list() == [None, 2, 1, 1, None]
    edge = pl.DataFrame({"venue": ["demo", "demo"], "symbol": ["A", "B"], "ts_ns": [OPEN + 20 + SECOND] * 2})
    assert in_force(edge, known, 1)["score_bps"].to_list() == [2, None]


def test_a_guard_says_why_it_is_closed() -> None:
    """The first reason that holds; equal to threshold or limit is open; hazards count only where they are asked for."""
    heard = pl.DataFrame({"score_bps": [None, 4_999, 5_000, 6_000, 6_000], "hazard_bps": [0, 0, 2_000, 2_001, None]})
    asked = Guard(5_000, 2_000, 60).judged(heard)
    assert asked["reason"].to_list() == [
        "no score", "score below the threshold", "", "hazard above the limit", "no hazard"
    ]  # fmt: skip
    assert asked["open"].to_list() == [False, False, True, False, False]
    assert Guard(5_000, None, 60).judged(heard)["open"].to_list() == [False, False, True, True, True]
    with pytest.raises(OutOfRange, match="threshold_bps"):
        Guard(10_001, None, 60)


def test_a_sample_is_told_by_days() -> None:
    """Fitted before the first day is out of sample, on it is in sample, and silence is unknown."""
    first = date(2025, 1, 6)
    told = {until: Scores("s", "", ROWS, until).sample(first) for until in (date(2025, 1, 5), first, None)}
    assert list(told.values()) == ["out of sample", "in sample", "of unknown sample"]
    assert Scores("s", "", ROWS, out_of_fold=True).sample(first) == "out of sample"


def test_a_model_answers_through_its_door(tmp_path: Path) -> None:
    """The golden rows get their golden answers; a binary head's first class is what the second leaves."""
    found = write_artifact(tmp_path, small_draft(), small_rows(), created_at="2024-01-02T00:00:00Z")
    golden = read_artifact(found.directory).serving.golden  # type: ignore[union-attr]
    values = pl.DataFrame(golden.inputs, schema=dict.fromkeys(FEATURES, pl.Float32()), orient="row")
    rows = values.with_columns(
        kind=pl.when(pl.col("kind=vwap") == 1).then(pl.lit("vwap")), venue=pl.lit("demo"), symbol=pl.lit("A"),
        ts_ns=pl.int_range(pl.len(), dtype=pl.Int64),
    )  # fmt: skip
    known = values["kind=vwap"].is_not_null()
    expected = pl.Series([row[2] for row in golden.outputs["regime"]]).filter(known)
    default = model_scores(found.directory, rows)
    assert default.rows["hazard_bps"].filter(known).to_list() == expected.to_list()
    assert (default.rows["score_bps"] + default.rows["hazard_bps"]).unique().to_list() == [10_000]
    assert default.fitted_until == date(2024, 1, 1)
    yes, no = (model_scores(found.directory, rows, Outputs(f"t2_60s/{name}", None)) for name in ("yes", "not-yes"))
    assert (yes.rows["score_bps"] + no.rows["score_bps"]).unique().to_list() == [10_000]
    assert no.rows.equals(model_scores(found.directory, rows, Outputs("t2_60s/no", None)).rows)
    binary = pl.Series([row[0] for row in golden.outputs["t2_60s"]]).filter(known)
    assert yes.rows["score_bps"].filter(known).to_list() == binary.to_list()
    with pytest.raises(UnknownName, match="no such output"):
        model_scores(found.directory, rows, Outputs("t2_60s/maybe", None))
    with pytest.raises(SchemaMismatch, match="no depth"):
        model_scores(found.directory, rows.drop("depth"))
    assert dict(SCORES.schema) == dict(default.rows.schema)
