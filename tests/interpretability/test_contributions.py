"""Contributions: they sum to the margin, and are those that the trading process computes with integers."""

import numpy as np
import pytest

from grinder_resources.contracts.artifacts import ExportableHead
from grinder_resources.export.trees import read_covers, read_ensemble
from grinder_resources.inference.explain import TreePaths
from grinder_resources.interpretability.contributions import contributions
from grinder_resources.learning.boosters import margins
from tests.export.small_artifact import small_heads, small_rows
from tests.export.small_models import FEATURES

HEADS = pytest.mark.parametrize("head", small_heads(), ids=lambda head: head.name)
ROWS = small_rows()[:60]
"""A tenth of their values are missing."""


@HEADS
def test_expected_value_and_contributions_sum_to_the_margin(head: ExportableHead) -> None:
    """Of every output and row, as far as float32 adds: a few units in its last place, no more."""
    found, exact = contributions(head.booster_json, ROWS), margins(head.booster_json, ROWS)
    assert found.values.shape == (60, exact.shape[1], len(FEATURES))
    scale = np.abs(found.values).sum(axis=2) + np.abs(found.expected) + 1
    assert float((np.abs(found.margins - exact) / scale).max()) < 16 * np.finfo(np.float32).eps


@HEADS
def test_the_trading_process_computes_the_same_with_integers(head: ExportableHead) -> None:
    """`inference.explain` is written independently of XGBoost, and differs by float32's rounding alone."""
    found, trees = contributions(head.booster_json, ROWS[:12]), read_ensemble(head).trees
    covers = [float(cover) for tree in read_covers(head) for cover in tree]
    for output in range(found.values.shape[1]):
        paths = TreePaths.of(trees, covers, output, len(FEATURES))
        own = np.array([paths.contributions(row) for row in ROWS[:12]]) / (1 << 32)
        np.testing.assert_allclose(found.values[:, output], own, atol=2e-6)


def test_a_row_alone_is_explained_as_it_is_among_others() -> None:
    """A contribution is a fact about the row and the trees, not about the batch."""
    model = small_heads()[2].booster_json
    alone = contributions(model, ROWS[7:8])
    assert np.array_equal(alone.values[0], contributions(model, ROWS).values[7])
