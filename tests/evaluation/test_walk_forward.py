from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from grinder_resources.contracts.reports import POOLED, report_tables
from grinder_resources.errors import TooFewDays
from grinder_resources.evaluation.walk_forward import WalkForwardResult
from tests.evaluation.toy_rows import DAYS, FIRST_DAY, PER_DAY, ROWS, SPEC, toy_rows, verdict, walk


@pytest.fixture(scope="module")
def result() -> WalkForwardResult:
    return walk(SPEC, ROWS)


def test_reports_are_rows_of_their_tables(result: WalkForwardResult) -> None:
    """Conforming once more changes nothing."""
    reports = (result.predictions, result.scores, result.verdicts, result.calibration)
    for table, report in zip(report_tables("toy")[:4], reports, strict=True):
        assert table.conform(report).equals(report)
        assert report.height > 0
        assert not report.select(table.key).is_duplicated().any()


def test_days_three_to_five_are_answered_once_per_mode(result: WalkForwardResult) -> None:
    """Every labelled row of a test day, by the fold of that day."""
    planted = result.predictions.filter(pl.col("head") == "planted")
    counts = planted.group_by("mode", "fold", "date").len().sort("mode", "fold")
    assert counts.rows() == [
        (mode, fold, FIRST_DAY + timedelta(days=fold + 1), PER_DAY)
        for mode in ("expanding", "rolling")
        for fold in (1, 2, 3)
    ]
    assert planted["row_id"][0] == f"demo_{planted['symbol'][0]}_{planted['ts_ns'][0]}"


def test_prediction_follows_from_the_exact_margin(result: WalkForwardResult) -> None:
    """Logistic for a binary head, times the unit for a regression."""
    planted = result.predictions.filter(pl.col("head") == "planted")
    expected = 1.0 / (1.0 + np.exp(-planted["margin_q16"].to_numpy() / 65_536))
    np.testing.assert_allclose(planted["prediction"].to_numpy(), expected, atol=1e-9)
    size = result.predictions.filter(pl.col("head") == "size")
    np.testing.assert_allclose(size["prediction"].to_numpy(), size["margin_q16"].to_numpy() / 65.536, atol=1e-9)


def test_multiclass_answers_add_up_to_one(result: WalkForwardResult) -> None:
    """Three classes a row, one of them the label."""
    regime = result.predictions.filter(pl.col("head") == "regime")
    sums = regime.group_by("mode", "row_id").agg(pl.col("prediction").sum(), pl.col("label").sum(), pl.len())
    assert sums["len"].unique().to_list() == [3]
    assert sums["label"].unique().to_list() == [1.0]
    np.testing.assert_allclose(sums["prediction"].to_numpy(), 1.0, atol=1e-8)


def test_fold_sees_nothing_of_its_test_day_or_later(result: WalkForwardResult) -> None:
    """Turning the last day upside down leaves the first two folds as they were."""
    last = pl.col("date") == FIRST_DAY + timedelta(days=DAYS - 1)
    turned = ROWS.with_columns(
        pl.when(last).then(1 - pl.col("hit")).otherwise("hit").cast(pl.Int8).alias("hit"),
        pl.when(last).then(-pl.col("signal")).otherwise("signal").alias("signal"),
    )
    again = walk(SPEC, turned)
    early = pl.col("fold") < 3
    assert again.predictions.filter(early).equals(result.predictions.filter(early))


def test_any_number_of_workers_gives_the_same_reports(result: WalkForwardResult) -> None:
    """And so does a second run, with rows in another order."""
    alone = walk(SPEC, ROWS.sample(fraction=1.0, shuffle=True, seed=3), workers=1)
    assert alone.predictions.equals(result.predictions)
    assert alone.scores.equals(result.scores)
    assert alone.verdicts.equals(result.verdicts)


def test_scores_have_a_row_per_fold_and_one_pooled(result: WalkForwardResult) -> None:
    """In sample per fold only: pooling fitted rows would count them twice."""
    auc = result.scores.filter(pl.col("head") == "planted", pl.col("metric") == "auc", pl.col("mode") == "rolling")
    assert auc.sort("part", "fold").select("part", "fold").rows() == [
        ("all", POOLED), ("calibrated", POOLED), ("calibrated", 1), ("calibrated", 2), ("calibrated", 3),
        ("test", POOLED), ("test", 1), ("test", 2), ("test", 3),
        ("train", 1), ("train", 2), ("train", 3),
    ]  # fmt: skip
    assert auc.filter(pl.col("part") == "train")["low"].null_count() == 3
    assert auc.filter(pl.col("part") == "test")["low"].null_count() == 0
    assert auc.filter(pl.col("fold") == POOLED)["rows"].to_list() == [3 * PER_DAY] * 3


def test_planted_signal_is_better_than_the_average(result: WalkForwardResult) -> None:
    """In every fold, and by more than the interval."""
    found = verdict(result, "planted", "yes")
    assert found["edge"] is True
    assert found["auc"] > 0.8  # type: ignore[operator]
    assert (found["folds"], found["folds_scored"], found["folds_above"]) == (3, 3, 3)
    assert str(found["verdict"]).startswith("better than the training average alone: skill 0.")
    assert str(found["verdict"]).endswith("above it in 3 of 3 scored folds")
    assert verdict(result, "size", "")["edge"] is True


def test_luck_has_no_edge(result: WalkForwardResult) -> None:
    """A coin is called a coin."""
    found = verdict(result, "luck", "yes")
    assert found["edge"] is False
    assert str(found["verdict"]).startswith("no edge: ")


def test_head_that_was_never_fitted_is_named_with_its_reason(result: WalkForwardResult) -> None:
    """It has a verdict and no predictions."""
    found = verdict(result, "rare", "yes")
    assert (found["rows"], found["folds_scored"], found["skill"]) == (0, 0, None)
    assert str(found["verdict"]).startswith("not judged: no fold could fit and score it (train rows hold ")
    assert "rare" not in result.predictions["head"].unique().to_list()


def test_every_output_of_every_head_has_a_verdict(result: WalkForwardResult) -> None:
    """Five heads, seven outputs, two modes; none speaks of direction or of entries."""
    assert result.verdicts.height == 14
    assert not any(
        word in text for text in result.verdicts["verdict"] for word in ("direction", "buy", "sell", "price")
    )


def test_modes_and_windows_can_be_chosen() -> None:
    """One mode, three train days: a single fold."""
    single = replace(SPEC, heads=SPEC.heads[:1])
    result = walk(single, ROWS, modes=("rolling",), min_train_days=3, train_days=3)
    assert [len(splits) for splits in result.splits.values()] == [1]
    assert result.splits["rolling"][0].train == tuple(FIRST_DAY + timedelta(days=number) for number in range(3))


def test_two_days_are_too_few() -> None:
    """A report catches this and says what could not be done."""
    with pytest.raises(TooFewDays, match="got 2 days"):
        walk(SPEC, toy_rows(days=2))
