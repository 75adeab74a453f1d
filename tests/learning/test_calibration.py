"""Calibration: exact tables from out-of-fold answers, and nothing else."""

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.contracts.calibration import AtMost, Calibration, StepTable
from grinder_resources.errors import SchemaMismatch
from grinder_resources.learning.calibration import (
    ANSWERS,
    MIN_CLASS_ROWS,
    MIN_DAYS,
    MIN_ROWS,
    calibrated_bps,
    class_gaps_q16,
    fit_calibration,
    fit_step_table,
    logistic_table,
    lookup,
    margins_q16,
    softmax_table,
)
from grinder_resources.learning.coherence import sum_to_certain
from grinder_resources.learning.model_spec import Head, ModelSpec
from grinder_resources.learning.selection import FeatureSet

PATIENT = settings(deadline=None, max_examples=60)
ONE = 1 << 16
DAY_NS = 86_400_000_000_000
MARGINS = st.integers(-(1 << 25), 1 << 25)

SPEC = ModelSpec(
    name="toy",
    doc="Two binary heads, one of three classes, one number.",
    dataset="gold/training/toy",
    select=lambda _: FeatureSet(numeric=(), categorical=()),
    heads=(
        Head("near", "binary", "near", classes=("no", "yes")),
        Head("far", "binary", "far", classes=("no", "yes")),
        Head("regime", "multiclass", "regime", classes=("LOW", "MID", "HIGH")),
        Head("size", "regression", "size"),
    ),
    row_id=("ts_ns",),
    coherence=(AtMost("far", ("near",)),),
)


def answers(head: str, output: str, margin: np.ndarray, label: np.ndarray, days: int = MIN_DAYS) -> pl.DataFrame:
    """Return open answers of one class to as many rows as there are margins, spread over some days."""
    number = np.arange(len(margin))
    return pl.DataFrame(
        {
            "venue": "demo",
            "symbol": "A",
            "ts_ns": number * (days * DAY_NS // max(1, len(number))),
            "row_id": [f"row {k}" for k in number],
            "head": head,
            "class": output,
            "settled": False,
            "label": label.astype(np.float64),
            "margin_q16": margin.astype(np.int64),
        },
        schema=dict(ANSWERS),
    )


def told(rows: int, seed: int = 0, scale: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    """Return margins that are too bold, and labels they know something of."""
    rng = np.random.default_rng(seed)
    margin = margins_q16(rng.normal(0.0, 1.5, rows))
    return margin, (rng.random(rows) < 1.0 / (1.0 + np.exp(-scale * margin / ONE))).astype(np.float64)


def test_margins_are_counted_in_units_of_the_grid() -> None:
    """Exactly, from either float; a half goes to even."""
    margin = np.array([[1.0, -0.5], [2.0**-16, 1.5 * 2.0**-16]])
    assert margins_q16(margin).tolist() == [[65_536, -32_768], [1, 2]]
    assert margins_q16(margin.astype(np.float32)).tolist() == margins_q16(margin).tolist()


def test_a_class_is_looked_up_at_its_lead() -> None:
    """Its own margin minus the largest of the others; two that lead together lead by nought."""
    margin = np.array([[5, 1, -2], [4, 4, 0]])
    assert class_gaps_q16(margin).tolist() == [[4, -4, -7], [0, 0, -4]]


@PATIENT
@given(MARGINS)
def test_the_logistic_table_is_the_logistic_function(margin: int) -> None:
    """Within 12.5 bps, at every margin a model can have."""
    exact = 10_000 / (1.0 + math.exp(-margin / ONE))
    assert abs(int(lookup(logistic_table(), np.array([margin]))[0]) - exact) <= 12.5 + 1e-9


def test_the_logistic_table_has_400_steps_and_no_certainty() -> None:
    """Of 25 bps each; the ends are next to never and always; half is at a margin of nought."""
    table = logistic_table()
    assert len(table.cuts_q16) == 400
    assert (table.values_bps[:3], table.values_bps[-3:]) == ((12, 25, 50), (9_950, 9_975, 9_988))
    assert lookup(table, np.array([0, -(1 << 60), 1 << 60])).tolist() == [5_000, 12, 9_988]
    assert (table.method, table.rows) == ("logistic", 0)


LEADS = st.lists(st.tuples(*[st.integers(-(1 << 20), 1 << 20)] * 3), min_size=1, max_size=5)


@PATIENT
@given(LEADS)
def test_weights_of_leads_make_a_softmax(margins: list[tuple[int, int, int]]) -> None:
    """Of three classes, within 40 bps, whatever their margins."""
    margin = np.array(margins)
    shares = sum_to_certain(lookup(softmax_table(), class_gaps_q16(margin)).astype(np.int64))
    weights = np.exp((margin - margin.max(axis=1, keepdims=True)) / ONE)
    assert np.abs(shares - 10_000 * weights / weights.sum(axis=1, keepdims=True)).max() <= 40


def test_a_class_in_front_has_the_full_weight() -> None:
    """However far; half of it is at a lead of -ln 2, and nothing is without weight."""
    table = softmax_table()
    assert lookup(table, np.array([0, 1 << 25, -45_426, -(1 << 25)])).tolist() == [10_000, 10_000, 5_000, 12]
    assert (len(table.cuts_q16), table.method, table.rows) == (400, "logistic", 0)


def test_classes_are_calibrated_together_or_not_at_all() -> None:
    """With 49 rows of one class all three keep the softmax; with 50 all are fitted."""
    for highs, method in ((MIN_CLASS_ROWS - 1, "logistic"), (MIN_CLASS_ROWS, "isotonic")):
        code = np.repeat([0, 1, 2], [700, 700, highs])
        margin = np.random.default_rng(2).integers(-ONE, ONE, (len(code), 3))
        frames = [answers("regime", name, margin[:, k], code == k) for k, name in enumerate(("LOW", "MID", "HIGH"))]
        assert [table.method for table in fit_calibration(SPEC, pl.concat(frames)).tables["regime"]] == [method] * 3


def test_a_cut_belongs_to_the_step_it_begins() -> None:
    """Tables are continuous from the right; the shape of the margins is kept."""
    table = StepTable((-3, 5), (100, 200, 300), "isotonic", 10)
    assert lookup(table, np.array([[-4, -3], [4, 5]])).tolist() == [[100, 200], [200, 300]]
    assert lookup(StepTable((), (700,), "isotonic", 10), np.array([1, -1])).tolist() == [700, 700]


def test_a_table_by_hand() -> None:
    """Four margins of 300 rows, shares 1/6, 1/2, 1/3 and 5/6: the middle two are pooled, one row at 11/24 is added.

    (50 + 11/24) / 301 = 1676 bps, (250 + 11/24) / 601 = 4167 bps, (250 + 11/24) / 301 = 8321 bps.
    """
    margin = np.repeat([-90, -10, 20, 51], 300)
    label = np.concatenate([np.arange(300) < positives for positives in (50, 150, 100, 250)])
    assert fit_step_table(margin, label) == StepTable((-50, 36), (1_676, 4_167, 8_321), "isotonic", 1_200)


@PATIENT
@given(st.lists(st.tuples(st.integers(-40, 40), st.booleans()), min_size=1, max_size=60), st.integers(20, 40))
def test_tables_are_monotone_and_know_no_order_of_rows(rows: list[tuple[int, bool]], copies: int) -> None:
    """Values rise, within what is possible, and never say never; shuffled rows give the same table."""
    margin, label = (np.tile(column, copies) for column in np.array(rows).T)
    table = fit_step_table(margin, label)
    values = table.values_bps
    assert list(values) == sorted(values)
    assert 0 < values[0] <= values[-1] < 10_000
    order = np.random.default_rng(len(margin)).permutation(len(margin))
    assert fit_step_table(margin[order], label[order]) == table


def test_a_table_mends_margins_that_are_too_bold() -> None:
    """On rows it has not seen: the mean gap to the truth falls below a quarter."""
    table, (margin, _) = fit_step_table(*told(20_000)), told(20_000, seed=1)
    truth = 10_000 / (1.0 + np.exp(-0.6 * margin / ONE))
    before, after = (np.abs(lookup(each, margin) - truth).mean() for each in (logistic_table(), table))
    assert table.method == "isotonic"
    assert after < before / 4


@pytest.mark.parametrize(
    ("rows", "positives", "method"),
    [
        (MIN_ROWS, 500, "isotonic"),
        (MIN_ROWS - 1, 500, "logistic"),
        (MIN_ROWS, MIN_CLASS_ROWS, "isotonic"),
        (MIN_ROWS, MIN_CLASS_ROWS - 1, "logistic"),
        (MIN_ROWS, MIN_ROWS - MIN_CLASS_ROWS + 1, "logistic"),
        (0, 0, "logistic"),
    ],
)
def test_too_few_rows_leave_the_logistic_function(rows: int, positives: int, method: str) -> None:
    """One fewer than the minimum of all rows, or of either class, is too few."""
    table = fit_step_table(np.arange(rows), np.arange(rows) < positives)
    assert table.method == method
    assert table.rows == (rows if method == "isotonic" else 0)


def test_only_open_labelled_rows_are_learned_from() -> None:
    """Settled rows and rows without a label, however many and however wrong, change no table."""
    margin, label = told(2_000)
    known = answers("near", "yes", margin, label)
    wrong = known.with_columns(row_id=pl.col("row_id") + " again", label=1.0 - pl.col("label"))
    settled = wrong.with_columns(settled=pl.lit(value=True))
    unlabelled = wrong.with_columns(row_id=pl.col("row_id") + " and again", label=pl.lit(None, pl.Float64))
    table = fit_calibration(SPEC, known).tables["near"]
    assert table == (fit_step_table(margin, label),)
    assert fit_calibration(SPEC, pl.concat([settled, known, unlabelled])).tables["near"] == table
    assert fit_calibration(SPEC, pl.concat([wrong, known])).tables["near"] != table


@pytest.mark.parametrize(("days", "method"), [(MIN_DAYS, "isotonic"), (MIN_DAYS - 1, "logistic")])
def test_two_days_are_a_mood(days: int, method: str) -> None:
    """However many rows they have."""
    table = fit_calibration(SPEC, answers("near", "yes", *told(3_000), days=days)).tables["near"][0]
    assert table.method == method


def test_every_probability_has_a_table_and_a_number_has_none() -> None:
    """One a class; a head that never answered keeps its own link. Rules are the spec's, spacing comes later."""
    calibration = fit_calibration(SPEC, answers("near", "yes", *told(2_000)))
    assert calibration.tables["far"] == (logistic_table(),)
    assert calibration.tables["regime"] == (softmax_table(),) * 3
    methods = {name: [table.method for table in tables] for name, tables in calibration.tables.items()}
    assert methods == {"near": ["isotonic"], "far": ["logistic"], "regime": ["logistic"] * 3}
    assert (calibration.rules, calibration.spacing) == (SPEC.coherence, None)


def test_rows_that_are_no_answers_of_folds_are_refused() -> None:
    """A dataset with its labels cannot be calibrated on: it has no margin, and no booster gave it out of fold."""
    dataset = answers("near", "yes", *told(2_000)).drop("margin_q16", "settled")
    with pytest.raises(SchemaMismatch, match=r"only answers of walk-forward folds .* got settled: absent, margin_q16"):
        fit_calibration(SPEC, dataset)
    with pytest.raises(SchemaMismatch, match=r"got margin_q16: Float64; expected margin_q16: Int64"):
        fit_calibration(SPEC, answers("near", "yes", *told(9)).with_columns(pl.col("margin_q16").cast(pl.Float64)))


REGIME = np.array([[3, 1, 0], [0, 0, 0], [-1, 2, 2]]) * ONE


def fold() -> pl.DataFrame:
    """Return the answers of one fold of three rows, all heads, rows and classes in disorder."""
    nothing = np.zeros(3)
    heads = [
        answers("near", "yes", np.array([0, 1, 2]) * ONE, nothing),
        answers("far", "yes", np.array([-1, 0, 3]) * ONE, nothing),
        *(answers("regime", name, REGIME[:, k], nothing) for k, name in enumerate(("LOW", "MID", "HIGH"))),
        answers("size", "", np.array([7, 8, 9]), nothing),
    ]
    return pl.concat(heads).sample(fraction=1.0, shuffle=True, seed=5)


def test_answers_are_looked_up_summed_and_made_coherent() -> None:
    """In the order of the given rows: `far` is at most `near`, classes sum to 10,000, a number has no bps.

    Leads of 2, -2 and -3 weigh 10,000, 1350 and 500, together 11,850; those of -3, 0 and 0: 500, 10,000 and 10,000.
    """
    given_rows = fold()
    found = given_rows.with_columns(calibrated_bps(SPEC, given_rows, fit_calibration(SPEC, given_rows.clear())))
    of = {
        name: found.filter(pl.col("head") == head, pl.col("class") == output).sort("ts_ns")["calibrated_bps"].to_list()
        for name, head, output in (
            ("near", "near", "yes"), ("far", "far", "yes"), ("size", "size", ""),
            ("LOW", "regime", "LOW"), ("MID", "regime", "MID"), ("HIGH", "regime", "HIGH"),
        )
    }  # fmt: skip
    assert of == {
        "near": [5_000, 7_300, 8_800],
        "far": [2_700, 5_000, 8_800],
        "size": [None, None, None],
        "LOW": [8_439, 3_334, 244],
        "MID": [1_139, 3_333, 4_878],
        "HIGH": [422, 3_333, 4_878],
    }
    assert found["calibrated_bps"].dtype == pl.Int32


def test_rules_do_not_ask_for_heads_that_could_not_be_fitted() -> None:
    """Without `near`, `far` is what its table says."""
    rows = fold().filter(pl.col("head") != "near")
    found = rows.with_columns(calibrated_bps(SPEC, rows, fit_calibration(SPEC, rows.clear())))
    assert found.filter(pl.col("head") == "far").sort("ts_ns")["calibrated_bps"].to_list() == [2_700, 5_000, 9_525]


def test_order_and_company_of_rows_do_not_matter() -> None:
    """Each dataset row is answered alone."""
    rows, calibration = fold(), fit_calibration(SPEC, fold().clear())
    whole = rows.with_columns(calibrated_bps(SPEC, rows, calibration))
    for part in rows.partition_by("row_id"):
        alone = part.with_columns(calibrated_bps(SPEC, part, calibration))
        assert alone.equals(whole.filter(pl.col("row_id") == part["row_id"][0]))


def test_heads_that_answer_other_rows_are_refused() -> None:
    """Rules compare heads row by row, so a row that one head left out would shift all others."""
    rows = fold().filter((pl.col("head") != "far") | (pl.col("row_id") != "row 1"))
    with pytest.raises(SchemaMismatch, match=r"every head of a fold answers the same rows .* got far: 2 rows"):
        calibrated_bps(SPEC, rows, Calibration())


def test_nothing_is_answered_for_no_rows() -> None:
    """And no error is made of it; nor of a spec that has numbers only."""
    rows = fold()
    assert calibrated_bps(SPEC, rows.clear(), fit_calibration(SPEC, rows.clear())).to_list() == []
    numbers = replace(SPEC, heads=SPEC.heads[-1:], coherence=())
    sizes = rows.filter(pl.col("head") == "size")
    assert calibrated_bps(numbers, sizes, fit_calibration(numbers, sizes)).to_list() == [None] * 3
