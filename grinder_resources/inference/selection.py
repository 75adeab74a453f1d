"""Signals computed before, and which is in force: the symbol's latest that is not younger than the snapshot."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from operator import attrgetter
from pathlib import Path

from grinder_resources.contracts.calibration import SPACING_LIMITS_X1000
from grinder_resources.contracts.signals import (
    NO_HASH,
    NO_VERSION,
    REGIMES,
    BotSignal,
    MlSignalSnapshot,
    read_bot_signals,
)
from grinder_resources.errors import SignalRejected
from grinder_resources.export.folder import opened_folder, read_verified
from grinder_resources.inference.reasons import Refusal, RefusalCode

MAX_FILE_BYTES = 64 << 20


class SignalIndex:
    """Signals by symbol and time.

    Raises SignalRejected for two signals of a symbol at the same time: no rule says which one holds.
    """

    def __init__(self, signals: Iterable[MlSignalSnapshot]) -> None:
        by_symbol: dict[str, list[MlSignalSnapshot]] = defaultdict(list)
        for signal in signals:
            by_symbol[signal.symbol].append(signal)
        self._signals = {symbol: sorted(group, key=attrgetter("ts")) for symbol, group in by_symbol.items()}
        self._times = {symbol: [signal.ts for signal in group] for symbol, group in self._signals.items()}
        for symbol, times in self._times.items():
            twice = [left for left, right in pairwise(times) if left == right]
            if twice:
                raise SignalRejected("a symbol has one signal at a time", where=symbol, got=f"two at {twice[0]}")

    def select(self, symbol: str, ts: int, max_age_ms: int | None = None) -> MlSignalSnapshot | Refusal:
        """Return the symbol's signal with the largest time <= `ts`, in O(log n); or why there is none.

        max_age_ms
            Oldest age that is still in force, inclusive; None = any.
        """
        place = bisect_right(self._times.get(symbol, ()), ts) - 1
        if place < 0:
            return Refusal(RefusalCode.NO_SIGNAL, f"{symbol} at {ts}")
        signal = self._signals[symbol][place]
        if max_age_ms is not None and ts - signal.ts > max_age_ms:
            return Refusal(RefusalCode.STALE_SIGNAL, f"{ts - signal.ts} ms old")
        return signal


def read_signal_file(path: Path, sha256: str) -> SignalIndex:
    """Return the signals of a bot's `signal.json` whose sha256 is the one that the settings name.

    Raises ArtifactRejected for a file that is no plain file, is too large or has another hash; SignalRejected for a
    signal that breaks its contract.
    """
    with opened_folder(path.parent, follow=True) as folder:
        data = read_verified(folder, path.name, sha256, limit=MAX_FILE_BYTES)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise SignalRejected("a signal file is UTF-8", where=str(path), got=str(error)) from error
    return SignalIndex(map(signal_of_bot, read_bot_signals(text)))


def signal_of_bot(bot: BotSignal) -> MlSignalSnapshot:
    """Return a bot's short signal in the flat form: no model, no features, and the likeliest regime predicted.

    Raises SignalRejected for a spacing outside the flat contract's limits: it is refused, not clamped.
    """
    low, high = SPACING_LIMITS_X1000
    if not low <= bot.spacing_multiplier_x1000 <= high:
        raise SignalRejected(
            f"a spacing multiplier lies in {low}..{high}", where=bot.symbol, got=str(bot.spacing_multiplier_x1000)
        )
    probs = bot.regime_probs_bps
    return MlSignalSnapshot(
        ts=bot.ts_ms,
        symbol=bot.symbol,
        model_version=NO_VERSION,
        model_hash=NO_HASH,
        regime_low_prob_bps=probs[0],
        regime_mid_prob_bps=probs[1],
        regime_high_prob_bps=probs[2],
        predicted_regime=REGIMES[probs.index(max(probs))],
        regime_confidence_bps=max(probs),
        spacing_multiplier_x1000=bot.spacing_multiplier_x1000,
        top_features=("", "", ""),
        top_feature_weights_x1000=(0, 0, 0),
        inference_latency_us=0,
        features_hash=NO_HASH,
    )
