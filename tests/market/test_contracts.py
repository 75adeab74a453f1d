"""The two snapshot contracts: JSON and back, warm-up, what a policy sees."""

from decimal import Decimal

import pytest

from grinder_resources.contracts.snapshots import FeatureSnapshot, L2FeatureSnapshot
from grinder_resources.errors import SchemaMismatch

L1 = FeatureSnapshot(1, "S", Decimal("50000.50"), 2, -5, Decimal("0.10"), 7, Decimal("1.50"), 20, 8, 2, 15)
L2 = L2FeatureSnapshot(
    1, "S", "V", 5, Decimal("3.070"), Decimal("2.840"), 389, 0, 500, 0, 1, 2000, 1000, Decimal("0.003")
)


def test_l1_json_is_pinned():
    """Fields in the contract's order, Decimals as text with their zeros."""
    assert L1.to_json() == (
        '{"ts":1,"symbol":"S","mid_price":"50000.50","spread_bps":2,"imbalance_l1_bps":-5,"thin_l1":"0.10",'
        '"natr_bps":7,"atr":"1.50","sum_abs_returns_bps":20,"net_return_bps":8,"range_score":2,"warmup_bars":15}'
    )


@pytest.mark.parametrize("snapshot", [L1, L2])
def test_json_and_back(snapshot):
    """from_json(to_json(s)) is s, texts of Decimals included."""
    again = type(snapshot).from_json(snapshot.to_json())
    assert again == snapshot
    assert again.to_json() == snapshot.to_json()


def test_a_cold_atr_is_null():
    """None is written as null and read back as None."""
    cold = FeatureSnapshot.from_json(L1.to_json().replace('"1.50"', "null"))
    assert cold.atr is None
    assert '"atr":null' in cold.to_json()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"ts":1', '"ts":1.0'),
        ('"ts":1', '"ts":true'),
        ('"symbol":"S",', ""),
        ('"0.10"', "0.1"),
        ('"0.10"', '"x"'),
        ("{", '{"extra":1,'),
        ("}", ""),
    ],
)
def test_other_json_is_refused(old, new):
    """A missing, extra or mistyped field is refused."""
    with pytest.raises(SchemaMismatch):
        FeatureSnapshot.from_json(L1.to_json().replace(old, new, 1))


def test_policy_features_are_nine():
    """Neither time, symbol nor raw ATR reach a policy."""
    features = L1.to_policy_features()
    assert list(features) == [
        "mid_price",
        "spread_bps",
        "imbalance_l1_bps",
        "thin_l1",
        "natr_bps",
        "sum_abs_returns_bps",
        "net_return_bps",
        "range_score",
        "warmup_bars",
    ]
    assert features["mid_price"] == Decimal("50000.50")
