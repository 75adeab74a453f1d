"""Nested calibration: a fold's answers are calibrated by what was known when it began."""

import numpy as np
import polars as pl
import pytest

from grinder_resources.contracts.reports import POOLED, walk_forward_table
from grinder_resources.evaluation.calibrated import calibrated_scores, with_calibrated_bps
from grinder_resources.evaluation.walk_forward import WalkForwardResult
from grinder_resources.learning.calibration import calibrated_bps, fit_calibration, logistic_table, lookup
from grinder_resources.learning.splits import EMBARGO_NS
from tests.evaluation.toy_rows import PER_DAY, ROWS, SPEC, walk

DAY_NS, MINUTE_NS = 86_400_000_000_000, 60_000_000_000
PER_FOLD, FOLDS = 1_440, 5


def folds(label_ns: int = 5 * MINUTE_NS) -> list[pl.DataFrame]:
    """Return the answers of `planted` on five days, one a minute: much too bold."""
    rng = np.random.default_rng(9)
    made = []
    for day in range(FOLDS):
        margin = rng.normal(0.0, 2.0, PER_FOLD)
        ts = day * DAY_NS + np.arange(PER_FOLD) * MINUTE_NS
        columns = {
            "venue": "demo",
            "symbol": "A",
            "ts_ns": ts,
            "label_end_ns": ts + label_ns,
            "row_id": [f"{day}-{number}" for number in range(PER_FOLD)],
            "head": "planted",
            "class": "yes",
            "settled": False,
            "label": (rng.random(PER_FOLD) < 1.0 / (1.0 + np.exp(-0.3 * margin))).astype(np.float64),
            "margin_q16": np.rint(margin * 65_536).astype(np.int64),
        }
        made.append(pl.DataFrame(columns))
    return made


def expected(past: pl.DataFrame, fold: pl.DataFrame) -> list[int]:
    """Return the answers of a fold by a calibration on `past`."""
    return calibrated_bps(SPEC, fold, fit_calibration(SPEC, past)).to_list()


def test_each_fold_is_calibrated_by_the_earlier_ones() -> None:
    """The first has nothing to learn from, nor have the next two enough days; the others learn from all before."""
    given = folds()
    found = [fold["calibrated_bps"].to_list() for fold in with_calibrated_bps(SPEC, given)]
    for number in range(3):
        assert found[number] == lookup(logistic_table(), given[number]["margin_q16"].to_numpy()).tolist()
    for number in (3, 4):
        past = pl.concat(given[:number])
        known = past.filter(pl.col("label_end_ns") + EMBARGO_NS < number * DAY_NS)
        assert past.height - known.height == 13
        assert found[number] == expected(known, given[number])
        assert found[number] != lookup(logistic_table(), given[number]["margin_q16"].to_numpy()).tolist()


def test_what_a_fold_answers_does_not_depend_on_its_own_labels_or_later_ones() -> None:
    """All labels from the fourth day on are turned around: the fourth day's answers stay."""
    given = folds()
    turned = [
        fold.with_columns(label=1.0 - pl.col("label")) if number >= 3 else fold for number, fold in enumerate(given)
    ]
    pairs = zip(with_calibrated_bps(SPEC, given), with_calibrated_bps(SPEC, turned), strict=True)
    same = [before["calibrated_bps"].equals(after["calibrated_bps"]) for before, after in pairs]
    assert same == [True, True, True, True, False]


def test_a_label_that_had_not_ended_is_not_known() -> None:
    """Labels of three days and more: the fourth day knows none, the fifth only the first day's."""
    given = folds(label_ns=3 * DAY_NS)
    found = with_calibrated_bps(SPEC, given)
    margin = given[4]["margin_q16"].to_numpy()
    assert found[4]["calibrated_bps"].to_list() == lookup(logistic_table(), margin).tolist()


def test_a_fold_that_nothing_could_be_fitted_in_is_left_empty() -> None:
    """The others go on."""
    given = folds()
    empty = given[0].clear()
    found = with_calibrated_bps(SPEC, [given[0], empty, *given[2:]])
    assert (found[1].height, found[1].schema["calibrated_bps"]) == (0, pl.Int32())
    assert found[4].height == PER_FOLD
    assert with_calibrated_bps(SPEC, [pl.DataFrame()])[0].height == 0


@pytest.fixture(scope="module")
def result() -> WalkForwardResult:
    """Walk over a toy dataset of five days."""
    return walk(SPEC, ROWS)


def test_probabilities_have_calibrated_answers_and_numbers_have_none(result: WalkForwardResult) -> None:
    """Whole bps; three classes sum to exactly 10,000."""
    regression = pl.col("class") == ""
    assert result.predictions.filter(regression)["calibrated_bps"].null_count() == 2 * 3 * PER_DAY
    assert result.predictions.filter(~regression)["calibrated_bps"].null_count() == 0
    sums = (
        result.predictions.filter(pl.col("head") == "regime")
        .group_by("mode", "row_id")
        .agg(pl.col("calibrated_bps").sum())
    )
    assert sums["calibrated_bps"].unique().to_list() == [10_000]


def test_calibrated_scores_are_by_fold_and_pooled(result: WalkForwardResult) -> None:
    """Rows of the report's own table; the gain over the raw answer is among them."""
    records = calibrated_scores(result.predictions)
    table = walk_forward_table("toy")
    found = table.conform(pl.DataFrame(records, schema=table.schema, orient="row"))
    chosen = found.filter(
        pl.col("mode") == "rolling", pl.col("head") == "planted", pl.col("metric") == "skill_over_raw"
    )
    assert chosen["fold"].to_list() == [POOLED, 1, 2, 3]
    assert chosen["rows"].to_list() == [3 * PER_DAY, PER_DAY, PER_DAY, PER_DAY]
    assert set(found["part"]) == {"calibrated"}
    assert not set(found["head"]) & {"size", "rare"}


def test_calibrated_scores_are_those_of_the_bps(result: WalkForwardResult) -> None:
    """The Brier score by hand, settled rows left out."""
    rows = result.predictions.with_columns(settled=pl.int_range(pl.len()) % 4 == 0)
    metrics = {record[:4] + record[5:6]: record[6] for record in calibrated_scores(rows)}
    one = rows.filter(
        pl.col("mode") == "expanding", pl.col("head") == "planted", pl.col("fold") == 2, ~pl.col("settled")
    )
    error = one["calibrated_bps"].to_numpy() / 10_000 - one["label"].to_numpy()
    raw = one["prediction"].to_numpy() - one["label"].to_numpy()
    key = ("expanding", "planted", "yes", 2)
    assert metrics[*key, "brier"] == pytest.approx((error**2).mean())
    assert metrics[*key, "skill_over_raw"] == pytest.approx(1 - (error**2).sum() / (raw**2).sum())
