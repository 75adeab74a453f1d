from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from grinder_resources.contracts.reports import POOLED
from grinder_resources.evaluation.walk_forward import WalkForwardResult
from grinder_resources.learning.model_spec import Head
from tests.evaluation.toy_rows import FIRST_DAY, MIDNIGHT_NS, PER_DAY, ROWS, SECOND_NS, SPEC, verdict, walk

REACHED = Head("reached", "binary", "reached", classes=("no", "yes"), settled_when_zero="time_ms")
REACH = replace(SPEC, name="reach", heads=(REACHED,))


def reach_rows(settled_above: float) -> pl.DataFrame:
    """Return rows that have reached their mark where the signal is above a bound, and otherwise toss a coin for it."""
    beyond = pl.col("signal") > settled_above
    return ROWS.with_columns(
        pl.when(beyond).then(0).otherwise(pl.when(pl.col("coin") == 1).then(9)).alias("time_ms"),
        pl.when(beyond).then(1).otherwise("coin").alias("reached"),
    )


SETTLED = reach_rows(settled_above=0.5)


@pytest.fixture(scope="module")
def reach() -> WalkForwardResult:
    return walk(REACH, SETTLED)


def test_what_is_known_at_decision_time_is_no_edge(reach: WalkForwardResult) -> None:
    """The signal says only what had happened already: an edge while those rows are judged, none on the open ones."""
    naive = walk(replace(REACH, heads=(replace(REACHED, settled_when_zero=None),)), SETTLED)
    flattered, found = verdict(naive, "reached", "yes"), verdict(reach, "reached", "yes")
    assert (flattered["edge"], flattered["settled"]) == (True, 0)
    assert flattered["auc"] > 0.7  # type: ignore[operator]
    assert found["edge"] is False
    assert 0.42 < found["auc"] < 0.58  # type: ignore[operator]
    assert str(found["verdict"]).startswith("no edge: ")


def test_settled_rows_are_answered_and_counted_but_not_scored(reach: WalkForwardResult) -> None:
    """Every row of three days has an answer; scores, verdict and reliability are about those that were open."""
    answered = SETTLED.filter(pl.col("date") >= FIRST_DAY + timedelta(days=2))
    judged = answered.filter(pl.col("time_ms").ne_missing(0))
    hits, rows = int(judged["reached"].sum()), judged.height
    predictions = reach.predictions.filter(pl.col("mode") == "expanding")
    assert (predictions.height, predictions["settled"].sum()) == (3 * PER_DAY, 3 * PER_DAY - rows)
    found = verdict(reach, "reached", "yes")
    assert (found["rows"], found["settled"], found["positives"]) == (rows, 3 * PER_DAY - rows, hits)
    pooled = reach.scores.filter(pl.col("mode") == "expanding", pl.col("fold") == POOLED)
    assert pooled.select("part", "rows", "positives").unique().sort("part").rows() == [
        ("all", 3 * PER_DAY, 3 * PER_DAY - rows + hits),
        ("calibrated", rows, hits),
        ("test", rows, hits),
    ]
    curves = reach.calibration.filter(pl.col("mode") == "expanding", pl.col("answer") == "raw")
    bins = curves.group_by("binning").agg(pl.col("rows").sum())
    assert bins["rows"].to_list() == [rows, rows]


def test_rows_for_comparison_have_neither_skill_nor_interval(reach: WalkForwardResult) -> None:
    """The base rate is that of open rows, and nothing may be concluded from them."""
    whole = reach.scores.filter(pl.col("part") == "all")
    assert {"auc", "brier", "ece"} <= set(whole["metric"])
    assert not {"skill", "skill_over_base"} & set(whole["metric"])
    assert whole["low"].null_count() == whole.height


def test_base_rate_is_the_share_of_open_training_rows(reach: WalkForwardResult) -> None:
    """About one half, the coin's, where two thirds of all rows say yes. Labels close five minutes before a day ends."""
    first = SETTLED.filter(pl.col("date") == FIRST_DAY, pl.col("time_ms").ne_missing(0))
    midnight = MIDNIGHT_NS + 86_400 * SECOND_NS
    fitted = first.filter(pl.col("label_end_ns") < midnight - 480 * SECOND_NS)
    answered = reach.predictions.filter(pl.col("mode") == "expanding", pl.col("fold") == 1)
    assert answered["base_rate"].unique().to_list() == [pytest.approx(fitted["reached"].mean())]
    np.testing.assert_allclose(answered["baseline"], answered["base_rate"], atol=1e-9)


def test_labels_and_inputs_of_settled_rows_change_no_verdict(reach: WalkForwardResult) -> None:
    """They are there, and they are not looked at."""
    beyond = pl.col("time_ms").eq_missing(0)
    changed = SETTLED.with_columns(
        pl.when(beyond).then(0).otherwise("reached").alias("reached"),
        pl.when(beyond).then(-9.0).otherwise("signal").alias("signal"),
    )
    again = walk(REACH, changed)
    assert again.verdicts.equals(reach.verdicts)
    assert again.calibration.equals(reach.calibration)
    judged = pl.col("part") != "all"
    assert again.scores.filter(judged).equals(reach.scores.filter(judged))


def test_a_few_open_rows_are_not_judged() -> None:
    """Days that teach, then days on which all but a few rows were settled: the counts say why there is no verdict."""
    late = pl.col("date") >= FIRST_DAY + timedelta(days=2)
    shut = late & (pl.int_range(pl.len()).over("date") % 30 != 0)
    rows = SETTLED.with_columns(pl.when(shut).then(0).otherwise("time_ms").alias("time_ms"))
    judged = rows.filter(late, pl.col("time_ms").ne_missing(0))
    found = verdict(walk(REACH, rows), "reached", "yes")
    counts = f"{judged.height} open test rows, {judged['reached'].sum()} of the class, {720 - judged.height} settled"
    assert (found["edge"], found["skill_low"]) == (False, None)
    assert found["verdict"] == f"not judged: {counts}; an interval needs 10 of each class in 8 hours"


def test_a_day_without_open_rows_is_not_judged() -> None:
    """Three days, the last one settled throughout."""
    last = pl.col("date") == FIRST_DAY + timedelta(days=2)
    rows = SETTLED.filter(pl.col("date") <= FIRST_DAY + timedelta(days=2))
    shut = rows.with_columns(pl.when(last).then(0).otherwise("time_ms").alias("time_ms"))
    result = walk(REACH, shut)
    found = verdict(result, "reached", "yes")
    assert found["verdict"] == (
        "not judged: no fold could fit and score it (0 open test rows, 0 of the class, 240 settled)"
    )
    assert (found["rows"], found["settled"], result.calibration.height) == (0, 240, 0)
