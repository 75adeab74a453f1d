"""One day of snapshots in time order, and for each the rules' grid, the grid with the signal, and what came after.

Rows come from `gold/training/regime`: they hold what a model reads, what the rules read, and the range of the minute
that followed, which nobody sees before the decision is made.
"""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from grinder_resources.contracts.calibration import NEUTRAL_X1000
from grinder_resources.contracts.gold import REGIME_LABEL, SNAPSHOT_FEATURES
from grinder_resources.contracts.instruments import Instrument
from grinder_resources.contracts.replay import DECISIONS
from grinder_resources.contracts.signals import MlSignalSnapshot
from grinder_resources.errors import NoData
from grinder_resources.hashing import sha256_bytes, sha256_facts
from grinder_resources.inference.decision import Decision
from grinder_resources.inference.snapshot import Snapshot
from grinder_resources.policy.grid import apply_signal, plan
from grinder_resources.policy.regimes import classify, full_lots, inputs_of

Facts = dict[str, Any]
Decide = Callable[[Snapshot], Decision]
Instruments = Mapping[tuple[str, str], Instrument]

NS_PER_MS = 1_000_000
HASH_CHARACTERS = 16

_FEATURES = tuple(column.name for column in SNAPSHOT_FEATURES)
_NO_SIGNAL: Facts = {
    "predicted_regime": "",
    "prob_low_bps": None,
    "prob_mid_bps": None,
    "prob_high_bps": None,
    "spacing_multiplier_x1000": NEUTRAL_X1000,
    "features_hash": "",
    "model_hash": "",
}


def replay(rows: pl.DataFrame, instruments: Instruments, decide: Decide) -> pl.DataFrame:
    """Return `reports/shadow_replay/decisions` of one day.

    rows
        Of `gold/training/regime`, in any order; they are decided in order of time, venue and symbol.
    instruments
        By (venue, symbol): what a lot is.
    decide
        The runtime: `SignalEngine.decide`.

    Raises NoData for a row whose instrument is not known, and what `decide` raises.
    """
    full = {key: full_lots(instrument.lot_size) for key, instrument in instruments.items()}
    in_time = rows.sort("ts_ns", "venue", "symbol").iter_rows(named=True)
    log = [_decision(row, _full_lots(row, full), decide) for row in in_time]
    return DECISIONS.conform(pl.DataFrame(log, schema=DECISIONS.schema, orient="row"))


def digest(decisions: pl.DataFrame) -> str:
    """Return the sha256 over the hashes of all decisions in their order, 64 hex."""
    return sha256_bytes("".join(decisions["decision_hash"]).encode())


def decision_hash(facts: Mapping[str, Any]) -> str:
    """Return the hash of one decision: of everything but itself."""
    return sha256_facts({name: value for name, value in facts.items() if name != "decision_hash"})[:HASH_CHARACTERS]


def _decision(row: Facts, full_l1_lots: int, decide: Decide) -> Facts:
    ts_ms, symbol = row["ts_ns"] // NS_PER_MS, row["symbol"]
    regime = classify(inputs_of(row, full_l1_lots))
    rules = plan(regime, row["natr_bps"])
    decision = decide(Snapshot(ts_ms, symbol, {name: row[name] for name in _FEATURES}))
    heard = _signal_facts(decision.signal)
    would = apply_signal(rules, heard["spacing_multiplier_x1000"]).step_bps
    done = apply_signal(rules, decision.spacing_multiplier_x1000).step_bps
    facts = {
        "ts_ms": ts_ms,
        "venue": row["venue"],
        "symbol": symbol,
        "mode": str(decision.mode),
        "rule_regime": str(regime.name),
        "step_rules_bps": rules.step_bps,
        "step_signal_bps": would,
        "step_done_bps": done,
        **heard,
        "refusal": str(decision.refusal.code) if decision.refusal else "",
        **_misses(row[REGIME_LABEL], rules.step_bps, would, done),
    }
    return facts | {"decision_hash": decision_hash(facts)}


def _signal_facts(signal: MlSignalSnapshot | None) -> Facts:
    if signal is None:
        return _NO_SIGNAL
    return {
        "predicted_regime": signal.predicted_regime,
        "prob_low_bps": signal.regime_low_prob_bps,
        "prob_mid_bps": signal.regime_mid_prob_bps,
        "prob_high_bps": signal.regime_high_prob_bps,
        "spacing_multiplier_x1000": signal.spacing_multiplier_x1000,
        "features_hash": signal.features_hash,
        "model_hash": signal.model_hash,
    }


def _misses(range_x1000: int, rules_bps: int, would_bps: int, done_bps: int) -> Facts:
    rules, would, done = (abs(1_000 * step - range_x1000) for step in (rules_bps, would_bps, done_bps))
    return {
        REGIME_LABEL: range_x1000,
        "miss_rules_x1000": rules,
        "miss_signal_x1000": would,
        "difference_x1000": rules - would,
        "done_x1000": rules - done,
    }


def _full_lots(row: Facts, full: Mapping[tuple[str, str], int]) -> int:
    key = (row["venue"], row["symbol"])
    if key not in full:
        raise NoData(
            "the day's instruments do not hold a symbol of its rows", where=":".join(key), hint="Materialise Bronze"
        )
    return full[key]
