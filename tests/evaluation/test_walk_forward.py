from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from grinder_resources.contracts.reports import POOLED, report_tables
from grinder_resources.errors import ContractBroken, SchemaMismatch, TooFewDays
from grinder_resources.evaluation.scores import Estimate
from grinder_resources.evaluation.verdicts import Evidence
from grinder_resources.evaluation.walk_forward import WalkForwardResult, run_walk_forward
from grinder_resources.learning.selection import FeatureSet
from grinder_resources.learning.specs import BoosterParams, Head, ModelSpec

FIRST_DAY = date(2025, 3, 3)
MIDNIGHT_NS = 1_740_960_000_000_000_000
SECOND_NS = 1_000_000_000
DAYS, PER_DAY = 5, 240

SPEC = ModelSpec(
    name="toy",
    doc="Two inputs; one of them matters to some heads.",
    dataset="gold/training/toy",
    select=lambda _: FeatureSet(numeric=("signal", "noise"), categorical=()),
    heads=(
        Head("planted", "binary", "hit", classes=("no", "yes")),
        Head("luck", "binary", "coin", classes=("no", "yes")),
        Head("size", "regression", "amount", unit=1000),
        Head("rare", "binary", "never", classes=("no", "yes")),
        Head("regime", "multiclass", "amount", classes=("LOW", "MID", "HIGH"), label_is="quantile"),
    ),
    row_id=("venue", "symbol", "ts_ns"),
    params=BoosterParams(max_depth=3, rounds=40, early_stopping=10, min_child_weight=10.0),
)


def toy_rows(days: int = DAYS) -> pl.DataFrame:
    """Return one row six minutes apart for each of `days` days."""
    rng = np.random.default_rng(4)
    rows = days * PER_DAY
    day = np.repeat(np.arange(days), PER_DAY)
    ts = MIDNIGHT_NS + (day * 86_400 + np.tile(np.arange(PER_DAY) * 360, days)) * SECOND_NS
    signal = rng.normal(size=rows)
    return pl.DataFrame(
        {
            "date": [FIRST_DAY + timedelta(days=int(number)) for number in day],
            "venue": "demo",
            "symbol": rng.choice(["A", "B"], rows),
            "ts_ns": ts,
            "label_end_ns": ts + 300 * SECOND_NS,
            "signal": signal,
            "noise": rng.normal(size=rows),
            "hit": (rng.random(rows) < 1.0 / (1.0 + np.exp(-2.0 * signal))).astype(np.int8),
            "coin": rng.integers(0, 2, rows),
            "amount": np.rint(1000 * signal + rng.normal(0, 300, rows)).astype(np.int64),
            "never": 0,
        }
    )


ROWS = toy_rows()


@pytest.fixture(scope="module")
def result() -> WalkForwardResult:
    return run_walk_forward(SPEC, ROWS)


def test_reports_are_rows_of_their_tables(result: WalkForwardResult) -> None:
    """Conforming once more changes nothing."""
    reports = (result.predictions, result.scores, result.verdicts, result.calibration)
    for table, report in zip(report_tables("toy"), reports, strict=True):
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
    again = run_walk_forward(SPEC, turned)
    early = pl.col("fold") < 3
    assert again.predictions.filter(early).equals(result.predictions.filter(early))


def test_any_number_of_workers_gives_the_same_reports(result: WalkForwardResult) -> None:
    """And so does a second run, with rows in another order."""
    alone = run_walk_forward(SPEC, ROWS.sample(fraction=1.0, shuffle=True, seed=3), workers=1)
    assert alone.predictions.equals(result.predictions)
    assert alone.scores.equals(result.scores)
    assert alone.verdicts.equals(result.verdicts)


def test_scores_have_a_row_per_fold_and_one_pooled(result: WalkForwardResult) -> None:
    """In sample per fold only: pooling fitted rows would count them twice."""
    auc = result.scores.filter(pl.col("head") == "planted", pl.col("metric") == "auc", pl.col("mode") == "rolling")
    assert auc.sort("part", "fold").select("part", "fold").rows() == [
        ("all", POOLED), ("test", POOLED), ("test", 1), ("test", 2), ("test", 3),
        ("train", 1), ("train", 2), ("train", 3),
    ]  # fmt: skip
    assert auc.filter(pl.col("part") == "train")["low"].null_count() == 3
    assert auc.filter(pl.col("part") == "test")["low"].null_count() == 0
    assert auc.filter(pl.col("fold") == POOLED)["rows"].to_list() == [3 * PER_DAY, 3 * PER_DAY]


def verdict(result: WalkForwardResult, head: str, output: str) -> dict[str, object]:
    chosen = (pl.col("mode") == "expanding") & (pl.col("head") == head) & (pl.col("class") == output)
    return dict(result.verdicts.filter(chosen).row(0, named=True))


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
    result = run_walk_forward(single, ROWS, modes=("rolling",), min_train_days=3, train_days=3)
    assert [len(splits) for splits in result.splits.values()] == [1]
    assert result.splits["rolling"][0].train == tuple(FIRST_DAY + timedelta(days=number) for number in range(3))


def test_two_days_are_too_few() -> None:
    """A report catches this and says what could not be done."""
    with pytest.raises(TooFewDays, match="got 2 days"):
        run_walk_forward(SPEC, toy_rows(days=2))


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
    return run_walk_forward(REACH, SETTLED)


def test_what_is_known_at_decision_time_is_no_edge(reach: WalkForwardResult) -> None:
    """The signal says only what had happened already: an edge while those rows are judged, none on the open ones."""
    naive = run_walk_forward(replace(REACH, heads=(replace(REACHED, settled_when_zero=None),)), SETTLED)
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
        ("test", rows, hits),
    ]
    bins = reach.calibration.filter(pl.col("mode") == "expanding").group_by("binning").agg(pl.col("rows").sum())
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
    again = run_walk_forward(REACH, changed)
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
    found = verdict(run_walk_forward(REACH, rows), "reached", "yes")
    counts = f"{judged.height} open test rows, {judged['reached'].sum()} of the class, {720 - judged.height} settled"
    assert (found["edge"], found["skill_low"]) == (False, None)
    assert found["verdict"] == f"not judged: {counts}; an interval needs 10 of each class in 8 hours"


def test_a_day_without_open_rows_is_not_judged() -> None:
    """Three days, the last one settled throughout."""
    last = pl.col("date") == FIRST_DAY + timedelta(days=2)
    rows = SETTLED.filter(pl.col("date") <= FIRST_DAY + timedelta(days=2))
    shut = rows.with_columns(pl.when(last).then(0).otherwise("time_ms").alias("time_ms"))
    result = run_walk_forward(REACH, shut)
    found = verdict(result, "reached", "yes")
    assert found["verdict"] == (
        "not judged: no fold could fit and score it (0 open test rows, 0 of the class, 240 settled)"
    )
    assert (found["rows"], found["settled"], result.calibration.height) == (0, 240, 0)


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
    return run_walk_forward(SPOKEN_FOR, ROWS)


@pytest.fixture(scope="module")
def beyond() -> WalkForwardResult:
    return run_walk_forward(BEYOND, with_extra(ROWS))


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
    result = run_walk_forward(same, ROWS)
    assert result.predictions["prediction"].equals(result.predictions["baseline"], check_names=False)
    skills = result.scores.filter(pl.col("metric") == "skill")
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
    again = run_walk_forward(BEYOND, turned)
    assert again.predictions["baseline"].equals(beyond.predictions["baseline"])


def test_a_dataset_without_the_reference_is_refused() -> None:
    """Nothing is judged by a lower bar in silence: the columns that lack are named."""
    with pytest.raises(
        SchemaMismatch,
        match=r"columns of the reference are missing.*gold/training/toy.*got no place; expected signal, place",
    ):
        run_walk_forward(replace(SPOKEN_FOR, reference=("signal", "place")), ROWS)


def test_a_label_is_no_reference() -> None:
    """A bar that knows the future would hide every edge."""
    with pytest.raises(ContractBroken, match="a label is no input"):
        run_walk_forward(replace(SPOKEN_FOR, reference=("label_end_ns",)), ROWS)


EVIDENCE = Evidence(
    rows=900,
    settled=120,
    positives=300,
    folds=3,
    folds_scored=3,
    folds_above=2,
    skill=Estimate(0.05, 0.01, 0.09),
    skill_over_base=Estimate(0.25, 0.21, 0.29),
    auc=Estimate(0.61, 0.55, 0.67),
    degradation=0.4,
    regression=False,
    reference="a look at the clock",
    reason="",
)


NO_INTERVAL = (
    "not judged: 900 open test rows, 300 of the class, 120 settled; an interval needs 10 of each class in 8 hours"
)


@pytest.mark.parametrize(
    ("changes", "edge", "sentence"),
    [
        (
            {},
            True,
            "better than a look at the clock alone: skill 0.050 (0.010 to 0.090), AUC 0.610 (0.550 to 0.670), "
            "above it in 2 of 3 scored folds",
        ),
        ({"auc": Estimate(0.52, 0.47, 0.57)}, False, "no edge: lower bound of AUC 0.470 <= 0.5"),
        (
            {"skill": Estimate(0.01, -0.02, 0.03)},
            False,
            "no edge: no better than a look at the clock alone, skill 0.010 (-0.020 to 0.030)",
        ),
        (
            {"skill_over_base": Estimate(-0.01, -0.06, 0.03)},
            False,
            "no edge: better than a look at the clock alone, but no better than the base rate",
        ),
        (
            {"skill_over_base": Estimate(-0.01, -0.06, 0.03), "regression": True, "auc": None},
            False,
            "no edge: better than a look at the clock alone, but no better than the training mean",
        ),
        ({"skill": Estimate(0.2)}, False, NO_INTERVAL),
        ({"auc": None}, False, NO_INTERVAL),
        (
            {"skill": Estimate(0.2), "regression": True, "auc": None},
            False,
            "not judged: 900 open test rows, 120 settled; an interval needs 20 rows in 8 hours",
        ),
        ({"skill": None, "reason": "why"}, False, "not judged: no fold could fit and score it (why)"),
        (
            {"regression": True, "auc": None},
            True,
            "better than a look at the clock alone: skill 0.050 (0.010 to 0.090), above it in 2 of 3 scored folds",
        ),
    ],
)
def test_verdict_says_what_the_intervals_allow(changes: dict[str, object], edge: bool, sentence: str) -> None:
    """One sentence a case."""
    evidence = replace(EVIDENCE, **changes)  # type: ignore[arg-type]
    assert (evidence.edge, evidence.verdict) == (edge, sentence)
