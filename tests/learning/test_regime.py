from datetime import date

import numpy as np
import polars as pl
import pytest

from grinder_resources.contracts.gold import REGIME_DATASET, REGIME_LABEL
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.learning.regime import regime_rows
from grinder_resources.learning.specs import REGIME
from grinder_resources.learning.splits import split_by_date
from tests.learning.fits import trained

NOON_NS = 1_741_003_200_000_000_000
SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS


def snapshots(mids: list[int], symbol: str = "A", start_ns: int = NOON_NS) -> pl.DataFrame:
    """Return one-second snapshots with the given mids; every other number is 1."""
    ts = start_ns + np.arange(len(mids)) * SECOND_NS
    facts: dict[str, object] = {
        "date": date(2025, 3, 3),
        "venue": "demo",
        "symbol": symbol,
        "ts_ns": ts,
        "mid_half_ticks": mids,
        "gap": False,
    }
    filled = {name: facts.get(name, 1) for name in SNAPSHOTS.schema}
    return pl.DataFrame(filled, schema=SNAPSHOTS.schema)


def labels(rows: pl.DataFrame) -> list[tuple[str, int, int]]:
    chosen = rows.select("symbol", (pl.col("ts_ns") - NOON_NS) // SECOND_NS, REGIME_LABEL)
    return [(symbol, second, label) for symbol, second, label in chosen.rows()]


def test_label_is_the_range_of_the_minute_after() -> None:
    """The window is (t, t + 60 s]: the mid at t does not count, the one at t + 60 s does."""
    mids = [20_000] * 121
    mids[0] = 10_000
    mids[60] = 20_030
    mids[120] = 19_990
    rows = regime_rows(snapshots(mids))
    assert labels(rows) == [("A", 0, 30 * 10**7 // 10_000), ("A", 60, 4993)]
    assert (rows["label_end_ns"] - rows["ts_ns"]).unique().to_list() == [60 * SECOND_NS]


def test_label_is_rounded_half_to_even() -> None:
    """Ranges of 1 and 3 half ticks at a mid of 2 x 10^7: 0.5 goes to 0, 1.5 to 2."""
    mids = [20_000_000] * 121
    mids[30], mids[90] = 20_000_001, 20_000_003
    assert [label for *_, label in labels(regime_rows(snapshots(mids)))] == [0, 2]


def test_rows_are_taken_on_whole_minutes_of_the_clock() -> None:
    """A session that begins 30 s late has its first row 30 s later."""
    rows = regime_rows(snapshots([100] * 200, start_ns=NOON_NS + 30 * SECOND_NS))
    assert [second for _, second, _ in labels(rows)] == [60, 120]


def test_row_without_a_full_minute_ahead_is_left_out() -> None:
    """59 seconds are not enough, and a missing second breaks the window."""
    whole = snapshots([100] * 181)
    assert [second for _, second, _ in labels(regime_rows(whole))] == [0, 60, 120]
    assert [second for _, second, _ in labels(regime_rows(whole.head(180)))] == [0, 60]
    holed = whole.filter(pl.col("ts_ns") != NOON_NS + 70 * SECOND_NS)
    assert [second for _, second, _ in labels(regime_rows(holed))] == [0, 120]


def test_row_with_a_gap_behind_or_ahead_is_left_out() -> None:
    """The flag of any second of the window, or of the row itself, is enough."""
    second = (pl.col("ts_ns") - NOON_NS) // SECOND_NS
    flagged = snapshots([100] * 241).with_columns(gap=(second == 61) | (second == 180))
    assert [second for _, second, _ in labels(regime_rows(flagged))] == [0]


@pytest.mark.parametrize("newest", ["quote_ts_ns", "trade_ts_ns", "book_ts_ns"])
def test_watermark_is_the_newest_row_behind_the_snapshot(newest: str) -> None:
    """Quote, print or book of the row itself, not of the seconds its label is taken from; one may be missing."""
    behind = {"quote_ts_ns": 5, "trade_ts_ns": None, "book_ts_ns": 4} | {newest: 7}
    first = pl.col("ts_ns") == NOON_NS
    marked = snapshots([100] * 61).with_columns(
        pl.when(first).then(pl.lit(value, pl.Int64())).otherwise(99).alias(name) for name, value in behind.items()
    )
    assert regime_rows(marked)["watermark_ns"].to_list() == [7]


def test_instruments_do_not_see_each_other() -> None:
    """The minute after the last row of A is not the first minute of B, whatever the order of rows."""
    both = pl.concat([snapshots([500] * 61, "B"), snapshots([100] * 60 + [103], "A")])
    expected = [("A", 0, 3 * 10**7 // 100), ("B", 0, 0)]
    assert labels(regime_rows(both)) == labels(regime_rows(both.sample(fraction=1.0, shuffle=True, seed=1))) == expected


def test_no_snapshots_give_no_rows() -> None:
    """In the table's columns."""
    assert regime_rows(SNAPSHOTS.empty()).equals(REGIME_DATASET.empty())


def dataset(days: int = 3, per_day: int = 300) -> pl.DataFrame:
    """Return regime rows whose next range grows with the range of the last minute."""
    rng = np.random.default_rng(2)
    rows = days * per_day
    ts = NOON_NS + np.repeat(np.arange(days), per_day) * DAY_NS + np.tile(np.arange(per_day), days) * 60 * SECOND_NS
    past = rng.integers(0, 3000, rows)
    facts: dict[str, object] = {
        "date": pl.Series(ts).cast(pl.Datetime("ns")).dt.date(),
        "venue": "demo",
        "symbol": "A",
        "ts_ns": ts,
        "range_60s_x1000": past,
        REGIME_LABEL: past + rng.integers(0, 500, rows),
        "label_end_ns": ts + 60 * SECOND_NS,
    }
    filled = {name: facts.get(name, 1) for name in REGIME_DATASET.schema}
    return pl.DataFrame(filled, schema=REGIME_DATASET.schema)


def test_regime_model_learns_terciles_of_train_days() -> None:
    """Cut points stay where they are when the test day triples, and the planted signal is found."""
    rows = dataset()
    split = split_by_date(rows["date"].to_list())
    tripled = pl.when(pl.col("date") == split.test[0]).then(3 * pl.col(REGIME_LABEL)).otherwise(REGIME_LABEL)
    model = trained(REGIME, rows, split)
    again = trained(REGIME, rows.with_columns(tripled.alias(REGIME_LABEL)), split)
    assert model.heads[0].cuts == again.heads[0].cuts
    assert model.heads[0].booster == again.heads[0].booster
    test = {score.output: score.scores["auc"] for score in model.heads[0].scores if score.part == "test"}
    assert list(test) == ["LOW", "MID", "HIGH"]
    assert min(test.values()) > 0.9
    assert sum(model.heads[0].base_rates) == 1.0
