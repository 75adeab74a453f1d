"""What each model is for, in the words a card opens with; and what no model here is for."""

from types import MappingProxyType

from grinder_resources.contracts.gates import GATE_ROC_DATASET
from grinder_resources.contracts.gold import REGIME_DATASET, SIGNALS
from grinder_resources.contracts.gold_bot import REGIME_BOT_DATASET
from grinder_resources.contracts.gold_fills import FILL_DATASET
from grinder_resources.contracts.gold_grid import GRID_SPACING
from grinder_resources.contracts.gold_toxicity import TOXICITY_DATASET

_REGIME = (
    "To say, at the end of a minute, how far the price will range in the next one: little, usually or far.",
    "To widen or narrow a trading grid accordingly, between half and twice its usual spacing.",
)

PURPOSES = MappingProxyType(
    {
        SIGNALS: (
            "To say how likely a touched price level is to break, to bounce, or to be left alone, and how soon.",
            "To compare sets of inputs: what the order book and the tape add to where the price stands.",
        ),
        REGIME_DATASET.name: _REGIME,
        REGIME_BOT_DATASET.name: (*_REGIME, "To do so from the 15 numbers that the bot's own runtime feeds."),
        GATE_ROC_DATASET.name: (
            "To say how large the price change after a gate will be, at five horizons.",
            "To be an alarm: its sign heads should know nothing, and if they do, something leaks.",
        ),
        GRID_SPACING.name: (
            "To say which distance between a grid's lines will have been best over the next ten minutes.",
        ),
        FILL_DATASET.name: (
            "To say whether a resting limit order is filled within 10, 30, 60 and 300 seconds, and how soon.",
            "To give a simulation of orders honest odds of being filled.",
        ),
        TOXICITY_DATASET.name: (
            "To say how volatile the next minute is, and what its prints cost whoever rests an order.",
        ),
    }
)
"""Purposes by dataset: models that answer the same rows are for the same."""

NOT_FOR = (
    "Saying where the price goes: no head predicts it, and an edge here is calibration skill.",
    "Deciding alone: an answer is a probability among other things known, and rules decide.",
    "Other instruments, venues, tick sizes or input versions than those it was made from.",
    "Times unlike its training days: where inputs or answers drift, its scores no longer speak for it.",
)
"""What no model here is for."""
