import math

import numpy as np
import polars as pl
import pytest

from grinder_resources.errors import ContractBroken, OutOfRange, SchemaMismatch
from grinder_resources.learning.matrix import design_matrix, matrix_columns
from grinder_resources.learning.selection import FeatureSet

FEATURES = FeatureSet(numeric=("speed", "inside"), categorical=("direction",))
CATEGORIES = {"direction": ("UP", "DOWN")}
FRAME = pl.DataFrame({"direction": ["DOWN", None], "inside": [True, False], "speed": [3, None], "spare": [1.0, 2.0]})


def test_rows_become_numbers_in_the_recorded_order() -> None:
    """Numeric inputs first, then one column a category; null is NaN, and no category at all."""
    matrix = design_matrix(FRAME, FEATURES, CATEGORIES)
    assert matrix.columns == ("speed", "inside", "direction=UP", "direction=DOWN")
    assert matrix.values.dtype == np.float32
    assert matrix.values[0].tolist() == [3.0, 1.0, 0.0, 1.0]
    assert math.isnan(matrix.values[1, 0])
    assert matrix.values[1, 1:].tolist() == [0.0, 0.0, 0.0]


def test_columns_do_not_depend_on_the_rows() -> None:
    """A day without UP has the same columns as any other."""
    assert design_matrix(FRAME.head(0), FEATURES, CATEGORIES).columns == matrix_columns(FEATURES, CATEGORIES)


LABELS = (
    "t1_60", "t2_break_120", "t1", "outcome", "tradeable_2", "strength_signed", "time_to_break_1_ms", "label_end_ns",
    "excursion_max", "range_60s_forward_x1000", "sign_forward", "confirm_ts_ns", "event_id",
)  # fmt: skip


@pytest.mark.parametrize("name", LABELS)
def test_label_as_input_is_refused(name: str) -> None:
    """Whatever selection let it through."""
    with pytest.raises(ContractBroken, match=name):
        matrix_columns(FeatureSet((name,), ()), {})


def test_missing_inputs_are_named() -> None:
    """All of them, numeric and categorical."""
    with pytest.raises(SchemaMismatch, match="no speed, direction"):
        design_matrix(FRAME.drop("speed", "direction"), FEATURES, CATEGORIES)


def test_unknown_category_is_refused() -> None:
    """It would silently be no category."""
    with pytest.raises(OutOfRange, match=r"direction; got SIDEWAYS; expected UP, DOWN"):
        design_matrix(FRAME.with_columns(direction=pl.lit("SIDEWAYS")), FEATURES, CATEGORIES)


def test_infinity_is_refused_with_its_column() -> None:
    """Trees would take it for a number."""
    with pytest.raises(OutOfRange, match="infinity in speed"):
        design_matrix(FRAME.with_columns(speed=pl.Series([math.inf, 1.0])), FEATURES, CATEGORIES)
