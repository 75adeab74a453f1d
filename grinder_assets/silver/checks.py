"""What blocks a Silver day: labels that contradict each other or reach back before t1, seconds that repeat."""

from datetime import date

import polars as pl

from grinder_assets.publish import DayCheck, Verdict


def _labels_agree(rows: pl.DataFrame, _day: date) -> Verdict:
    rules = {
        "tradeable_2 against outcome": (pl.col("tradeable_2") == 1) != (pl.col("outcome") != "CHOP"),
        "t2 within 60 s but not 120 s": pl.col("t2_60") > pl.col("t2_120"),
        "t2 without t1": pl.col("t2_120") > pl.col("t1_120"),
        "a side without the reach": pl.max_horizontal("t1_break_60", "t1_bounce_60") > pl.col("t1_60"),
    }
    return _count(rows, rules)


LABELS_AGREE = DayCheck("labels_agree", "labels of one event do not contradict each other", _labels_agree)


def _labels_after_features(rows: pl.DataFrame, _day: date) -> Verdict:
    rules = {
        "t1 before the touch": pl.col("confirm_ts_ns") < pl.col("ts_ns"),
        "label window not after t1": pl.col("label_end_ns") <= pl.col("confirm_ts_ns"),
    }
    return _count(rows, rules)


LABELS_AFTER_FEATURES = DayCheck(
    "labels_after_features", "the label window lies after t1, where feature windows end", _labels_after_features
)


def _nothing_after_t1(rows: pl.DataFrame, _day: date) -> Verdict:
    return _count(rows, {"a feature looked past t1": pl.col("watermark_ns") > pl.col("confirm_ts_ns")})


NOTHING_AFTER_T1 = DayCheck(
    "nothing_after_t1", "the newest row that a feature looked at is not later than t1", _nothing_after_t1
)


def _one_row_a_second(rows: pl.DataFrame, _day: date) -> Verdict:
    repeated = rows.height - rows.select("venue", "symbol", "ts_ns").n_unique()
    newest = pl.max_horizontal("quote_ts_ns", "trade_ts_ns", "book_ts_ns")
    late = rows.filter(newest > pl.col("ts_ns")).height
    return Verdict(not (repeated or late), {"rows": rows.height, "repeated": repeated, "later than the row": late})


ONE_ROW_A_SECOND = DayCheck(
    "one_row_a_second", "a second appears once an instrument and knows no later quote, print or book", _one_row_a_second
)


def _count(rows: pl.DataFrame, broken: dict[str, pl.Expr]) -> Verdict:
    counts = rows.select(rule.sum().alias(name) for name, rule in broken.items()).row(0, named=True)
    return Verdict(not any(counts.values()), {"rows": rows.height, **counts})
