"""Fifty clean data sets that must raise no alarm: other markets, and honest habits that look like leaks.

Each habit is the right way to do what a plant does wrong: a scaler with frozen constants, an encoding by earlier days,
an answer that was in before it was used. A check that cannot tell them apart would be switched off within a week.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from typing import Any

import numpy as np
import polars as pl

from grinder_resources.learning.leaks.case import INSTRUMENT, LeakCase, case_of
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.proofs.leaks_market import Market, market_rows
from grinder_resources.proofs.leaks_sowing import INPUT, Sow, column, with_rows


@dataclass(frozen=True)
class Variant:
    """A clean data set by its story: settings that differ from the plain market, and a habit of its owner."""

    story: str
    settings: dict[str, Any] = field(default_factory=dict)
    habit: Sow = lambda case, _rng: case


def frozen_scaler(case: LeakCase, _rng: np.random.Generator) -> LeakCase:
    """Scale inside the pipeline with constants that were settled before."""
    return replace(case, derive=lambda frame: case.derive(frame).with_columns((pl.col(pl.Float32) - 700.0) / 1500.0))


def encoded_by_earlier_days(case: LeakCase, _rng: np.random.Generator) -> LeakCase:
    """Encode the level kind by its answers on the days before, whose labels are all in."""
    days = case.frame.group_by("level_kind_name", "date").agg(
        pl.col("tradeable_2").cast(pl.Int64).sum().alias("yes"), pl.len().cast(pl.Int64).alias("asked")
    )
    before = days.sort("date").with_columns(
        pl.col(name).cum_sum().shift(1).over("level_kind_name") for name in ("yes", "asked")
    )
    share = (10_000 * pl.col("yes") // pl.col("asked")).alias(INPUT)
    told = before.select("level_kind_name", "date", share)
    return with_rows(case, case.frame.join(told, on=["level_kind_name", "date"], how="left", maintain_order="left"))


def last_finished_answer(case: LeakCase, _rng: np.random.Generator) -> LeakCase:
    """Tell every event the newest answer of its instrument whose window had closed by then."""
    answers = case.frame.select(*INSTRUMENT, "label_end_ns", pl.col("strength_signed").alias(INPUT)).sort(
        "label_end_ns"
    )
    asked = case.frame.with_row_index("row").sort("confirm_ts_ns")
    told = asked.join_asof(
        answers, left_on="confirm_ts_ns", right_on="label_end_ns", by=list(INSTRUMENT), check_sortedness=False
    )
    return with_rows(case, told.sort("row").drop("row"))


def yesterdays_high(case: LeakCase, _rng: np.random.Generator) -> LeakCase:
    """Tell every event the highest price of the day before."""
    key = [*INSTRUMENT, "date"]
    high = case.frame.group_by(key).agg(pl.col("spot_half_ticks").max().alias(INPUT))
    next_day = high.with_columns(pl.col("date") + pl.duration(days=1))
    return with_rows(case, case.frame.join(next_day, on=key, how="left", maintain_order="left"))


_TAPE = pl.col("tape_trades")
_SPOT = pl.col("spot_half_ticks")

VARIANTS = (
    Variant("plain"),
    Variant("one symbol", {"symbols": 1}),
    Variant("three symbols", {"symbols": 3, "touches": 90}),
    Variant("three days", {"days": 3}),
    Variant("six days", {"days": 6, "touches": 80}),
    Variant("few rows", {"touches": 30}),
    Variant("many rows", {"touches": 280}),
    Variant("a session of six and a half hours", {"hours": 6.5, "touches": 90}),
    Variant("a day without trade", {"days": 5, "skipped_day": 2, "touches": 110}),
    Variant("a rise", {"drift_half_ticks_x1000": 40}),
    Variant("a fall", {"drift_half_ticks_x1000": -60}),
    Variant("a quiet market", {"step_half_ticks": 0.7}),
    Variant("a wild market", {"step_half_ticks": 12.0}),
    Variant("rare answers", {"threshold_atr_x1000": 3000}),
    Variant("frequent answers", {"threshold_atr_x1000": 400}),
    Variant("nothing unknown", {"unknown_bps": 0}),
    Variant("half of it unknown", {"unknown_bps": 5000}),
    Variant("two levels at most prices", {"twins_bps": 8000, "touches": 90}),
    Variant("no two levels at a price", {"twins_bps": 0}),
    Variant("a frozen scaler", habit=frozen_scaler),
    Variant("an encoding by earlier days", {"days": 5, "touches": 110}, encoded_by_earlier_days),
    Variant("the last finished answer", habit=last_finished_answer),
    Variant("yesterday's high", {"days": 5, "touches": 110}, yesterdays_high),
    Variant("a lag", habit=column(_TAPE.shift(1).over(INSTRUMENT))),
    Variant("the return since the last event", habit=column((_SPOT - _SPOT.shift(1)).over(INSTRUMENT))),
)
"""Every clean variant; two rounds of them, with other seeds, make fifty."""


def clean_cases(spec: ModelSpec, seed: int, count: int) -> Iterator[tuple[str, LeakCase]]:
    """Yield `count` clean cases with their stories, variant after variant; the same seed gives the same rows."""
    for number, variant in enumerate(islice(cycle(VARIANTS), count)):
        market = Market(**({"seed": 1_000 * seed + number} | variant.settings))
        case = case_of(spec, market_rows(market))
        yield variant.story, variant.habit(case, np.random.default_rng(market.seed))
