import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from grinder_resources.errors import NothingTrainable
from grinder_resources.learning.model_spec import BoosterParams, ModelSpec
from grinder_resources.learning.specs import level_signals
from grinder_resources.learning.splits import split_by_date
from grinder_resources.learning.training import FittedHead, TrainedModel
from tests.learning.fits import trained
from tests.learning.level_rows import level_rows

ROWS = level_rows()
SPLIT = split_by_date(ROWS["date"].to_list())


def quick(spec: ModelSpec, **changes: object) -> ModelSpec:
    return replace(spec, params=replace(BoosterParams(rounds=30, early_stopping=10), **changes))  # type: ignore[arg-type]


SPEC = quick(level_signals("stage_b", "full"))
FEW = replace(
    SPEC, heads=tuple(head for head in SPEC.heads if head.name in {"tradeable_2", "direction", "strength", "t2_60s"})
)


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return trained(SPEC, ROWS, SPLIT)


def head_of(model: TrainedModel, name: str) -> FittedHead:
    return next(head for head in model.heads if head.head.name == name)


@pytest.fixture(scope="module")
def few() -> TrainedModel:
    return trained(FEW, ROWS, SPLIT)


def test_every_head_is_fitted(model: TrainedModel) -> None:
    """In the spec's order, with nothing left out."""
    assert [head.head.name for head in model.heads] == [head.name for head in SPEC.heads]
    assert model.untrainable == ()


def test_rows_are_counted(model: TrainedModel) -> None:
    """Days of 400 rows, less those whose label reached over midnight."""
    assert model.rows["test"] == 400
    assert model.rows["train"] + model.rows["val"] + model.rows["purged"] == 800
    assert model.rows["purged"] > 0


def test_columns_are_recorded(model: TrainedModel) -> None:
    """Numeric inputs, then one column a category."""
    assert model.columns[:3] == ("dist_to_vwap_x1000", "approach_velocity_x1000", "tape_imbalance_bps")
    assert "level_kind_name=VWAP" in model.columns
    assert "barrier_state=WALL" in model.columns


def test_planted_signal_is_found(few: TrainedModel) -> None:
    """On days no booster saw."""
    scores = {score.part: score for score in head_of(few, "direction").scores}
    assert scores["test"].scores["auc"] > 0.8
    assert scores["test"].scores["skill_over_base"] > 0.2
    assert scores["test"].rows == ROWS.filter(pl.col("date") == SPLIT.test[0], pl.col("tradeable_2") == 1).height
    strength = {score.part: score for score in head_of(few, "strength").scores}
    assert strength["test"].scores["rmse"] < 1000
    assert strength["test"].positives == 0


def test_base_rates_are_what_train_rows_say(few: TrainedModel) -> None:
    """The share of BREAK among the tradeable rows fitted on."""
    direction = head_of(few, "direction")
    scores = {score.part: score for score in direction.scores}
    assert direction.base_rates == (pytest.approx(scores["train"].positives / scores["train"].rows),)


def test_rows_in_any_order_and_one_or_two_threads_give_the_same_model() -> None:
    """Byte for byte."""
    shuffled = ROWS.sample(fraction=1.0, shuffle=True, seed=9)
    one = trained(quick(FEW, rounds=5), ROWS, SPLIT)
    two = trained(quick(FEW, rounds=5, nthread=2), shuffled, SPLIT)
    assert [head.booster for head in one.heads] == [head.booster for head in two.heads]


def test_test_days_do_not_touch_the_boosters(few: TrainedModel) -> None:
    """Other labels and inputs there, the same bytes here."""
    late = pl.col("date") == SPLIT.test[0]
    changed = ROWS.with_columns(
        pl.when(late).then(-pl.col("dist_to_vwap_x1000")).otherwise("dist_to_vwap_x1000").alias("dist_to_vwap_x1000"),
        pl.when(late).then(1 - pl.col("tradeable_2")).otherwise("tradeable_2").cast(pl.Int8).alias("tradeable_2"),
    )
    again = trained(FEW, changed, SPLIT)
    assert [head.booster for head in again.heads] == [head.booster for head in few.heads]


def test_head_of_one_class_is_left_out_with_its_counts() -> None:
    """The others go on."""
    rows = ROWS.with_columns(t2_60=pl.lit(0, pl.Int8))
    model = trained(FEW, rows, SPLIT)
    assert [head.name for head in model.untrainable] == ["t2_60s"]
    assert model.untrainable[0].reason == f"open train rows hold {model.rows['train']} no, 0 yes, needs 10 of each"
    assert [head.head.name for head in model.heads] == ["tradeable_2", "direction", "strength"]


def test_head_without_a_class_in_validation_is_left_out() -> None:
    """Early stopping would follow nothing."""
    in_val = pl.col("date") == SPLIT.val[0]
    rows = ROWS.with_columns(pl.when(in_val).then(1).otherwise("t2_60").cast(pl.Int8).alias("t2_60"))
    model = trained(FEW, rows, SPLIT)
    assert model.untrainable[0].reason == f"open validation rows hold 0 no, {model.rows['val']} yes, needs 3 of each"


def test_constant_regression_is_left_out() -> None:
    """Nothing varies, nothing is learned."""
    model = trained(FEW, ROWS.with_columns(strength_signed=pl.lit(7, pl.Int32)), SPLIT)
    assert model.untrainable[0].reason == f"{model.rows['train']} train rows, needs 20 that differ"


def test_nothing_trainable_is_refused_with_every_reason() -> None:
    """Ten rows a day teach no head."""
    with pytest.raises(NothingTrainable, match=r"tradeable_2: open train rows hold .*; direction: .*; strength: "):
        trained(FEW, level_rows(per_day=8), SPLIT)


def test_heads_on_fewer_rows_have_their_own_matrix(few: TrainedModel) -> None:
    """Direction is fitted on tradeable rows alone: changing inputs of the others changes nothing."""
    idle = pl.col("tradeable_2") == 0
    changed = ROWS.with_columns(
        pl.when(idle).then(0).otherwise("dist_to_vwap_x1000").cast(pl.Int64).alias("dist_to_vwap_x1000")
    )
    again = trained(FEW, changed, SPLIT)
    assert head_of(again, "direction").booster == head_of(few, "direction").booster
    assert head_of(again, "tradeable_2").booster != head_of(few, "tradeable_2").booster


AT_T1 = pl.col("ts_ns") % 3 == 0


def settled(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with about every third settled for threshold 2: reached, on the side of a break."""
    return rows.with_columns(
        pl.when(AT_T1).then(0).otherwise("time_to_threshold_2_ms").alias("time_to_threshold_2_ms"),
        *(pl.when(AT_T1).then(1).otherwise(name).cast(pl.Int8).alias(name) for name in ("tradeable_2", "t2_60")),
        pl.when(AT_T1).then(pl.lit("BREAK")).otherwise("outcome").alias("outcome"),
    )


def test_settled_rows_teach_nothing() -> None:
    """Whatever their labels and inputs are, the boosters and base rates of the heads they settle stay the same."""
    model = trained(FEW, settled(ROWS), SPLIT)
    changed = settled(ROWS).with_columns(
        pl.when(AT_T1).then(99).otherwise("dist_to_vwap_x1000").cast(pl.Int64).alias("dist_to_vwap_x1000"),
        pl.when(AT_T1).then(pl.lit("BOUNCE")).otherwise("outcome").alias("outcome"),
        pl.when(AT_T1).then(0).otherwise("t2_60").cast(pl.Int8).alias("t2_60"),
    )
    again = trained(FEW, changed, SPLIT)
    for name in ("tradeable_2", "direction", "t2_60s"):
        assert head_of(again, name).booster == head_of(model, name).booster
        assert head_of(again, name).base_rates == head_of(model, name).base_rates
        assert head_of(again, name).scores == head_of(model, name).scores
    assert head_of(again, "strength").booster != head_of(model, "strength").booster


def test_scores_and_base_rate_are_those_of_open_rows() -> None:
    """A third of the rows is settled and says yes; nothing of that shows."""
    reach = head_of(trained(FEW, settled(ROWS), SPLIT), "t2_60s")
    open_test = ROWS.filter(~AT_T1, pl.col("date") == SPLIT.test[0])
    scores = {score.part: score for score in reach.scores}
    assert (scores["test"].rows, scores["test"].positives) == (open_test.height, open_test["t2_60"].sum())
    assert reach.base_rates == (pytest.approx(scores["train"].positives / scores["train"].rows),)
    assert 0.4 < reach.base_rates[0] < 0.6


def test_head_with_few_open_rows_is_left_out_with_their_counts() -> None:
    """Rows enough, but all that say yes were settled at decision time."""
    rows = ROWS.with_columns(time_to_threshold_2_ms=pl.when(pl.col("t2_60") == 1).then(0).otherwise(1))
    model = trained(replace(FEW, heads=FEW.heads[-1:] + FEW.heads[2:3]), rows, SPLIT)
    assert model.untrainable[0].name == "t2_60s"
    assert re.fullmatch(r"open train rows hold \d{2,3} no, 0 yes, needs 10 of each", model.untrainable[0].reason)


def test_prediction_of_no_rows_has_the_shape_of_the_outputs(few: TrainedModel) -> None:
    """So that empty days need no special case."""
    margin, answer = few.heads[0].predict(np.empty((0, len(few.columns)), dtype=np.float32))
    assert margin.shape == answer.shape == (0, 1)


def test_exportable_head_carries_what_the_exporter_needs(few: TrainedModel) -> None:
    """Name, kind, classes, JSON and unit."""
    strength = head_of(few, "strength").exportable
    assert (strength.name, strength.kind, strength.classes, strength.unit) == ("strength", "regression", (), 1000.0)
    assert strength.booster_json == head_of(few, "strength").booster
