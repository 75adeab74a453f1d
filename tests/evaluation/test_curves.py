"""Reliability tables: before and after, by bin, by day and by symbol, of open rows alone."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from grinder_resources.contracts.reports import predictions_table
from grinder_resources.evaluation.curves import HOURS, calibration, reliability_by_group

HOUR_NS = 3_600_000_000_000
FIRST_DAY, MIDNIGHT_NS = date(2025, 3, 3), 1_740_960_000_000_000_000


def predictions(
    days: int = 2, hours: int = 10, an_hour: int = 20, head: str = "hit", output: str = "yes"
) -> pl.DataFrame:
    """Return answers that are right on the first day, and 10 points too low later; calibrated ones 20 points."""
    table = predictions_table("demo")
    day, hour, number = (part.ravel() for part in np.indices((days, hours, an_hour)))
    rng = np.random.default_rng(4)
    probability = rng.uniform(0.2, 0.6, len(day)).round(4)
    off = 0.1 * (day > 0)
    facts = {
        "date": [FIRST_DAY + timedelta(days=int(k)) for k in day],
        "venue": "demo",
        "symbol": np.where(number % 2 == 0, "A", "B"),
        "ts_ns": MIDNIGHT_NS + (24 * day + hour) * HOUR_NS + number,
        "mode": "expanding",
        "head": head,
        "class": output,
        "settled": False,
        "label": (rng.random(len(day)) < probability + off).astype(float),
        "prediction": probability,
        "calibrated_bps": np.rint(10_000 * (probability - off)).astype(np.int32),
        "fold": 1,
        "row_id": "row",
    }
    columns = {name: facts.get(name, 0) for name in table.schema}
    return pl.DataFrame(columns, schema=table.schema)


def test_there_is_a_curve_before_and_after_in_both_binnings_and_none_of_numbers() -> None:
    """A row of each bin, for every mode, head, class and answer."""
    rows = pl.concat([predictions(), predictions(head="size", output="")])
    found = calibration("demo", rows)
    counts = found.group_by("head", "class", "answer", "binning").agg(pl.col("rows").sum()).sort("answer", "binning")
    assert counts.rows() == [
        ("hit", "yes", answer, binning, 400)
        for answer in ("calibrated", "raw")
        for binning in ("equal_mass", "uniform")
    ]


def test_settled_rows_are_in_no_table() -> None:
    """However many."""
    rows = predictions()
    settled = rows.with_columns(settled=pl.lit(value=True), prediction=pl.lit(0.99))
    both = pl.concat([rows, settled])
    assert calibration("demo", both).equals(calibration("demo", rows))
    assert reliability_by_group("demo", both).equals(reliability_by_group("demo", rows))


def test_bounds_hold_the_observed_share_and_are_absent_where_too_little_is_known() -> None:
    """Rows of twenty hours have them; the same rows in seven hours have none, nor has a bin of fewer than ten rows."""
    found = calibration("demo", predictions()).filter(pl.col("answer") == "raw")
    uniform = found.filter(pl.col("binning") == "uniform")
    assert uniform["rows"].min() > 10  # type: ignore[operator]
    assert uniform.filter(pl.col("observed").is_between("observed_low", "observed_high")).height == uniform.height
    assert calibration("demo", predictions(days=1, hours=7))["observed_low"].null_count() > 0
    lonely = predictions().with_columns(
        prediction=pl.when(pl.int_range(pl.len()) < 9).then(0.95).otherwise("prediction")
    )
    last = (
        calibration("demo", lonely)
        .filter(pl.col("answer") == "raw", pl.col("binning") == "uniform")
        .row(-1, named=True)
    )
    assert (last["rows"], last["observed_low"]) == (9, None)


def test_nought_of_twenty_is_not_never() -> None:
    """No resample can draw what was not there, so the interval is at least Wilson's: up to 16 % for 0 of 20."""
    first = pl.int_range(pl.len()) < 20
    rows = predictions().with_columns(
        prediction=pl.when(first).then(0.01).otherwise("prediction"), label=pl.when(first).then(0.0).otherwise("label")
    )
    low = calibration("demo", rows).filter(pl.col("answer") == "raw", pl.col("binning") == "uniform").row(0, named=True)
    assert (low["rows"], low["observed"], low["observed_low"]) == (20, 0.0, 0.0)
    assert low["observed_high"] == pytest.approx(0.1611, abs=1e-4)


def test_groups_are_days_and_symbols() -> None:
    """Every row is in one day and in one symbol, before and after."""
    found = reliability_by_group("demo", predictions())
    assert found.filter(pl.col("answer") == "raw").select("by", "group", "rows").rows() == [
        ("day", "2025-03-03", 200),
        ("day", "2025-03-04", 200),
        ("symbol", "demo A", 200),
        ("symbol", "demo B", 200),
    ]


def test_groups_may_be_bands_of_hours() -> None:
    """Four hours each, of all days together: ten hours of two days fill two bands and half of a third."""
    found = reliability_by_group("demo", predictions(), HOURS).filter(pl.col("answer") == "raw")
    assert found.select("by", "group", "rows").rows() == [
        ("hour", "00-04", 160),
        ("hour", "04-08", 160),
        ("hour", "08-12", 80),
    ]


def test_a_bad_day_shows() -> None:
    """On the second day it happens 10 points more often than was said, and twice that of the calibrated answers."""
    found = reliability_by_group("demo", predictions(hours=24, an_hour=60)).filter(pl.col("by") == "day")
    gap = {(row["group"], row["answer"]): row for row in found.iter_rows(named=True)}
    good, bad, worse = (
        gap[key] for key in (("2025-03-03", "raw"), ("2025-03-04", "raw"), ("2025-03-04", "calibrated"))
    )
    assert good["gap_low"] < 0 < good["gap_high"]
    assert bad["gap"] == pytest.approx(0.1, abs=0.03)
    assert worse["gap"] == pytest.approx(0.2, abs=0.03)
    assert 0 < bad["gap_low"] < bad["gap"] < bad["gap_high"] < worse["gap_high"]
    for row in gap.values():
        assert row["gap"] == pytest.approx(row["observed"] - row["predicted"])
        assert row["ece_low"] <= row["ece"] <= row["ece_high"]
        assert row["ece"] >= abs(row["gap"]) - 1e-12


def test_a_day_of_few_hours_has_no_interval() -> None:
    """Seven hours: the gap is there, its bounds are not."""
    row = reliability_by_group("demo", predictions(days=2, hours=7)).row(0, named=True)
    assert (row["by"], row["gap_low"], row["ece_high"]) == ("day", None, None)
