"""The shadow replay's tables: every decision of a day with and without the signal, and their totals.

Replaced whole by the latest replay. All numbers are integers, and none comes from a wall clock.

A *miss* is how far a grid's step lay from the range of the minute that followed: |1000 x step_bps - range| in bps x
1000. It is no profit: it knows nothing of fills, fees or inventory.
"""

import polars as pl

from grinder_resources.contracts.calibration import CERTAIN_BPS
from grinder_resources.contracts.gold import REGIME_LABEL
from grinder_resources.contracts.table import SYMBOL, VENUE, Column, Table, optional, required

_TEXT, _INT = pl.String(), pl.Int64()


def _prob(regime: str) -> Column:
    doc = f"probability of {regime}; null where there is no signal"
    return optional(f"prob_{regime.lower()}_bps", _INT, doc, at_least=0, at_most=CERTAIN_BPS)


DECISIONS = Table(
    name="reports/shadow_replay/decisions",
    doc="One row a snapshot of the replayed day: the rules' step, the step with the signal, and what came after.",
    columns=(
        required("ts_ms", _INT, "time of the snapshot, ms since 1970-01-01 UTC"),
        VENUE,
        SYMBOL,
        required("mode", _TEXT, "the runtime's mode for the symbol: off, shadow, canary or active"),
        required("rule_regime", _TEXT, "what the rules call the market"),
        required("step_rules_bps", _INT, "step of the rules' grid"),
        required("step_signal_bps", _INT, "step had the signal been used; the rules' where there is none"),
        required("step_done_bps", _INT, "step as the runtime let it be: the rules' unless the signal was applied"),
        required("predicted_regime", _TEXT, "LOW, MID or HIGH; empty where there is no signal"),
        *(_prob(regime) for regime in ("LOW", "MID", "HIGH")),
        required("spacing_multiplier_x1000", _INT, "the signal's; 1000, which changes nothing, where there is none"),
        required("features_hash", _TEXT, "of the model's inputs, 16 hex; empty where there is no signal"),
        required("model_hash", _TEXT, "of model.onnx, 16 hex; empty where there is no signal"),
        required("refusal", _TEXT, "code of the reason why there is no signal, or why it is withheld; empty if none"),
        required(REGIME_LABEL, _INT, "range of the mid in the next minute, bps x 1000: the label"),
        required("miss_rules_x1000", _INT, "miss of the rules' step"),
        required("miss_signal_x1000", _INT, "miss of the step with the signal"),
        required("difference_x1000", _INT, "miss_rules - miss_signal: above 0, the signal would have been closer"),
        required("done_x1000", _INT, "miss_rules - miss of the step as done: 0 wherever the signal is not applied"),
        required("decision_hash", _TEXT, "first 16 hex of the sha256 of the canonical JSON of all columns before"),
    ),
    sort_by=("ts_ms", "venue", "symbol"),
    key=("ts_ms", "venue", "symbol"),
)

TOTALS = Table(
    name="reports/shadow_replay/totals",
    doc="Sums over the decisions, all together and by mode, regime, refusal and symbol; each grouping sums to `all`.",
    columns=(
        required("by", _TEXT, "what is grouped by: all, mode, predicted_regime, rule_regime, refusal, symbol"),
        required("group", _TEXT, "the group; empty for all, for no signal and for no refusal"),
        required("decisions", _INT, "decisions of the group"),
        required("signals", _INT, "of them, with a signal"),
        required("miss_rules_x1000", _INT, "sum of the rules' misses"),
        required("miss_signal_x1000", _INT, "sum of the misses with the signal"),
        required("difference_x1000", _INT, "sum of the differences, exactly the one sum minus the other"),
        required("done_x1000", _INT, "sum of done_x1000"),
        required("closer", _INT, "decisions whose difference is above 0"),
        required("farther", _INT, "decisions whose difference is below 0"),
    ),
    sort_by=("by", "group"),
    key=("by", "group"),
)
