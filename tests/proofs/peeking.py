"""Builders that look one tick ahead: what the proofs have to find."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from grinder_resources.features import build
from grinder_resources.features.groups.tape import TAPE_PHYSICS
from grinder_resources.features.moment import Moment, Row
from grinder_resources.features.registry import GROUPS
from grinder_resources.market.snapshots import build_snapshots
from grinder_resources.proofs import rebuild


def plant_peeking_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tape features see the first print after t1."""
    peeking = replace(TAPE_PHYSICS, compute=_tape_one_print_ahead)
    monkeypatch.setattr(build, "GROUPS", {**GROUPS, TAPE_PHYSICS.name: peeking})


def _tape_one_print_ahead(at: Moment) -> Row:
    times = at.market.tape.ts_ns
    after = min(int(np.searchsorted(times, at.event.t1_ns, side="right")), len(times) - 1)
    return TAPE_PHYSICS.compute(replace(at, event=replace(at.event, t1_ns=max(at.event.t1_ns, int(times[after])))))


def plant_peeking_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let snapshots see the size that the next quote will show at the ask."""

    def peeking(quotes, *others, **settings):
        ahead = pl.col("ask_lots").shift(-1, fill_value=1).over("venue", "symbol")
        return build_snapshots(quotes.with_columns(ahead), *others, **settings)

    monkeypatch.setattr(rebuild, "build_snapshots", peeking)
