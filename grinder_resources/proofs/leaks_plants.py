"""Known leaks: the mistakes that get into real research code, with the check that has to catch each by name.

Planted columns get a harmless name, so that only what they hold can give them away, unless the name is the leak.
"""

from dataclasses import dataclass

import polars as pl

from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.proofs import leaks_sowing as sowing


@dataclass(frozen=True)
class Plant:
    """A leak by its story, the check that has to catch it, and how it is planted."""

    story: str
    check: str
    sow: sowing.Sow


_SPOT, _TAPE = pl.col("spot_half_ticks"), pl.col("tape_imbalance_bps")
_RATIO = pl.col("barrier_delta_liq_x1000")
_UNDER_WAY = pl.col("confirm_ts_ns") - 30 * NS_PER_SECOND

PLANTS = (
    Plant("the purge is forgotten", "label_overlap", sowing.no_purge),
    Plant("only train is purged, validation sees the test day", "label_overlap", sowing.no_purge_of_validation),
    Plant("the embargo is forgotten", "embargo", sowing.no_embargo),
    Plant("the test days lie before the train days", "part_order", sowing.reversed_days),
    Plant("rows are dealt to the parts at random", "whole_days", sowing.shuffled_parts),
    Plant("the test day is cut at noon", "whole_days", sowing.noon_cut),
    Plant("train runs on through the test day", "disjoint_parts", sowing.train_on_test),
    Plant(
        "a feature looked a second past the decision",
        "watermark",
        sowing.some_rows("watermark_ns", pl.col("confirm_ts_ns") + NS_PER_SECOND),
    ),
    Plant(
        "nobody knows what a feature looked at", "watermark", sowing.some_rows("watermark_ns", pl.lit(None, pl.Int64))
    ),
    Plant("the label window ends before the decision", "label_window", sowing.some_rows("label_end_ns", _UNDER_WAY)),
    Plant(
        "the label's end is understated by half",
        "label_end",
        sowing.rows((pl.col("label_end_ns") - 240 * NS_PER_SECOND).alias("label_end_ns")),
    ),
    Plant("the label's end is lost in a join", "label_end", sowing.some_rows("label_end_ns", pl.lit(None, pl.Int64))),
    Plant("rows after midnight are filed under the day before", "row_day", sowing.early_filing),
    Plant("rows are stored out of order", "time_order", sowing.shuffled_rows),
    Plant(
        "one id names two events", "row_id", sowing.some_rows("event_id", pl.col("event_id").shift(1, fill_value="0"))
    ),
    Plant("rare events are copied into the next day", "copied_rows", sowing.copies_in_another_day),
    Plant("labels are filled forward", "repeated_label", sowing.filled_labels),
    Plant(
        "settled rows count as open",
        "settled_as_open",
        sowing.rows(
            *(
                pl.when(pl.col(name) != 0).then(name).alias(name)
                for name in ("time_to_break_2_ms", "time_to_bounce_2_ms")
            )
        ),
    ),
    Plant("an input is called like what it is", "input_names", sowing.named_future),
    Plant("the label's end is on the list of inputs", "input_names", sowing.input_list("label_end_ns")),
    Plant("an input is the answer", "label_copy", sowing.column(pl.col("t1_break_120").cast(pl.Int64))),
    Plant(
        "an input is a bent copy of the answer",
        "label_copy",
        sowing.column((pl.col("strength_signed") / 500.0).tanh() * -7),
    ),
    Plant(
        "an input is known where the answer is yes",
        "label_copy",
        sowing.column(pl.when(pl.col("t2_bounce_120") == 1).then(pl.col("tape_trades"))),
    ),
    Plant("a category is the outcome in other words", "label_copy", sowing.renamed_outcome),
    Plant("an input tells the answer on one day", "label_copy", sowing.one_poisoned_day),
    Plant(
        "an input is the next event's answer",
        "unfinished_label",
        sowing.column(pl.col("strength_signed").shift(-1).over(sowing.KEY).fill_null(0)),
    ),
    Plant(
        "an input is the last event's answer before it was in",
        "unfinished_label",
        sowing.column(pl.col("strength_signed").shift(1).over(sowing.KEY).fill_null(0)),
    ),
    Plant("an input is shifted the wrong way", "lead", sowing.column(pl.col("tape_trades").shift(-1).over(sowing.KEY))),
    Plant(
        "an input is the return to the next event",
        "future_price",
        sowing.column((_SPOT.shift(-1) - _SPOT).over(sowing.KEY).fill_null(0)),
    ),
    Plant(
        "an input is a centred mean of the price",
        "future_price",
        sowing.column((_SPOT - (_SPOT.shift(1) + _SPOT + _SPOT.shift(-1)) / 3).over(sowing.KEY).fill_null(0.0)),
    ),
    Plant("the row number is an input", "clock_input", sowing.column(pl.int_range(pl.len()).over(sowing.KEY))),
    Plant("the pipeline scales over all rows", "fit_scope", sowing.scaler_over_all_rows),
    Plant("the pipeline encodes labels over all rows", "fit_scope", sowing.encoder_over_all_rows),
    Plant(
        "an input was standardised over all days",
        "scaled_beyond",
        sowing.column((_RATIO - _RATIO.mean()) / _RATIO.std()),
    ),
    Plant(
        "an input was scaled to [0, 1] over all days",
        "scaled_beyond",
        sowing.unit_range,
    ),
    Plant(
        "an input was ranked over all days",
        "scaled_beyond",
        sowing.column(pl.col("microprice_share").rank("ordinal") / pl.len()),
    ),
    Plant("gaps were filled with the mean of all days", "filled_beyond", sowing.column(_TAPE.fill_null(_TAPE.mean()))),
    Plant(
        "a category was encoded by its answers of all days",
        "encoded_beyond",
        sowing.column(pl.col("tradeable_2").mean().over("level_kind_name")),
    ),
    Plant(
        "an input is the whole day's volume",
        "day_aggregate",
        sowing.column(pl.col("tape_trades").sum().over(*sowing.KEY, "date")),
    ),
    Plant("an input is the whole day's high", "day_aggregate", sowing.column(_SPOT.max().over(*sowing.KEY, "date"))),
)
"""Every planted leak, in the order it is reported."""
