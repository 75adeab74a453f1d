"""Made-up out-of-fold answers of the model of grid parameters, in the form that a walk-forward leaves."""

from collections.abc import Mapping, Sequence

import polars as pl

from grinder_resources.learning.specs import SPECS
from tests.gold.sweeps import EVERY_NS, NOON_NS

SPEC = SPECS["grid_spacing"]
UNITS = {head.name: head.unit for head in SPEC.heads}
QUIET = {"spacing": 19_000, "levels": 4, "size": 2}
"""Nearest to s20_l4_u2; nothing is expected to earn."""


def predictions(answers: Mapping[int, Mapping[str, int]], modes: Sequence[str] = ("expanding",)) -> pl.DataFrame:
    """Return the answers of some windows; window 0 starts at noon. Heads that are not given have no row."""
    rows = [
        {
            "mode": mode,
            "head": head,
            "venue": "demo",
            "symbol": "A",
            "ts_ns": NOON_NS + window * EVERY_NS,
            "margin_q16": (answer << 16) // UNITS[head],
        }
        for mode in modes
        for window, given in answers.items()
        for head, answer in given.items()
    ]
    return pl.DataFrame(rows)
