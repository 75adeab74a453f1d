"""The gate dataset and model: labels from forward changes, inputs without them, and answers no better than honest."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from grinder_resources.contracts.gates import GATE_EVENTS, GATE_HORIZONS_MIN, GATE_INPUTS, GATE_ROC_DATASET
from grinder_resources.learning.gate_roc import gate_roc_rows
from grinder_resources.learning.matrix import matrix_columns
from grinder_resources.learning.specs import GATE_ROC
from grinder_resources.learning.splits import split_by_date
from tests.gates.gate_rows import DAY_MINUTES, Record, bronze, events, gate, ns, random_week
from tests.learning.fits import trained

INPUTS = {column.name for column in GATE_INPUTS}


def dataset(folder: Path, *records: Record, goes_on: bool = True) -> pl.DataFrame:
    return gate_roc_rows(events(bronze(folder, records), goes_on=goes_on))


def test_sign_and_size_come_from_the_change(tmp_path: Path) -> None:
    """Exactly zero has a size and no sign."""
    changes = (0.25, -0.5, 0.0, None)
    rows = dataset(tmp_path, *(gate(16 * i, roc_forward_pct={"5": change}) for i, change in enumerate(changes)))
    labels = rows.select("sign_forward_5m", "size_forward_5m_pct_x1e6").rows()
    assert labels == [(1, 250_000), (0, 500_000), (None, 0), (None, None)]


def test_a_row_is_purged_by_its_longest_label(tmp_path: Path) -> None:
    """One that is cut does not count; a row without labels has no end and stays."""
    forward = {str(minutes): 0.1 for minutes in GATE_HORIZONS_MIN}
    late = DAY_MINUTES - 60
    gates = (gate(0, roc_forward_pct=forward), gate(late, roc_forward_pct=forward), gate(late + 20))
    rows = dataset(tmp_path, *gates, goes_on=False)
    assert rows["label_end_ns"].to_list() == [ns(240), ns(late + 60), None]
    assert rows.select("sign_forward_240m", "size_forward_240m_pct_x1e6").row(1) == (None, None)


def test_no_events_give_no_rows() -> None:
    """In the table's columns."""
    assert gate_roc_rows(GATE_EVENTS.empty()).equals(GATE_ROC_DATASET.empty())


def test_the_model_asks_for_sign_and_size_at_every_horizon() -> None:
    """Ten heads; the labels are columns of the dataset."""
    assert [head.name for head in GATE_ROC.heads] == [
        *("sign_5m", "sign_15m", "sign_30m", "sign_60m", "sign_240m"),
        *("size_5m", "size_15m", "size_30m", "size_60m", "size_240m"),
    ]
    assert {head.label for head in GATE_ROC.heads} <= set(GATE_ROC_DATASET.schema) - INPUTS


def test_the_model_reads_what_was_known_and_nothing_twice() -> None:
    """Every input of the contract; neither time, price nor watermark, nor the twins of hazard and entropy."""
    chosen = GATE_ROC.select(GATE_ROC_DATASET.schema)
    assert {*chosen.numeric, *chosen.categorical} == INPUTS
    assert chosen.categorical == ("regime",)
    others = set(GATE_EVENTS.schema) - INPUTS
    assert {"lambda_x1e6", "coherence_x1e6", "stability_x1e6", "price_close_x1e6", "watermark_ns"} <= others
    assert matrix_columns(chosen, GATE_ROC.categories)[-1] == "regime=other"


def test_the_model_reads_no_more_than_a_schema_has() -> None:
    """So that a narrower table can be fitted on."""
    chosen = GATE_ROC.select(pl.Schema({"hazard_x1e6": pl.Int64(), "label_end_ns": pl.Int64()}))
    assert (chosen.numeric, chosen.categorical) == (("hazard_x1e6",), ())


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    return dataset(tmp_path_factory.mktemp("week"), *random_week(days=4))


def auc_of(rows: pl.DataFrame, name: str) -> dict[str, float]:
    """Return the test AUC of every class of a head fitted alone."""
    head = next(head for head in GATE_ROC.heads if head.name == name)
    model = trained(replace(GATE_ROC, heads=(head,)), rows, split_by_date(rows["date"].to_list()))
    return {score.output: score.scores["auc"] for score in model.heads[0].scores if score.part == "test"}


def test_a_random_walk_has_no_sign_to_find(week: pl.DataFrame) -> None:
    """Unless it is planted: with the answer in an input the sign is found."""
    honest, poisoned = week, week.with_columns(hazard_x1e6=500_000 + 1000 * pl.col("sign_forward_5m").fill_null(0))
    assert 0.35 < auc_of(honest, "sign_5m")["up"] < 0.65
    assert auc_of(poisoned, "sign_5m")["up"] > 0.99


def test_sizes_are_terciles_of_the_training_days(week: pl.DataFrame) -> None:
    """A larger test day moves no cut point."""
    head = next(head for head in GATE_ROC.heads if head.name == "size_5m")
    spec, split = replace(GATE_ROC, heads=(head,)), split_by_date(week["date"].to_list())
    larger = pl.when(pl.col("date") == split.test[0]).then(3 * pl.col(head.label)).otherwise(head.label)
    first, again = (trained(spec, rows, split).heads[0] for rows in (week, week.with_columns(larger.alias(head.label))))
    assert first.cuts == again.cuts
    assert first.booster == again.booster
    assert list(auc_of(week, "size_5m")) == ["SMALL", "MID", "LARGE"]
