"""Tape: the prints near the level in the window before t1.

Where the source does not say who was the aggressor, the side comes from the quote test: a print above the mid in force
just before it was bought, one below was sold, one at the mid counts for neither (Lee and Ready, 1991, quote test only).
"""

import numpy as np
import polars as pl

from grinder_resources.contracts.events import ATR_BARS
from grinder_resources.contracts.exact import clip, half_even
from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.contracts.table import required
from grinder_resources.features.groups.group import Group, flag, maybe, number
from grinder_resources.features.known import Ints, Tape, Watermark
from grinder_resources.features.moment import INT32_MOST, Event, Moment, Row

NS_PER_MS = 1_000_000
MS_PER_MINUTE = 60_000


def signed_tape(trades: pl.DataFrame, quote_ns: Ints, mid: Ints, seen: Watermark) -> Tape:
    """Return one instrument's prints with a side for each; `quote_ns` and `mid` are its quotes in order of time."""
    rows = trades.sort("ts_ns", "seq")
    ts_ns, price = rows["ts_ns"].to_numpy(), 2 * rows["price_ticks"].to_numpy()
    before = np.searchsorted(quote_ns, ts_ns, side="left")
    reference = np.where(before > 0, np.append(mid, 0)[before - 1], price)
    told = rows["aggressor"].cast(pl.Int64).to_numpy()
    return Tape(ts_ns, price, rows["size_lots"].to_numpy(), np.where(told == 0, np.sign(price - reference), told), seen)


def _tape_physics(at: Moment) -> Row:
    event, settings = at.event, at.settings
    start_ns = event.t1_ns - settings.tape_window_s * NS_PER_SECOND
    band = event.share_of_atr(settings.tape_band_atr_x1000)
    tape = at.market.tape.between(start_ns, event.t1_ns, event.level, band)
    bought, sold = (int(tape.lots[tape.side == side].sum()) for side in (1, -1))
    return {
        "tape_imbalance_bps": half_even(10_000 * (bought - sold), bought + sold) if bought + sold else None,
        "tape_buy_vol_lots": bought,
        "tape_sell_vol_lots": sold,
        "tape_trades": len(tape.lots),
        "tape_velocity_atr_x1000": _velocity(tape, start_ns, event),
        "sweep_detected": int(_longest_sweep(tape, settings.sweep_gap_ms * NS_PER_MS) >= settings.sweep_prices),
    }


def _velocity(tape: Tape, start_ns: int, event: Event) -> int | None:
    """Return the least-squares slope of price on time, thousandths of ATR a minute; None below two distinct times."""
    ms, price, n = (tape.ts_ns - start_ns) // NS_PER_MS, tape.price - event.level, len(tape.lots)
    sum_ms, sum_price = int(ms.sum()), int(price.sum())
    spread = n * int((ms * ms).sum()) - sum_ms * sum_ms
    if spread == 0:
        return None
    slope = n * int((ms * price).sum()) - sum_ms * sum_price
    return clip(half_even(1000 * ATR_BARS * MS_PER_MINUTE * slope, spread * event.atr_sum), INT32_MOST)


def _longest_sweep(tape: Tape, gap_ns: int) -> int:
    """Return the most prices that one run of prints from one side took, with no pause longer than the gap."""
    sided = tape.side != 0
    if not sided.any():
        return 0
    run = np.append(0, np.cumsum((np.diff(tape.side) != 0) | (np.diff(tape.ts_ns) > gap_ns)))[sided]
    price = tape.price[sided] - tape.price.min()
    prices = int(price.max()) + 1
    return int(np.bincount(np.unique(run * prices + price) // prices).max())


TAPE_PHYSICS = Group(
    "tape_physics",
    (
        maybe(
            "tape_imbalance_bps",
            "(bought - sold) / (bought + sold), bps; null if nothing with a side was traded",
            at_least=-10_000,
            at_most=10_000,
        ),
        required("tape_buy_vol_lots", pl.Int64(), "lots bought by aggressors", at_least=0),
        required("tape_sell_vol_lots", pl.Int64(), "lots sold by aggressors", at_least=0),
        number("tape_trades", "prints", at_least=0),
        maybe(
            "tape_velocity_atr_x1000",
            "slope of print prices, ATR x1000 a minute, up is positive; null below two distinct times",
        ),
        flag("sweep_detected", "1 if a run of prints from one side took several prices"),
    ),
    _tape_physics,
)
