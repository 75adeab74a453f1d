"""Questions about a limit order that was just placed: whether it is filled within so many seconds, and when."""

from itertools import pairwise
from types import MappingProxyType
from typing import Literal

import polars as pl

from grinder_resources.contracts.calibration import AtLeast, Rule
from grinder_resources.contracts.gold_fills import FILL_HORIZONS_S, FILL_INPUTS, TIME_TO_FILL, filled_label
from grinder_resources.learning.model_spec import Head
from grinder_resources.learning.selection import FeatureSet

DISTANCE = "distance_bps_x1000"

FILL_HEADS = (
    *(Head(filled_label(s), "binary", filled_label(s), classes=("no", "yes")) for s in FILL_HORIZONS_S),
    Head("time_to_fill", "regression", TIME_TO_FILL, unit=10_000),
)
"""The time is asked of orders that are filled while they are watched, and learned in tens of seconds."""

FILL_COHERENCE: tuple[Rule, ...] = tuple(
    AtLeast(filled_label(later), (filled_label(sooner),)) for sooner, later in pairwise(FILL_HORIZONS_S)
)
"""An order that is filled within ten seconds is filled within thirty."""

FILL_MONOTONE: MappingProxyType[str, Literal[-1, 1]] = MappingProxyType({DISTANCE: -1})
"""A price farther away is reached no sooner: whatever a nearer order waits for, a farther one waits for as well."""


def select_fill_inputs(schema: pl.Schema) -> FeatureSet:
    """Return the inputs of the fill model that `schema` has; all are numeric, and none says buy or sell."""
    return FeatureSet(numeric=tuple(column.name for column in FILL_INPUTS if column.name in schema), categorical=())
