"""Rolling snapshots: the bot's numbers in the last seconds up to t1, as ML spec 12.8 names them.

`current` is the number of the last snapshot; `mean_10`, `std_10` and `trend` are of the ten snapshots up to it, `roc`
is its rate of change since the one before; the interactions are products of current numbers. All come from one exact
kernel (`features.rolling`), over the whole day at once: a row of it depends on its ten snapshots alone.
"""

from typing import NamedTuple

import numpy as np
import polars as pl

from grinder_resources.contracts.exact import clip
from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.contracts.table import Column
from grinder_resources.features.groups.group import Group, maybe
from grinder_resources.features.known import Ints, Rows, Watermark
from grinder_resources.features.moment import INT32_MOST, Moment, Row

WINDOW = 10
MOST = 100_000_000
"""Numbers of snapshots count up to this size, so that no day leaves the kernel's exact range."""


class Base(NamedTuple):
    """A column of `silver/snapshots` and the name its features begin with; `scale` makes its statistics x1000."""

    column: str
    name: str
    scale: int = 1000


BASES = (
    Base("natr_bps", "natr_bps"),
    Base("spread_bps", "spread_bps"),
    Base("imbalance_l1_bps", "imbalance_l1_bps"),
    Base("range_score", "range_score"),
    Base("depth_imbalance_topN_bps", "depth_imbalance_bps"),
    Base("impact_buy_topN_bps", "impact_buy_bps"),
    Base("impact_sell_topN_bps", "impact_sell_bps"),
    Base("ofi_zscore_x1000", "ofi_zscore", scale=1),
)

_WINDOW_NAMES = {"mean": f"mean_{WINDOW}_x1000", "std": f"std_{WINDOW}_x1000", "slope": "trend_x1000"}


def _current(base: Base) -> str:
    return f"{base.name}_current" if base.scale > 1 else f"{base.name}_current_x1000"


def rolled(snapshots: pl.DataFrame, seen: Watermark) -> Rows:
    """Return the features of every row of one instrument's `silver/snapshots`; a second without a row is a gap."""
    from grinder_resources.features.rolling import rolling
    from grinder_resources.market.windows import NULL

    rows = snapshots.sort("ts_ns")
    ts_ns = rows["ts_ns"].to_numpy()
    starts = np.diff(ts_ns, prepend=0) != NS_PER_SECOND
    numbers: dict[str, Ints] = {}
    for base in BASES:
        column = rows[base.column].clip(-MOST, MOST)
        values, valid = column.fill_null(0).to_numpy()[None], column.is_not_null().to_numpy()[None]
        window = rolling(values, valid, starts, WINDOW, list(_WINDOW_NAMES), scale=base.scale)[:, 0]
        change = rolling(values, valid, starts, 2, ["roc"])[0, 0]
        numbers[_current(base)] = np.where(valid[0], values[0], NULL)
        numbers |= {f"{base.name}_{name}": part for name, part in zip(_WINDOW_NAMES.values(), window, strict=True)}
        numbers[f"{base.name}_roc_x1000"] = change
    return Rows(ts_ns, tuple(numbers), np.stack(list(numbers.values()), axis=1), NULL, seen)


def _rolling(at: Moment) -> Row:
    """Return the numbers of the snapshot of t1's own second; the market went silent where there is none."""
    t1_ns = at.event.t1_ns
    snapshots = at.market.snapshots
    assert snapshots is not None
    known = snapshots.last(t1_ns - NS_PER_SECOND, t1_ns)
    row = {name: None if value is None else clip(value, INT32_MOST) for name, value in known.items()}
    return {
        **row,
        "spread_x_vol": _product(row["spread_bps_current"], row["natr_bps_current"]),
        "ofi_x_depth": _product(row["ofi_zscore_current_x1000"], row["depth_imbalance_bps_current"]),
    }


def _product(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else clip(left * right, INT32_MOST)


_SILENT = "null without a snapshot in the second before t1"
_BROKEN = f"{_SILENT}, or where one of the last {WINDOW} seconds has none or no value"


def _columns(base: Base) -> tuple[Column, ...]:
    return (
        maybe(_current(base), f"{base.column} of silver/snapshots at t1; {_SILENT}"),
        maybe(f"{base.name}_mean_{WINDOW}_x1000", f"its mean over {WINDOW} seconds x1000; {_BROKEN}"),
        maybe(f"{base.name}_std_{WINDOW}_x1000", f"its population standard deviation over them x1000; {_BROKEN}"),
        maybe(f"{base.name}_trend_x1000", f"its least-squares slope over them, x1000 a second; {_BROKEN}"),
        maybe(f"{base.name}_roc_x1000", f"(now - a second ago) / a second ago x1000; null from 0; {_BROKEN}"),
    )


ROLLING = Group(
    "rolling",
    (
        *(column for base in BASES for column in _columns(base)),
        maybe("spread_x_vol", f"spread_bps x natr_bps at t1; {_SILENT}"),
        maybe("ofi_x_depth", f"ofi_zscore_x1000 x depth_imbalance_topN_bps at t1; {_SILENT}"),
    ),
    _rolling,
    reads_snapshots=True,
)
