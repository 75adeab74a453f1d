from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from grinder_resources.contracts.bronze import INSTRUMENTS, QUARANTINE, QUOTES
from grinder_resources.errors import BadDeclaration, OutOfRange
from grinder_resources.ingest.bronze import bronze_day
from grinder_resources.ingest.instruments import Listings, Places
from tests.ingest.conftest import Stage

DAY = date(2024, 8, 8)
HEADER = "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n"


def quote(rest: str, seconds: int = 0) -> str:
    return f"x,NEW,{1_723_075_200_000_000 + seconds * 1_000_000},,{rest}\n"


def never() -> Places:
    raise AssertionError


def test_known_venues_need_no_file(tmp_path: Path) -> None:
    """lean-us lists any symbol with its session and locked markets."""
    listing = Listings(tmp_path, tmp_path / "pins.yaml").resolve("lean-us", "BAC", never)
    assert listing.instrument.tick_size == Decimal("0.0001")
    assert listing.instrument.session == "09:30-16:00 America/New_York"
    assert listing.allow_locked
    assert not (tmp_path / "pins.yaml").exists()


def test_the_landing_folder_wins_over_the_packaged_list(tmp_path: Path) -> None:
    """Numbers may be written without quotes."""
    (tmp_path / "instruments.yaml").write_text("binance: {BTCUSDT: {tick_size: 0.1, lot_size: 0.00001}}")
    instrument = Listings(tmp_path, tmp_path / "pins.yaml").resolve("binance", "BTCUSDT", never).instrument
    assert (instrument.tick_size, instrument.lot_size) == (Decimal("0.1"), Decimal("0.00001"))


def test_inferred_units_are_pinned_and_finer_prices_later_are_off_grid(stage: Stage, tmp_path: Path) -> None:
    """The second day is counted in the first day's units, whatever it holds."""
    stage({"day1.csv": HEADER + quote("1.50,100.25,100.2,3")})
    assert (tmp_path / "pins.yaml").read_text() == "x:\n  NEW:\n    lot_size: '0.1'\n    tick_size: '0.01'\n"
    staged = stage({"day2.csv": HEADER + quote("1,100.255,100.2,3", 60) + quote("1,100.3,100.2,3", 61)})
    assert bronze_day(staged, QUOTES, DAY)["ask_ticks"].to_list() == [10_025, 10_030]
    assert bronze_day(staged, QUARANTINE, DAY)["reason"].to_list() == ["off_grid"]
    assert bronze_day(staged, INSTRUMENTS, DAY).rows() == [(DAY, "x", "NEW", "0.01", "0.1", "24x7")]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("x: [", BadDeclaration, "not a YAML file"),
        ("x: 5", BadDeclaration, "maps venue to symbol"),
        ("x: {NEW: {tick: 1}}", BadDeclaration, "fields that are not understood"),
        ("x: {NEW: {tick_size: 1}}", BadDeclaration, "needs lot_size"),
        ("x: {NEW: {tick_size: 1, lot_size: -1}}", OutOfRange, "64-bit"),
        ("x: {NEW: {tick_size: 1, lot_size: 1, session: noon}}", OutOfRange, "a session is"),
        ("x: {NEW: {tick_size: 1e-12, lot_size: 1e-12}}", OutOfRange, "price x size"),
    ],
)
def test_a_bad_instruments_file_is_refused(stage: Stage, text: str, error: type[Exception], message: str) -> None:
    """Each in one line; units so fine that day sums leave 64 bits are refused when rows show it."""
    with pytest.raises(error, match=message):
        stage({"instruments.yaml": text, "q.csv": HEADER + quote("1,101,100,3")})
