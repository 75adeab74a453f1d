"""The signal in force is the symbol's latest that is not younger than the snapshot."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.contracts.signals import MlSignalSnapshot
from grinder_resources.errors import ArtifactRejected, SignalRejected
from grinder_resources.inference.reasons import Refusal, RefusalCode
from grinder_resources.inference.selection import SignalIndex, read_signal_file, signal_of_bot
from tests.contracts.test_signals import BOT_TEXT, SIGNAL


def at(ts: int, symbol: str = "A") -> MlSignalSnapshot:
    return replace(SIGNAL, ts=ts, symbol=symbol)


INDEX = SignalIndex([at(30), at(10), at(20), at(15, "B")])


@pytest.mark.parametrize(("ts", "chosen"), [(10, 10), (19, 10), (20, 20), (29, 20), (30, 30), (10**9, 30)])
def test_the_latest_that_is_not_younger(ts: int, chosen: int) -> None:
    """At a signal's own time it is in force; it stays so for ever where no age is given."""
    assert INDEX.select("A", ts) == at(chosen)


def test_before_the_first_and_of_unknown_symbols_there_is_none() -> None:
    """Nothing is taken from the future, or from another symbol."""
    assert INDEX.select("A", 9) == Refusal(RefusalCode.NO_SIGNAL, "A at 9")
    assert INDEX.select("B", 14) == Refusal(RefusalCode.NO_SIGNAL, "B at 14")
    assert INDEX.select("C", 99) == Refusal(RefusalCode.NO_SIGNAL, "C at 99")


def test_an_age_ends_what_is_in_force() -> None:
    """At the age it still holds, a millisecond later it does not."""
    assert INDEX.select("A", 35, max_age_ms=5) == at(30)
    assert INDEX.select("A", 36, max_age_ms=5) == Refusal(RefusalCode.STALE_SIGNAL, "6 ms old")


def test_two_signals_at_a_time_are_refused() -> None:
    """Of different symbols they are fine."""
    SignalIndex([at(10), at(10, "B")])
    with pytest.raises(SignalRejected, match="two at 10"):
        SignalIndex([at(10), at(20), at(10)])


@given(st.sets(st.integers(0, 50)), st.integers(0, 60))
def test_it_is_what_a_search_through_all_finds(times: set[int], ts: int) -> None:
    """The bisection against the plain rule."""
    found = SignalIndex(map(at, times)).select("A", ts)
    known = [time for time in times if time <= ts]
    assert found == at(max(known)) if known else isinstance(found, Refusal)


def test_a_signal_file_is_read_by_its_hash(tmp_path: Path) -> None:
    """The flat form of the bot's signal, without model or features; another file's bytes are not looked at."""
    path = tmp_path / "signal.json"
    path.write_text(f"[{BOT_TEXT}]")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    signal = read_signal_file(path, sha256).select("BTCUSDT", SIGNAL.ts)
    assert isinstance(signal, MlSignalSnapshot)
    assert (signal.regime_probs_bps, signal.model_version) == ((2_000, 5_000, 3_000), "none")
    path.write_text("not JSON")
    with pytest.raises(ArtifactRejected, match="bytes differ from its manifest"):
        read_signal_file(path, sha256)
    with pytest.raises(ArtifactRejected, match="cannot be opened"):
        read_signal_file(tmp_path / "none.json", sha256)


def test_the_flat_form_predicts_the_likeliest_and_clamps_nothing() -> None:
    """The bot's own prediction may be another; a spacing beyond the limits is refused."""
    bot = replace(SIGNAL.to_bot(), predicted_regime="HIGH")
    assert signal_of_bot(bot).predicted_regime == "MID"
    with pytest.raises(SignalRejected, match=r"500\.\.2000"):
        signal_of_bot(replace(bot, spacing_multiplier_x1000=2_001))
