from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from grinder_resources.errors import ContractBroken, SchemaMismatch
from grinder_resources.evaluation.walk_forward import WalkForwardResult
from grinder_resources.learning.selection import FeatureSet
from tests.evaluation.toy_rows import DAYS, FIRST_DAY, ROWS, SPEC, verdict, walk

SPOKEN_FOR = replace(SPEC, name="spoken_for", reference=("signal",), reference_name="the signal itself")
BEYOND = replace(SPOKEN_FOR, name="beyond", select=lambda _: FeatureSet(("signal", "noise", "extra"), ()))


def with_extra(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows whose hits and amounts depend on a second input as much as on the signal."""
    rng = np.random.default_rng(8)
    extra = rng.normal(size=rows.height)
    both = rows["signal"].to_numpy() + extra
    return rows.with_columns(
        pl.Series("extra", extra),
        pl.Series("hit", (rng.random(rows.height) < 1.0 / (1.0 + np.exp(-2.0 * both))).astype(np.int8)),
        pl.Series("amount", np.rint(1000 * both + rng.normal(0, 300, rows.height)).astype(np.int64)),
    )


TARGETS = pytest.mark.parametrize(
    ("head", "output"), [("planted", "yes"), ("size", ""), ("regime", "LOW"), ("regime", "HIGH")]
)


@pytest.fixture(scope="module")
def spoken_for() -> WalkForwardResult:
    return walk(SPOKEN_FOR, ROWS)


@pytest.fixture(scope="module")
def beyond() -> WalkForwardResult:
    return walk(BEYOND, with_extra(ROWS))


@TARGETS
def test_a_model_that_knows_only_its_reference_has_no_edge(
    spoken_for: WalkForwardResult, head: str, output: str
) -> None:
    """Far better than the base rate, and still nothing of its own: the same answers over the base rate were an edge."""
    found = verdict(spoken_for, head, output)
    assert found["edge"] is False
    assert found["skill_over_base_low"] > 0.1  # type: ignore[operator]
    assert found["skill"] < 0.02  # type: ignore[operator]
    assert str(found["verdict"]).startswith("no edge: no better than the signal itself alone, skill ")
    assert found["reference"] == "the signal itself"


def test_the_reference_alone_has_a_skill_of_nought() -> None:
    """The same columns, rows and settings are the same booster: its answers are its baseline, in and out of sample."""
    same = replace(SPOKEN_FOR, select=lambda _: FeatureSet(("signal",), ()))
    result = walk(same, ROWS)
    assert result.predictions["prediction"].equals(result.predictions["baseline"], check_names=False)
    skills = result.scores.filter(pl.col("metric") == "skill", pl.col("part") != "calibrated")
    assert set(skills["part"]) == {"train", "test"}
    assert skills["value"].abs().max() < 1e-6  # type: ignore[operator]
    assert not result.verdicts["edge"].any()


@TARGETS
def test_a_signal_beyond_the_reference_is_an_edge(beyond: WalkForwardResult, head: str, output: str) -> None:
    """By less than over the base rate: what the reference knows is taken off."""
    found = verdict(beyond, head, output)
    assert found["edge"] is True
    assert 0.05 < found["skill"] < found["skill_over_base"]  # type: ignore[operator]
    assert str(found["verdict"]).startswith("better than the signal itself alone: skill 0.")
    assert 0.0 < found["degradation"] < 1.0  # type: ignore[operator]


def test_luck_is_no_edge_over_a_reference_either(beyond: WalkForwardResult) -> None:
    """Neither the coin nor the reference knows anything of it."""
    assert verdict(beyond, "luck", "yes")["edge"] is False


def test_baselines_of_classes_add_up_to_one(beyond: WalkForwardResult) -> None:
    """They are answers of a model of three classes, different from row to row, rounded as answers are."""
    regime = beyond.predictions.filter(pl.col("head") == "regime", pl.col("mode") == "expanding")
    sums = regime.group_by("row_id").agg(pl.col("baseline").sum())
    np.testing.assert_allclose(sums["baseline"].to_numpy(), 1.0, atol=1e-8)
    assert regime.filter(pl.col("class") == "LOW")["baseline"].n_unique() > 10


def test_a_reference_sees_nothing_of_its_test_day(beyond: WalkForwardResult) -> None:
    """Other labels on the last day leave every baseline as it was."""
    last = pl.col("date") == FIRST_DAY + timedelta(days=DAYS - 1)
    turned = with_extra(ROWS).with_columns(pl.when(last).then(1 - pl.col("hit")).otherwise("hit").alias("hit"))
    again = walk(BEYOND, turned)
    assert again.predictions["baseline"].equals(beyond.predictions["baseline"])


def test_a_dataset_without_the_reference_is_refused() -> None:
    """Nothing is judged by a lower bar in silence: the columns that lack are named."""
    with pytest.raises(
        SchemaMismatch,
        match=r"columns of the reference are missing.*gold/training/toy.*got no place; expected signal, place",
    ):
        walk(replace(SPOKEN_FOR, reference=("signal", "place")), ROWS)


def test_a_label_is_no_reference() -> None:
    """A bar that knows the future would hide every edge."""
    with pytest.raises(ContractBroken, match="a label is no input"):
        walk(replace(SPOKEN_FOR, reference=("label_end_ns",)), ROWS)
