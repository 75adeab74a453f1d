"""Whether an answer may be used: what the promotion check holds against it, the registry's word, the runtime's."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from grinder_resources.contracts.bronze import PREDICTIONS
from grinder_resources.contracts.promotion import promotion_table
from grinder_resources.contracts.signals import REGIMES
from grinder_resources.evaluation.judged import judged
from grinder_resources.inference.config import MlConfig
from grinder_resources.inference.decision import Decision
from grinder_resources.inference.engine import open_engine
from grinder_resources.inference.reasons import REASONS
from grinder_resources.inference.snapshot import Snapshot
from grinder_resources.interpretability.event import Event, Model
from grinder_resources.lake import Lake
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.registry.evidence import artifact_of
from grinder_resources.registry.log import Registry

NS_PER_MS = 1_000_000
PATIENCE_MS = 60_000
"""Explaining has time: a live deadline would let the machine's load into the answer."""

NO_CHECK = "no promotion check is in the lake"
OTHER_CHECK = "not judged: the promotion check is about other rows or settings than this artifact's"
NOT_SERVED = "the signal runtime serves a head of LOW, MID and HIGH with a spacing; this model has none"


@dataclass(frozen=True)
class Standing:
    """What stands between an answer and trading.

    codes
        By head and class, the promotion check's codes against it; empty where nothing is; None without a check that is
        about the artifact.
    unjudged
        Why there is none, in one sentence; '' where there is one.
    registry
        The model's stage, in one sentence; '' where there is no registry.
    runtime
        What the signal runtime would do with this very row, one sentence a setting.
    logged
        What trading processes wrote down about it, one sentence a decision; none where there is no log.
    """

    codes: Mapping[tuple[str, str], tuple[str, ...]] | None
    unjudged: str
    registry: str
    runtime: tuple[str, ...]
    logged: tuple[str, ...]


def standing(event: Event, lake: Lake, models_dir: Path, config: MlConfig | None) -> Standing:
    """Return what stands between the event's answers and trading.

    config
        Settings of the runtime to be judged by; None = the defaults, under which everything is off, and a shadow.
    """
    version = event.model.artifact.manifest.model_version
    registered = registry_words(event.model.spec.name, version, models_dir)
    unjudged = unjudged_words(event.model, lake, models_dir)
    return Standing(
        codes=None if unjudged else promotion_codes(event.model.spec, lake),
        unjudged=unjudged,
        registry=registered,
        runtime=runtime_words(event, config),
        logged=logged_words(event, lake) if _served(event) else (),
    )


def registry_words(name: str, version: str, models_dir: Path) -> str:
    """Return a version's stage in the registry in words; '' where there is no registry. Raises RegistryRejected."""
    registry = Registry(models_dir)
    if not registry.exists:
        return ""
    standing = registry.standings().get(name)
    known = standing.versions.get(version) if standing else None
    return f"{known.state} since {known.since}, by event {known.event}" if known else "not registered"


def unjudged_words(model: Model, lake: Lake, models_dir: Path) -> str:
    """Return why the promotion check in the lake says nothing of an artifact; '' where it is about it."""
    if not lake.stamps(promotion_table(model.spec.name).name):
        return NO_CHECK
    about, own = judged(model.spec, lake, models_dir), artifact_of(model.folder)
    same = about is not None and (about.spec, about.dataset) == (own.spec, own.dataset)
    return "" if same else OTHER_CHECK


def promotion_codes(spec: ModelSpec, lake: Lake) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Return the codes of the latest promotion check by head and class."""
    rows = lake.read(promotion_table(spec.name)).select("head", "class", "codes").iter_rows()
    return {(head, output): tuple(codes.split()) for head, output, codes in rows}


def runtime_words(event: Event, config: MlConfig | None) -> tuple[str, ...]:
    """Return what the runtime says of the row, one sentence a setting it was asked under."""
    if not _served(event):
        return (NOT_SERVED,)
    if config is not None:
        return (f"under the settings given: {_words(_decided(event, config))}",)
    shadow = MlConfig(
        enabled=True, shadow_only=True, model_dir=str(event.model.folder), max_inference_latency_ms=PATIENCE_MS
    )
    return (
        f"with default settings: {_words(_decided(event, MlConfig()))}",
        f"in shadow: {_words(_decided(event, shadow))}",
    )


def logged_words(event: Event, lake: Lake) -> tuple[str, ...]:
    """Return what trading processes logged of the moment, one sentence a decision, in the order of the log."""
    facts = event.facts
    same = [pl.col(name) == facts[name] for name in ("venue", "symbol", "ts_ns")]
    rows = lake.read_or_empty(PREDICTIONS, facts["date"], facts["date"]).filter(*same)
    return tuple(_logged(row, event.model.artifact.manifest.model_hash) for row in rows.iter_rows(named=True))


def _logged(row: Mapping[str, Any], model_hash: str) -> str:
    probabilities = [row["low_bps"], row["mid_bps"], row["high_bps"]]
    said = "no answer"
    if None not in probabilities:
        said = ", ".join(f"{name} {bps / 100:.2f} %" for name, bps in zip(REGIMES, probabilities, strict=True))
        said += f", spacing {row['spacing_x1000']} / 1000"
    used = "applied" if row["applied"] else f"not used{', ' if row['refusal'] else ''}{row['refusal']}"
    by = "this model" if row["model_hash"] == model_hash else f"model {row['model_hash'] or 'none'}"
    return f"in {row['mode']}, by {by}: {said}; {used}"


def _served(event: Event) -> bool:
    """Whether the signal runtime could load the model."""
    spacing = event.model.artifact.manifest.spacing
    return bool(spacing) and REGIMES in [head.classes for head in event.model.spec.heads]


def _decided(event: Event, config: MlConfig) -> Decision:
    """Return the decision of an engine with these settings, blind to this process's environment: that is no fact."""
    facts = event.facts
    features = {name: facts[name] for name in event.prepared.features.numeric}
    with open_engine(config, environment={}) as engine:
        return engine.decide(Snapshot(facts["ts_ns"] // NS_PER_MS, facts["symbol"], features))


def _words(decision: Decision) -> str:
    if decision.refusal is not None:
        detail = f" ({decision.refusal.detail})" if decision.refusal.detail else ""
        return f"refused, {decision.refusal.code}: {REASONS[decision.refusal.code]}{detail}"
    assert decision.signal is not None
    told = f"{decision.signal.predicted_regime}, spacing {decision.signal.spacing_multiplier_x1000} / 1000"
    return f"{'applied' if decision.applied else 'scored and not used'}: {told}"
