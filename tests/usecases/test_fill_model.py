"""The fill model keeps what must hold of any order: farther is never likelier, later is never less likely."""

from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from grinder_resources.contracts.gold_fills import FILL_DATASET, FILL_HORIZONS_S, FILL_INPUTS, filled_label
from grinder_resources.export.build import build_artifact
from grinder_resources.learning.boosters import booster_settings
from grinder_resources.learning.fills import DISTANCE
from grinder_resources.learning.model_spec import BoosterParams, Head
from grinder_resources.learning.specs import FILL_PROBABILITY
from tests.usecases.fill_gold import land

SMALL = replace(FILL_PROBABILITY, params=BoosterParams(eta=0.2, rounds=12, min_child_weight=5.0))
INPUTS = [column.name for column in FILL_INPUTS]
HEADS = [filled_label(horizon) for horizon in FILL_HORIZONS_S]
DISTANCES = np.arange(0, 30_000, 250, dtype=np.float32)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the exported graph of a model of made-up orders."""
    import onnxruntime

    root = tmp_path_factory.mktemp("fills")
    built = build_artifact(SMALL, FILL_DATASET, land(root, days=6), root / "models", "1")
    return onnxruntime.InferenceSession(str(built.folder / "model.onnx"), providers=["CPUExecutionProvider"])


def answers(session: Any, facts: dict[str, float]) -> dict[str, NDArray[np.int32]]:
    """Return the bps of every horizon for an order at each of DISTANCES, everything else as in `facts`."""
    rows = np.tile(np.array([facts[name] for name in INPUTS], np.float32), (len(DISTANCES), 1))
    rows[:, INPUTS.index(DISTANCE)] = DISTANCES
    return dict(zip(HEADS, (bps.ravel() for bps in session.run(HEADS, {"input": rows})), strict=True))


KNOWN = {name: st.one_of(st.integers(-2_000, 25_000).map(float), st.just(float("nan"))) for name in INPUTS}


@settings(max_examples=40)
@given(st.fixed_dictionaries(KNOWN))
def test_farther_is_never_likelier_and_later_never_less_likely(session: Any, facts: dict[str, float]) -> None:
    """In the exported graph, after snapping, calibration and coherence, whatever else is known of the order."""
    said = answers(session, facts)
    for head in HEADS:
        assert (np.diff(said[head]) <= 0).all()
    for sooner, later in pairwise(HEADS):
        assert (said[sooner] <= said[later]).all()


def test_the_model_says_something(session: Any) -> None:
    """An order at the mid is all but certain to fill in five minutes, one 20 bps away in ten seconds is not."""
    said = answers(session, dict.fromkeys(INPUTS, 500.0) | {"natr_14_5m_x1000": 8_000.0})
    assert said["filled_300s"][0] > 9_000
    assert said["filled_10s"][80] < 2_000


def test_only_binary_heads_are_bound() -> None:
    """How long a filled order took may rise or fall with its distance; without inputs to bind nothing is passed on."""
    binary, regression = Head("a", "binary", "a", classes=("no", "yes")), Head("b", "regression", "b")
    params = BoosterParams()
    assert booster_settings(binary, params, (0, -1))["monotone_constraints"] == (0, -1)
    assert "monotone_constraints" not in booster_settings(regression, params, (0, -1))
    assert booster_settings(binary, params, (0, 0)) == booster_settings(binary, params)


def test_what_is_bound_is_a_fact_of_the_model_and_nothing_of_others() -> None:
    """Two models that differ in it differ; one without has the facts it always had."""
    free = replace(FILL_PROBABILITY, monotone=MappingProxyType({}))
    assert FILL_PROBABILITY.facts == free.facts | {"monotone": {DISTANCE: -1}}
