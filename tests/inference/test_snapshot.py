"""A snapshot is read by name, hashed before it is scored, and refused with a reason where it cannot be read."""

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.contracts.snapshots import FeatureSnapshot, L2FeatureSnapshot
from grinder_resources.errors import SchemaMismatch
from grinder_resources.inference.reasons import Refusal, RefusalCode
from grinder_resources.inference.snapshot import (
    L1_FEATURES,
    L2_FEATURES,
    Encoded,
    Reading,
    Snapshot,
    encode,
)

READING = Reading(names=("spread_bps", "thin_l1", "depth"), nullable=frozenset({"depth"}))
FEATURES = {"depth": None, "thin_l1": Decimal("0.10"), "spread_bps": 3, "unread": 9}

L1 = FeatureSnapshot(
    ts=1_000,
    symbol="BTCUSDT",
    mid_price=Decimal("50000.50"),
    spread_bps=1,
    imbalance_l1_bps=-3,
    thin_l1=Decimal("0.5"),
    natr_bps=12,
    atr=None,
    sum_abs_returns_bps=40,
    net_return_bps=9,
    range_score=4,
    warmup_bars=20,
)
L2 = L2FeatureSnapshot(
    1_000, "BTCUSDT", "v", 5, Decimal(3), Decimal("2.84"), 389, 0, 0, 0, 0, 2_000, 2_000, Decimal("0.003")
)


def encoded(features: dict[str, Any], reading: Reading = READING, ts: Any = 1_000, symbol: Any = "BTCUSDT") -> Any:
    return encode(Snapshot(ts, symbol, features), reading)


def test_a_snapshot_becomes_a_row_in_the_models_order() -> None:
    """Null is NaN; a Decimal is a number; what the model does not read is left out."""
    found = encoded(FEATURES)
    assert found.row.dtype == np.float32
    np.testing.assert_array_equal(found.row, np.array([[3, 0.1, np.nan]], dtype=np.float32))


def test_the_hash_is_of_the_canonical_json_of_what_the_model_reads() -> None:
    """sha256 of '{"depth":null,"spread_bps":3,"thin_l1":"0.10"}', whatever the order the values came in."""
    assert encoded(FEATURES).features_hash == "1ead75a965a9bff9"
    assert encoded(dict(reversed(FEATURES.items()))).features_hash == "1ead75a965a9bff9"
    assert encoded(FEATURES | {"unread": 10}).features_hash == "1ead75a965a9bff9"
    assert encoded(FEATURES | {"spread_bps": 4}).features_hash != "1ead75a965a9bff9"


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"spread_bps": None}, Refusal(RefusalCode.MISSING_FEATURE, "spread_bps")),
        ({"spread_bps": math.nan}, Refusal(RefusalCode.NOT_FINITE, "spread_bps")),
        ({"depth": math.nan}, Refusal(RefusalCode.NOT_FINITE, "depth")),
        ({"thin_l1": -math.inf}, Refusal(RefusalCode.NOT_FINITE, "thin_l1")),
        ({"thin_l1": Decimal("NaN")}, Refusal(RefusalCode.NOT_FINITE, "thin_l1")),
        ({"thin_l1": Decimal("1e5000000")}, Refusal(RefusalCode.NOT_FINITE, "thin_l1")),
        ({"thin_l1": 1e39}, Refusal(RefusalCode.NOT_FINITE, "thin_l1")),
        ({"spread_bps": (1 << 53) + 1}, Refusal(RefusalCode.NOT_FINITE, "spread_bps")),
        ({"spread_bps": 10**400}, Refusal(RefusalCode.NOT_FINITE, "spread_bps")),
        ({"spread_bps": True}, Refusal(RefusalCode.BAD_FEATURE, "spread_bps is bool")),
        ({"spread_bps": "3"}, Refusal(RefusalCode.BAD_FEATURE, "spread_bps is str")),
    ],
    ids=str,
)
def test_a_value_that_cannot_be_read_is_named(change: dict[str, Any], refusal: Refusal) -> None:
    """A null that training never saw, NaN, infinities, numbers beyond float32 or 2^53, and other types."""
    assert encoded(FEATURES | change) == refusal


def test_an_absent_feature_is_refused_or_counts_as_zero() -> None:
    """Even one that may be null; only the bot's own models fill in 0, as its runtime does."""
    without = {name: value for name, value in FEATURES.items() if name != "depth"}
    assert encoded(without) == Refusal(RefusalCode.MISSING_FEATURE, "depth")
    filled = encoded(without, Reading(READING.names, frozenset(), fills_missing=True))
    np.testing.assert_array_equal(filled.row, np.array([[3, 0.1, 0]], dtype=np.float32))


def test_withheld_features_count_as_absent() -> None:
    """What the settings keep from a model it does not get."""
    withheld = Reading(READING.names, READING.nullable, withheld=frozenset({"spread_bps"}))
    assert encoded(FEATURES, withheld) == Refusal(RefusalCode.MISSING_FEATURE, "spread_bps")


@pytest.mark.parametrize(
    ("ts", "symbol"),
    [
        *((ts, "X") for ts in (-1, 1.0, float("nan"), True, np.int64(1), Decimal(1), 253_402_300_800_000)),
        *((1, symbol) for symbol in ("", None, "X" * 65, "X\n", "\ud800", type("Other", (str,), {})("X"))),
    ],
)
def test_a_snapshot_without_time_or_symbol_is_refused(ts: Any, symbol: Any) -> None:
    """A signal could not be about it."""
    assert encoded(FEATURES, ts=ts, symbol=symbol).code is RefusalCode.BAD_SNAPSHOT


def test_a_snapshot_without_features_is_refused() -> None:
    """Nothing is asked of what is no mapping."""
    assert encode(Snapshot(1, "X", None), READING) == Refusal(RefusalCode.BAD_SNAPSHOT, "features are NoneType")  # type: ignore[arg-type]


def test_the_bots_two_snapshots_become_one() -> None:
    """Features in the contracts' order, tick first; identity and times are no features."""
    snapshot = Snapshot.of_bot(L1, L2)
    assert (snapshot.ts, snapshot.symbol) == (1_000, "BTCUSDT")
    assert list(snapshot.features)[:3] == ["mid_price", "spread_bps", "imbalance_l1_bps"]
    assert list(snapshot.features)[10:13] == ["depth", "depth_bid_qty_topN", "depth_ask_qty_topN"]
    assert len(snapshot.features) == 21
    assert list(Snapshot.of_bot(L1).features) == list(snapshot.features)[:10]


def test_a_book_from_the_future_or_of_another_symbol_is_refused() -> None:
    """Joining it would look ahead."""
    for book in (
        L2FeatureSnapshot(1_001, *list(L2.__dict__.values())[1:]),
        L2FeatureSnapshot(1_000, "ETHUSDT", *list(L2.__dict__.values())[2:]),
    ):
        with pytest.raises(SchemaMismatch, match="no later than it"):
            Snapshot.of_bot(L1, book)


def test_the_text_goes_there_and_back() -> None:
    """Decimals keep their zeros, nulls stay null."""
    snapshot = Snapshot.of_bot(L1, L2)
    assert Snapshot.from_json(snapshot.to_json()) == snapshot
    for text in ("", "[]", '{"ts":1,"symbol":"X"}', '{"ts":1,"symbol":"X","features":{"a":"b"}}'):
        with pytest.raises(SchemaMismatch):
            Snapshot.from_json(text)


def test_the_toggles_know_the_lakes_names_too() -> None:
    """Every snapshot column of the lake that comes from best prices or the book is withheld with them."""
    names = SNAPSHOTS.schema.names()
    l1 = names[names.index("spread_bps") : names.index("book_ts_ns")]
    l2 = names[names.index("depth") : names.index("microprice_dev_x1000")]
    assert set(l1) - {"atr_sum_half_ticks"} <= L1_FEATURES
    assert set(l2) <= L2_FEATURES
    assert not L1_FEATURES & L2_FEATURES


@given(st.dictionaries(st.sampled_from(READING.names), st.none() | st.integers() | st.floats() | st.decimals()))
def test_whatever_comes_in_is_read_or_refused(features: dict[str, Any]) -> None:
    """No value of any kind raises; what is read is finite, or null where that is allowed."""
    found = encoded(features)
    if isinstance(found, Encoded):
        assert np.isfinite(found.row[0, :2]).all()
        assert not np.isinf(found.row).any()
    else:
        assert isinstance(found, Refusal)
