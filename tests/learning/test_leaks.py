"""Leak checks at their edges: the last honest row and the first leaking one, and how findings are counted and shown."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.errors import LeakFound
from grinder_resources.learning.leaks import answers, fits, future, parts, rows
from grinder_resources.learning.leaks.agreement import correlations, ranks, separation
from grinder_resources.learning.leaks.case import Fold, LeakCase, Sighting, case_of, design_of
from grinder_resources.learning.leaks.checks import LEAK_CHECKS, Finding, LeakCheck, day_table, find_leaks, refuse
from grinder_resources.learning.model_spec import Head, ModelSpec
from grinder_resources.learning.selection import FeatureSet
from grinder_resources.learning.splits import EMBARGO_NS, Parts

MINUTE_NS = 60 * 1_000_000_000
MIDNIGHT_NS = 1_740_960_000_000_000_000
FIRST_DAY = date(2025, 3, 3)

SPEC = ModelSpec(
    name="toy",
    doc="One yes-or-no question and one number, asked every ten minutes.",
    dataset="gold/training/toy",
    select=lambda schema: FeatureSet(
        tuple(name for name in schema if name.startswith("input_")),
        tuple(name for name in schema if name.startswith("kind_")),
    ),
    heads=(
        Head("hit", "binary", "is_hit", classes=("no", "yes"), settled_when_zero="time_ms"),
        Head("size", "regression", "amount"),
    ),
    row_id=("symbol", "ts_ns"),
)


def toy_rows(days: int = 3, per_day: int = 100) -> pl.DataFrame:
    """Return honest rows ten minutes apart, each answered within five minutes."""
    rng = np.random.default_rng(5)
    count = days * per_day
    day = np.repeat(np.arange(days), per_day)
    ts = MIDNIGHT_NS + day * 1440 * MINUTE_NS + np.tile(np.arange(per_day), days) * 10 * MINUTE_NS
    return pl.DataFrame(
        {
            "date": [FIRST_DAY + timedelta(days=int(number)) for number in day],
            "venue": "demo",
            "symbol": "A",
            "ts_ns": ts,
            "watermark_ns": ts,
            "label_end_ns": ts + 5 * MINUTE_NS,
            "time_ms": 60_000,
            "is_hit": rng.integers(0, 2, count),
            "amount": rng.integers(0, 10_000, count),
            "input_a": rng.normal(size=count),
            "input_b": rng.integers(0, 500, count),
        }
    )


ROWS = toy_rows()


def case(frame: pl.DataFrame = ROWS) -> LeakCase:
    return case_of(SPEC, frame)


def change(row: int, **values: object) -> pl.DataFrame:
    """Return the honest rows with other values in one of them."""
    at = pl.int_range(pl.len()) == row
    return ROWS.with_columns(
        pl.when(at).then(pl.lit(value, ROWS.schema[name])).otherwise(name).alias(name) for name, value in values.items()
    )


def found(look: object, frame: pl.DataFrame) -> list[int]:
    """Return the rows that one check sees."""
    assert callable(look)
    return sorted({int(row) for sighting in look(case(frame)) for row in sighting.rows})


def test_an_honest_case_has_no_findings() -> None:
    """Not one of all the checks."""
    assert find_leaks(case()) == ()
    assert [fold.name for fold in case().folds] == ["the shipped split", "expanding fold 1", "rolling fold 1"]


TS = int(ROWS["ts_ns"][7])


@pytest.mark.parametrize(
    ("look", "honest", "leaking"),
    [
        (rows.watermark, {"watermark_ns": TS}, {"watermark_ns": TS + 1}),
        (rows.watermark, {"watermark_ns": TS - 1}, {"watermark_ns": None}),
        (rows.label_window, {"label_end_ns": TS + 1}, {"label_end_ns": TS}),
        (rows.label_end, {"time_ms": 300_000}, {"time_ms": 300_001}),
        (
            rows.label_end,
            {"is_hit": None, "amount": None, "time_ms": None, "label_end_ns": None},
            {"label_end_ns": None},
        ),
        (rows.row_day, {"ts_ns": MIDNIGHT_NS}, {"ts_ns": MIDNIGHT_NS - 1}),
        (rows.time_order, {"ts_ns": TS - 10 * MINUTE_NS}, {"ts_ns": TS - 10 * MINUTE_NS - 1}),
    ],
)
def test_the_last_honest_and_the_first_leaking_row(
    look: object, honest: dict[str, object], leaking: dict[str, object]
) -> None:
    """Row 7 as late as it may be is silent; a nanosecond, or a millisecond, more is seen there and nowhere else."""
    assert found(look, change(7, **honest)) == []
    assert found(look, change(7, **leaking)) == [7]


def test_a_dataset_without_watermark_is_not_trusted() -> None:
    """Where nobody wrote down what was looked at, every row is a finding."""
    assert len(found(rows.watermark, ROWS.drop("watermark_ns"))) == ROWS.height


def test_the_confirmation_is_the_decision_where_there_is_one() -> None:
    """A feature may look until the confirmation, and the label begins there."""
    later = ROWS.with_columns(confirm_ts_ns=pl.col("ts_ns") + MINUTE_NS, watermark_ns=pl.col("ts_ns") + MINUTE_NS)
    assert found(rows.watermark, later) == []
    assert len(found(rows.label_window, later.with_columns(label_end_ns=pl.col("confirm_ts_ns")))) == ROWS.height
    early = later.with_columns(confirm_ts_ns=pl.col("ts_ns") - 1)
    assert len(found(rows.label_window, early)) == ROWS.height


def test_a_repeated_id_is_seen_on_both_rows() -> None:
    """The same symbol and time twice."""
    twice = change(8, ts_ns=TS)
    assert found(rows.row_id, twice) == [7, 8]


def test_a_row_needs_four_fine_columns_to_be_called_a_copy() -> None:
    """Two equal flags say nothing; equal numbers in four columns that tell rows apart do."""
    wide = ROWS.with_columns(input_c=pl.col("input_b") * 3, input_d=pl.col("input_b") - 7)
    names = ["input_a", "input_b", "input_c", "input_d", "is_hit", "amount"]
    copied = wide.with_columns(
        pl.when(pl.int_range(pl.len()) == 150).then(pl.col(name).shift(120)).otherwise(name).alias(name)
        for name in names
    )
    assert found(rows.copied_rows, copied) == [30, 150]
    assert found(rows.copied_rows, copied.drop("input_d")) == []


def test_a_repeated_label_has_the_window_of_the_row_before() -> None:
    """Equal answers are chance; an equal end of the window is none."""
    same = {"is_hit": int(ROWS["is_hit"][6]), "amount": int(ROWS["amount"][6])}
    assert found(rows.repeated_label, change(7, **same)) == []
    assert found(rows.repeated_label, change(7, **same, label_end_ns=int(ROWS["label_end_ns"][6]))) == [7]


@pytest.mark.parametrize(("time", "beyond", "leaks"), [(0, 10, False), (1, 10, True), (None, 10, True), (1, 9, False)])
def test_a_price_beyond_its_threshold_is_settled(time: int | None, beyond: int, leaks: bool) -> None:
    """A level 10 half ticks away: at 10 beyond it the break is known, at 9 it is not."""
    level = ROWS.with_columns(
        direction_sign=pl.lit(1, pl.Int8),
        spot_half_ticks=pl.lit(1000 + beyond),
        level_price_half_ticks=pl.lit(1000),
        threshold_1_half_ticks=pl.lit(10),
        time_to_break_1_ms=pl.lit(time, pl.Int64),
    )
    assert bool(found(rows.settled_as_open, level)) is leaks


def parted(train: list[int], val: list[int], test: list[int], frame: pl.DataFrame = ROWS) -> LeakCase:
    numbers = (np.array(part, dtype=np.int64) for part in (train, val, test))
    return replace(case(frame), folds=(Fold("fold", Parts(*numbers, purged=0)),))


def sightings(look: object, judged: LeakCase) -> list[tuple[list[int], str]]:
    assert callable(look)
    return [(sighting.rows.tolist(), sighting.where) for sighting in look(judged) if len(sighting.rows)]


def test_parts_that_share_rows_or_days() -> None:
    """Row 1 is fitted on and tested; day one is cut in two."""
    judged = parted([0, 1], [100], [1, 2, 200])
    assert sightings(parts.disjoint_parts, judged) == [([1], "fold, train and test")]
    assert sightings(parts.whole_days, judged) == [([0, 1], "fold, train and test")]
    assert sightings(parts.part_order, judged) == [
        ([1], "fold, train after test"),
        ([100], "fold, validation after test"),
    ]


@pytest.mark.parametrize(
    ("end", "overlaps", "near"),
    [(0, True, False), (-1, False, True), (-EMBARGO_NS, False, True), (-EMBARGO_NS - 1, False, False)],
)
def test_overlap_and_embargo_at_the_nanosecond(end: int, overlaps: bool, near: bool) -> None:
    """A train label that ends at the first later row overlaps; within the embargo it is near; before, it is neither."""
    judged = parted([0], [100], [200], change(0, label_end_ns=int(ROWS["ts_ns"][100]) + end))
    assert bool(sightings(parts.label_overlap, judged)) is overlaps
    assert bool(sightings(parts.embargo, judged)) is near


@pytest.mark.parametrize("name", ["is_hit", "label_end_ns", "input_next_b", "amount", "input_label", "event_id"])
def test_names_that_give_an_input_away(name: str) -> None:
    """Labels, identities and words of the future."""
    named = replace(case(), features=FeatureSet(("input_a", name), ()))
    assert [where for _, where in sightings(answers.input_names, named)] == [name]


@pytest.mark.parametrize("name", ["context", "net_break_pressure", "targeted_lots", "nextdoor_lots"])
def test_names_that_only_look_like_it(name: str) -> None:
    """A word inside a word is none."""
    named = replace(case(), features=FeatureSet((name,), ()))
    assert sightings(answers.input_names, named) == []


def with_input(values: pl.Expr) -> pl.DataFrame:
    return ROWS.with_columns(values.alias("input_x"))


HIT, AMOUNT = pl.col("is_hit"), pl.col("amount")


@pytest.mark.parametrize(
    ("values", "where"),
    [
        (HIT, "input_x orders hit"),
        (7 - 3 * HIT, "input_x orders hit"),
        (pl.when(HIT == 1).then(pl.col("input_b")), "null of input_x orders hit"),
        ((AMOUNT.cast(pl.Float64) + 1).log(), "input_x orders size"),
        (-AMOUNT, "input_x orders size"),
    ],
)
def test_copies_of_an_answer_in_any_dress(values: pl.Expr, where: str) -> None:
    """Same, turned round, hidden in the gaps, bent, negated."""
    assert where in [found_where for _, found_where in sightings(answers.label_copy, case(with_input(values)))]


def test_a_category_that_is_the_answer() -> None:
    """Words for yes and no."""
    worded = ROWS.with_columns(kind_w=pl.when(HIT == 1).then(pl.lit("X")).otherwise(pl.lit("Y")))
    spec = replace(SPEC, categories={"kind_w": ("X", "Y")})
    assert {where for _, where in sightings(answers.label_copy, case_of(spec, worded))} == {
        "kind_w=X orders hit",
        "kind_w=Y orders hit",
    }


def test_a_good_input_is_no_copy() -> None:
    """One answer in ten told wrong leaves an AUC near 0.9, which is luck or skill, not the answer itself."""
    wrong = pl.int_range(pl.len()) % 10 == 0
    assert sightings(answers.label_copy, case(with_input(pl.when(wrong).then(1 - HIT).otherwise(HIT)))) == []


def test_settled_rows_are_not_held_against_an_input() -> None:
    """What is known at the decision may be told: only open rows are judged."""
    settled = with_input(HIT).with_columns(time_ms=pl.lit(0, pl.Int64))
    assert sightings(answers.label_copy, case(settled)) == []


def test_a_leak_on_one_day_is_found_on_that_day() -> None:
    """The other days' rows are not among the findings."""
    second = pl.col("date") == FIRST_DAY + timedelta(days=1)
    poisoned = with_input(pl.when(second).then(HIT).otherwise(pl.col("input_b")))
    assert [(f.day.day, f.rows, f.where) for f in find_leaks(case(poisoned), [check("label_copy")])] == [
        (4, 100, "input_x orders hit")
    ]


def check(name: str) -> LeakCheck:
    return next(check for check in LEAK_CHECKS if check.name == name)


@pytest.mark.parametrize("shift", [1, 2, 3])
def test_a_lead_is_seen_and_a_lag_is_not(shift: int) -> None:
    """The same two columns: which one looks ahead is told by the end that is unknown."""
    assert sightings(future.lead, case(with_input(pl.col("input_b").shift(shift)))) == []
    seen = sightings(future.lead, case(with_input(pl.col("input_b").shift(-shift))))
    assert [where for _, where in seen] == [f"input_x is input_b +{shift} rows"]


def test_a_label_of_another_row_counts_until_its_window_is_closed() -> None:
    """Windows of five minutes are closed ten minutes later; of fifteen, they are not."""
    last = with_input(AMOUNT.shift(1).fill_null(0))
    assert sightings(future.unfinished_label, case(last)) == []
    longer = last.with_columns(label_end_ns=pl.col("ts_ns") + 15 * MINUTE_NS)
    assert "input_x is size -1 rows" in [where for _, where in sightings(future.unfinished_label, case(longer))]
    following = with_input(AMOUNT.shift(-2).fill_null(0))
    assert "input_x is size +2 rows" in [where for _, where in sightings(future.unfinished_label, case(following))]


def test_a_return_to_come_and_one_that_has_been() -> None:
    """Only what the next price decides is seen; noise on a price is not."""
    walk = pl.Series("spot_half_ticks", 10_000 + np.random.default_rng(2).integers(-9, 10, ROWS.height).cumsum())
    priced = ROWS.with_columns(walk)
    spot = pl.col("spot_half_ticks")
    for honest in (spot - spot.shift(1), spot + 100 * pl.col("input_a"), (spot + spot.shift(1)) / 2):
        assert sightings(future.future_price, case(priced.with_columns(input_x=honest))) == []
    for leak in (spot.shift(-1) - spot, spot.shift(-2) - spot, (spot.shift(1) + spot + spot.shift(-1)) / 3):
        seen = sightings(future.future_price, case(priced.with_columns(input_x=leak)))
        assert [where for _, where in seen] == ["input_x from later spot_half_ticks"]


def test_a_clock_runs_over_midnight() -> None:
    """Minutes since the open start again every day; a row number does not."""
    assert sightings(future.clock_input, case(with_input(pl.int_range(pl.len()).over("date")))) == []
    seen = sightings(future.clock_input, case(with_input(-pl.int_range(pl.len()))))
    assert [where for _, where in seen] == ["input_x counts time"]


def test_fit_scope_asks_the_function_not_the_column() -> None:
    """A frozen scaler gives the train rows the same numbers whatever else is there; a fitted one does not."""
    honest, share = case(), pl.col("input_b")
    fitted = replace(honest, derive=lambda frame: frame.select((share - share.mean()).alias("input_b")))
    frozen = replace(honest, derive=lambda frame: frame.select((share - 250.0).alias("input_b")))
    assert sightings(fits.fit_scope, frozen) == []
    assert {where for _, where in sightings(fits.fit_scope, fitted)} == {
        "input_b, the shipped split",
        "input_b, expanding fold 1",
        "input_b, rolling fold 1",
    }


def test_the_design_matrix_learns_nothing() -> None:
    """Our own: columns come from the contract, never from the rows."""
    derived = design_of(SPEC)(ROWS)
    assert derived.columns == ["input_a", "input_b"]
    assert design_of(SPEC)(ROWS[:10]).equals(derived[:10])


B = pl.col("input_b")
FIRST_TRAIN = pl.col("date") == FIRST_DAY


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ((B - B.mean()) / B.std(), "input_x standardised over all days"),
        ((B - B.mean()) / B.std(ddof=0), "input_x standardised over all days"),
        (pl.col("input_a").rank() / pl.len(), "input_x ranked over all days"),
        (
            (pl.col("input_a") - pl.col("input_a").min()) / (pl.col("input_a").max() - pl.col("input_a").min()),
            "input_x scaled to [0, 1] over all days",
        ),
    ],
)
def test_scalers_leave_a_mark(values: pl.Expr, where: str) -> None:
    """The statistic holds over all rows and not over the train rows."""
    assert where in [found_where for _, found_where in sightings(fits.scaled_beyond, case(with_input(values)))]


def test_a_scaler_of_the_train_rows_is_honest() -> None:
    """Mean and deviation of day one, the only train day, applied to all."""
    train = B.filter(FIRST_TRAIN)
    assert sightings(fits.scaled_beyond, case(with_input((B - train.mean()) / train.std()))) == []


def test_a_gap_filled_with_a_mean() -> None:
    """Of all days: seen, in the filled rows. Of the train day, or with a constant: not."""
    gaps = pl.int_range(pl.len()) % 4 == 1
    known = pl.when(~gaps).then(B)
    seen = sightings(fits.filled_beyond, case(with_input(known.fill_null(known.mean()))))
    assert seen == [(list(range(1, 300, 4)), "input_x filled with its mean over all days")]
    assert sightings(fits.filled_beyond, case(with_input(known.fill_null(known.filter(FIRST_TRAIN).mean())))) == []
    assert sightings(fits.filled_beyond, case(with_input(known.fill_null(-1.0)))) == []


def test_a_target_encoding() -> None:
    """Mean answers by category over all days are seen, as shares and in bps; those of the train day are not."""
    words = ROWS.with_columns(kind_w=pl.Series(np.array(["X", "Y", "Z"])[np.arange(ROWS.height) % 3]))
    spec = replace(SPEC, categories={"kind_w": ("X", "Y", "Z")})
    everywhere = HIT.mean().over("kind_w")
    for code in (everywhere, (10_000 * everywhere).round().cast(pl.Int64)):
        seen = sightings(fits.encoded_beyond, case_of(spec, words.with_columns(input_x=code)))
        assert [where for _, where in seen] == ["input_x is the mean hit by kind_w"]
    train = HIT.filter(FIRST_TRAIN).mean().over("kind_w")
    assert sightings(fits.encoded_beyond, case_of(spec, words.with_columns(input_x=train))) == []


@pytest.mark.parametrize("how", fits.AGGREGATES)
def test_a_total_of_the_own_day(how: str) -> None:
    """Each aggregate is recognised; the same of the day before is honest."""
    total = getattr(AMOUNT, how)().over("date")
    seen = [where for _, where in sightings(fits.day_aggregate, case(with_input(total)))]
    assert f"input_x is the day's {how} of amount" in seen
    yesterday = with_input(total).with_columns(pl.col("input_x").shift(100))
    assert sightings(fits.day_aggregate, case(yesterday)) == []


def test_findings_are_counted_once_a_place_and_day() -> None:
    """Rows seen twice in one place count once; the example is the first of the day."""
    twice = [Sighting(np.array([105, 3]), "x"), Sighting(np.array([3, 4]), "x"), Sighting(np.array([9]), "y")]
    looked = LeakCheck("seen", "nothing is seen", lambda _: iter(twice))
    assert find_leaks(case(), [looked]) == (
        Finding("seen", FIRST_DAY, 2, "x", f"A_{ROWS['ts_ns'][3]}"),
        Finding("seen", FIRST_DAY + timedelta(days=1), 1, "x", f"A_{ROWS['ts_ns'][105]}"),
        Finding("seen", FIRST_DAY, 1, "y", f"A_{ROWS['ts_ns'][9]}"),
    )


FINDINGS = (
    Finding("watermark", FIRST_DAY, 2, "watermark_ns", "A_1"),
    Finding("watermark", FIRST_DAY, 5, "elsewhere", "A_2"),
    Finding("row_id", FIRST_DAY, 1, "ts_ns", "A_3"),
)


def test_the_day_table_shows_the_worst_place_of_every_day() -> None:
    """Clean days are there too: a table without them would not say what was looked at."""
    assert day_table(case(), FINDINGS, [check("watermark")]) == [
        {
            "date": FIRST_DAY,
            "rows": 100,
            "leaking": 5,
            "check": "watermark",
            "where": "elsewhere",
            "example": "A_2",
        },
        {"date": FIRST_DAY + timedelta(days=1), "rows": 100, "leaking": 0, "check": "", "where": "", "example": ""},
        {"date": FIRST_DAY + timedelta(days=2), "rows": 100, "leaking": 0, "check": "", "where": "", "example": ""},
    ]


def test_the_refusal_is_one_line() -> None:
    """Check, rule, table, day, place, rows, example, and which other checks fired."""
    with pytest.raises(LeakFound) as refused:
        refuse(FINDINGS, "gold/training/toy")
    assert refused.value.line() == (
        "LEAK_FOUND: check 'watermark' refused the data: no feature looked at anything after the decision "
        "(gold/training/toy, 2025-03-03, watermark_ns; got 2 rows, e.g. A_1; also row_id). "
        "Nothing was trained; see the days with `grinder leak check`"
    )
    refuse((), "gold/training/toy")


def test_too_few_days_are_judged_by_their_rows_alone() -> None:
    """No fold can be made of two days; a late watermark is found all the same."""
    few = case(toy_rows(days=2).with_columns(pl.col("watermark_ns") + 1))
    assert few.folds == ()
    assert {finding.check for finding in find_leaks(few)} == {"watermark"}


def test_an_instrument_with_three_rows_is_no_trouble() -> None:
    """Too few to say anything, and nothing stumbles over them."""
    rare = pl.when(pl.int_range(pl.len()) % 100 == 3).then(pl.lit("B")).otherwise(pl.lit("A"))
    assert find_leaks(case(ROWS.with_columns(rare.alias("symbol"), spot_half_ticks=pl.col("ts_ns") % 1009))) == ()


def test_a_dataset_without_rows_has_nothing_to_leak() -> None:
    """And no check stumbles over it."""
    assert find_leaks(case(ROWS.clear())) == ()


VALUES = st.lists(st.tuples(*[st.one_of(st.just(float("nan")), st.integers(-50, 50).map(float))] * 2), min_size=3)


@settings(deadline=None)
@given(VALUES)
def test_correlations_leave_nulls_out_pair_by_pair(pairs: list[tuple[float, float]]) -> None:
    """As numpy says of the rows where both are known; 0 where one of them does not vary."""
    left, right = (np.array(column) for column in zip(*pairs, strict=True))
    known = ~np.isnan(left) & ~np.isnan(right)
    r, counted = correlations(left[:, None], right[:, None])
    assert counted[0, 0] == known.sum()
    varies = known.any() and np.ptp(left[known]) > 0 and np.ptp(right[known]) > 0
    expected = np.corrcoef(left[known], right[known])[0, 1] if varies else 0.0
    assert r[0, 0] == pytest.approx(expected, abs=1e-6)


def test_ranks_and_separation_of_a_few_values() -> None:
    """Middle ranks for ties; a perfect order is 1 in either direction, none is a half."""
    assert ranks(np.array([[3.0], [1.0], [3.0], [np.nan]])).ravel().tolist()[:3] == [2.5, 1.0, 2.5]
    label = np.array([0.0, 0.0, 1.0, 1.0])
    assert separation(np.array([1.0, 2.0, 3.0, 4.0]), label, binary=True) == 1.0
    assert separation(np.array([4.0, 3.0, 2.0, 1.0]), label, binary=True) == 1.0
    assert separation(np.array([1.0, 4.0, 2.0, 3.0]), label, binary=True) == 0.5
    assert separation(
        np.array([1.0, 8.0, 27.0, np.nan]), np.array([3.0, 2.0, 1.0, 9.0]), binary=False
    ) == pytest.approx(1.0)
