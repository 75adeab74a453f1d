import json
from dataclasses import replace

import pytest

from grinder_resources.contracts.bot import FEATURE_ORDER
from grinder_resources.contracts.events import LABEL_NAMES
from grinder_resources.contracts.gates import GATE_INPUTS, GATE_ROC_DATASET
from grinder_resources.contracts.gold import REGIME_DATASET, REGIME_LABEL, SIGNALS
from grinder_resources.contracts.gold_bot import REGIME_BOT_DATASET
from grinder_resources.contracts.gold_fills import FILL_DATASET
from grinder_resources.contracts.gold_grid import GRID_SPACING
from grinder_resources.contracts.gold_toxicity import ADVERSE_LABEL, TOXICITY_DATASET, VOLATILITY_LABEL
from grinder_resources.errors import UnknownName
from grinder_resources.features.manifest import feature_table
from grinder_resources.hashing import canonical_json
from grinder_resources.learning.model_spec import BoosterParams, Head
from grinder_resources.learning.selection import LABEL_PATTERN, FeatureSet
from grinder_resources.learning.specs import LEVEL_HEADS, SPECS, spec_named
from tests.learning.level_rows import level_rows

OTHER_LABELS = (REGIME_LABEL, VOLATILITY_LABEL, ADVERSE_LABEL)
LEVEL_SPECS = [name for name in SPECS if name.startswith("level_signals")]


def test_registry_holds_level_models_regimes_gates_and_use_cases() -> None:
    """The names are the artifact folders."""
    assert list(SPECS) == [
        "level_signals_stage_a_ta",
        "level_signals_stage_a_mechanics",
        "level_signals_stage_a_full",
        "level_signals_stage_b_ta",
        "level_signals_stage_b_mechanics",
        "level_signals_stage_b_full",
        "regime",
        "gate_roc",
        "regime_bot",
        "grid_spacing",
        "fill_probability",
        "toxicity",
    ]


def test_level_model_has_fifteen_heads() -> None:
    """Tradeable, direction, strength, and reach for two thresholds, three sides and two horizons."""
    assert [head.name for head in LEVEL_HEADS] == [
        "tradeable_2",
        "direction",
        "strength",
        "t1_60s",
        "t1_120s",
        "t1_break_60s",
        "t1_break_120s",
        "t1_bounce_60s",
        "t1_bounce_120s",
        "t2_60s",
        "t2_120s",
        "t2_break_60s",
        "t2_break_120s",
        "t2_bounce_60s",
        "t2_bounce_120s",
    ]


def test_level_heads_ask_for_labels_of_the_contract() -> None:
    """A head whose label no event carries could never be fitted."""
    assert {head.label for head in LEVEL_HEADS} <= set(LABEL_NAMES)


def test_level_heads_are_settled_by_the_passage_they_ask_for() -> None:
    """The threshold of the question, on its own side; strength is never known before its window ends."""
    assert {head.name: head.settled_when_zero for head in LEVEL_HEADS} == {
        "tradeable_2": "time_to_threshold_2_ms",
        "direction": "time_to_threshold_2_ms",
        "strength": None,
        "t1_60s": "time_to_threshold_1_ms",
        "t1_120s": "time_to_threshold_1_ms",
        "t1_break_60s": "time_to_break_1_ms",
        "t1_break_120s": "time_to_break_1_ms",
        "t1_bounce_60s": "time_to_bounce_1_ms",
        "t1_bounce_120s": "time_to_bounce_1_ms",
        "t2_60s": "time_to_threshold_2_ms",
        "t2_120s": "time_to_threshold_2_ms",
        "t2_break_60s": "time_to_break_2_ms",
        "t2_break_120s": "time_to_break_2_ms",
        "t2_bounce_60s": "time_to_bounce_2_ms",
        "t2_bounce_120s": "time_to_bounce_2_ms",
    }
    assert {head.settled_when_zero for head in LEVEL_HEADS} - {None} <= set(LABEL_NAMES)


@pytest.mark.parametrize("name", LEVEL_SPECS)
def test_level_models_never_read_a_label_or_the_price(name: str) -> None:
    """Whatever the stage and ablation."""
    chosen = SPECS[name].select(level_rows(days=1, per_day=5).schema)
    assert not {*chosen.numeric, *chosen.categorical} & {*LABEL_NAMES, "event_id", "confirm_ts_ns", "spot_half_ticks"}
    assert chosen.categorical[:2] == ("level_kind_name", "direction")


def test_stage_a_leaves_out_order_book_and_tape() -> None:
    """The stage is what can be known without them."""
    schema = level_rows(days=1, per_day=5).schema
    chosen = SPECS["level_signals_stage_a_full"].select(schema)
    assert "tape_imbalance_bps" not in chosen.numeric
    assert "barrier_state" not in chosen.categorical


def test_regime_reads_snapshot_columns_only() -> None:
    """Neither identity, nor time, nor price, nor the label is among its inputs."""
    chosen = SPECS["regime"].select(REGIME_DATASET.schema)
    assert set(chosen.numeric) == set(REGIME_DATASET.schema) - {
        "date", "venue", "symbol", "ts_ns", "watermark_ns", "label_end_ns", "range_60s_forward_x1000"
    }  # fmt: skip
    assert not any(name.endswith("_half_ticks") for name in chosen.numeric)


def test_the_bot_model_reads_what_the_bot_feeds() -> None:
    """The 15 inputs in the bot's order, with the regime model's question and reference."""
    spec = SPECS["regime_bot"]
    assert spec.select(REGIME_BOT_DATASET.schema) == FeatureSet(numeric=FEATURE_ORDER, categorical=())
    assert (spec.heads, spec.spacing_head) == (SPECS["regime"].heads, "regime")


def test_grid_spacing_reads_what_the_regime_reads() -> None:
    """No label of a window, and no grid that was chosen, is among its inputs; all of them are named like labels."""
    chosen = SPECS["grid_spacing"].select(GRID_SPACING.schema)
    assert chosen == SPECS["regime"].select(REGIME_DATASET.schema)
    others = set(GRID_SPACING.schema) - {*chosen.numeric, "date", "venue", "symbol", "ts_ns", "watermark_ns"}
    assert len(others) == 16
    assert all(LABEL_PATTERN.match(name) for name in others)


def test_facts_tell_models_apart() -> None:
    """By selection, heads and booster, whatever the name says; they are plain JSON."""
    spec = SPECS["level_signals_stage_b_full"]
    assert spec.facts["select"] == {"function": "select_features", "stage": "stage_b", "ablation": "full"}
    assert SPECS["regime"].facts["select"] == {"function": "select_snapshot_features"}
    assert json.loads(canonical_json(spec.facts)) == spec.facts
    others = (
        replace(spec, select=SPECS["level_signals_stage_a_full"].select),
        replace(spec, heads=spec.heads[:-1]),
        replace(spec, heads=(replace(spec.heads[0], settled_when_zero=None), *spec.heads[1:])),
        replace(spec, params=BoosterParams(max_depth=5)),
    )
    assert all(other.facts != spec.facts for other in others)
    assert replace(spec, doc="other words", reference=(), reference_name="", caveat="").facts == spec.facts


def test_references_are_columns_that_every_dataset_row_has() -> None:
    """Displacement from the level at t1, the range of the last minute, the moves before a gate; none is a label."""
    features = feature_table("v2.0_full_ensemble")
    names = {
        REGIME_DATASET.name: REGIME_DATASET.schema.names(),
        REGIME_BOT_DATASET.name: REGIME_BOT_DATASET.schema.names(),
        SIGNALS: features.schema.names(),
        TOXICITY_DATASET.name: TOXICITY_DATASET.schema.names(),
        GATE_ROC_DATASET.name: [column.name for column in GATE_INPUTS],
        GRID_SPACING.name: GRID_SPACING.schema.names(),
        FILL_DATASET.name: FILL_DATASET.schema.names(),
    }
    for spec in SPECS.values():
        assert spec.reference
        assert set(spec.reference) <= set(names[spec.dataset]) - {*LABEL_NAMES, *OTHER_LABELS}
    assert SPECS["level_signals_stage_a_ta"].reference == ("distance_atr_x1000", "distance_beyond_atr_x1000")
    assert SPECS["regime"].reference == ("range_60s_x1000",)
    assert SPECS["toxicity"].reference == ("volatility_60s_x1000", "spread_bps")
    assert SPECS["gate_roc"].reference == ("roc_prev_pct_x1e6", "return_60m_pct_x1e6", "range_240m_pct_x1e6")


def test_outputs_are_the_reported_classes() -> None:
    """A binary head reports its second class, a multiclass head all, a regression one number."""
    assert Head("a", "binary", "y", classes=("no", "yes")).outputs == ("yes",)
    assert Head("b", "multiclass", "y", classes=("LOW", "MID", "HIGH")).outputs == ("LOW", "MID", "HIGH")
    assert Head("c", "regression", "y").outputs == ("",)


def test_unknown_spec_is_refused_with_the_known_names() -> None:
    """So that a typo is repaired from the message."""
    with pytest.raises(UnknownName, match=r"got level_signals_stage_c_full; expected .*regime"):
        spec_named("level_signals_stage_c_full")
    assert spec_named("regime").dataset == "gold/training/regime"


def test_toxicity_reads_neither_identity_nor_time_nor_labels() -> None:
    """All that is left of the table is its inputs, and both questions are terciles of numbers."""
    chosen, table = SPECS["toxicity"].select(TOXICITY_DATASET.schema), set(TOXICITY_DATASET.schema)
    assert set(chosen.numeric) == table - {
        "date", "venue", "symbol", "ts_ns", "watermark_ns", "label_end_ns", VOLATILITY_LABEL, ADVERSE_LABEL
    }  # fmt: skip
    assert [(head.name, head.label_is, head.classes) for head in SPECS["toxicity"].heads] == [
        ("toxicity", "quantile", ("LOW", "MID", "HIGH")),
        ("adverse", "quantile", ("LOW", "MID", "HIGH")),
    ]
