"""The invariants of ML spec 12.3, one test each: what must hold, and what must not be there."""

import ast
import hashlib
import json
import random
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper, load_model_from_string  # noqa: TID253 - what is looked at

from grinder_resources.contracts.signals import MlSignalSnapshot
from grinder_resources.contracts.snapshots import FeatureSnapshot, L2FeatureSnapshot
from grinder_resources.errors import ArtifactRejected
from grinder_resources.export.audit_rules import OPERATORS
from grinder_resources.inference import SignalEngine, Snapshot
from grinder_resources.inference.door import open_model
from grinder_resources.inference.reasons import RefusalCode
from grinder_resources.inference.snapshot import encode
from tests.export.rewriting import edit_graph
from tests.inference.toy_model import Script, at, toy_source

PACKAGE = Path(__file__).resolve().parents[2] / "grinder_resources" / "inference"


def signals(engine: SignalEngine, snapshots: Sequence[Snapshot]) -> list[dict[str, Any]]:
    """Every signal without its wall time; a snapshot without one fails."""
    found = [engine.decide(snapshot).signal for snapshot in snapshots]
    assert all(isinstance(signal, MlSignalSnapshot) for signal in found)
    return [dict(signal.compared) for signal in found if signal]


def test_det_01_the_same_inputs_give_the_same_signals(shadow: Any, golden_snapshots: list[Snapshot]) -> None:
    """In two engines, to the last bit of their text."""
    with shadow() as one, shadow() as other:
        assert signals(one, golden_snapshots) == signals(other, golden_snapshots)


def test_det_02_weights_come_from_the_artifact(
    shadow: Any, regime_copy: Path, golden_snapshots: list[Snapshot]
) -> None:
    """Another leaf in the file is another model, which the golden rows refuse."""

    def heavier(model: Any) -> None:
        (trees,) = (node for node in model.graph.node if "regime_margin" in node.output)
        (weights,) = (one for one in trees.attribute if one.name == "target_weights")
        weights.floats[:] = [weight + 0.5 for weight in weights.floats[:40]] + list(weights.floats[40:])

    edit_graph(regime_copy, heavier)
    with pytest.raises(ArtifactRejected, match="golden"):
        open_model(regime_copy)


def test_det_03_every_number_of_a_signal_is_an_integer(shadow: Any, golden_snapshots: list[Snapshot]) -> None:
    """There is no float to round differently."""
    with shadow() as engine:
        numbers = [
            value
            for signal in signals(engine, golden_snapshots)
            for field in signal.values()
            for value in (field if isinstance(field, tuple) else (field,))
            if not isinstance(value, str)
        ]
    assert {type(number) for number in numbers} == {int}


def test_det_04_features_are_read_in_the_models_order(
    shadow: Any, regime_artifact: Path, golden_snapshots: list[Snapshot]
) -> None:
    """Whatever the order they come in; and the golden model's order is the contracts'."""
    shuffler = random.Random(4)
    shuffled = [
        replace(one, features=dict(shuffler.sample(list(one.features.items()), len(one.features))))
        for one in golden_snapshots
    ]
    with shadow() as engine:
        assert signals(engine, shuffled) == signals(engine, golden_snapshots)
    canonical = [*FeatureSnapshot.__dataclass_fields__, *L2FeatureSnapshot.__dataclass_fields__]
    names = list(open_model(regime_artifact).facts.reading.names)
    assert sorted(names, key=canonical.index) == names


def test_det_05_a_signal_names_its_model(shadow: Any, regime_artifact: Path, golden_snapshots: list[Snapshot]) -> None:
    """The version and hash of the manifest, which is the hash of the file."""
    manifest = json.loads((regime_artifact / "manifest.json").read_bytes())
    digest = hashlib.sha256((regime_artifact / "model.onnx").read_bytes()).hexdigest()[:16]
    with shadow() as engine:
        named = {(one["model_version"], one["model_hash"]) for one in signals(engine, golden_snapshots)}
    assert named == {(manifest["model_version"], manifest["model_hash"])}
    assert manifest["model_hash"] == digest


def test_det_06_a_model_computes_in_one_precision(regime_artifact: Path) -> None:
    """float32 and integers; nothing in the graph is cast to another float, and no constant is one."""
    graph = load_model_from_string((regime_artifact / "model.onnx").read_bytes()).graph
    casts = {helper.get_attribute_value(one) for node in graph.node for one in node.attribute if one.name == "to"}
    types = casts | {constant.data_type for constant in graph.initializer}
    assert types & {10, 11, 16} == set()


def test_det_07_nothing_in_a_model_is_drawn_at_random(golden_snapshots: list[Snapshot], regime_artifact: Path) -> None:
    """So no seed has to be fixed: another process with another hash seed says the same."""
    code = (
        "import sys; from pathlib import Path; from grinder_resources.proofs.determinism import *;"
        "print(digest(score([Snapshot.from_json(line) for line in sys.stdin], Path(sys.argv[1]), isolate=False)))"
    )
    lines = "\n".join(snapshot.to_json() for snapshot in golden_snapshots)
    digests = {
        subprocess.run(
            [sys.executable, "-c", code, str(regime_artifact)],
            input=lines,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_det_08_features_are_hashed_before_the_model_runs() -> None:
    """A model that writes over its input does not change the hash, and one that fails does not either."""

    class Vandal(Script):
        def run(self, row: Any) -> Any:
            row[:] = 7
            return super().run(row)

    quiet, vandal = toy_source(Script()).signal(at(1)), toy_source(Vandal()).signal(at(1))
    assert isinstance(quiet, MlSignalSnapshot)
    assert isinstance(vandal, MlSignalSnapshot)
    assert vandal.features_hash == quiet.features_hash == "f0438be59e916970"


RANDOM = (
    "RandomNormal",
    "RandomUniform",
    "RandomNormalLike",
    "RandomUniformLike",
    "Multinomial",
    "Bernoulli",
    "Dropout",
)


def test_nodet_01_a_model_with_noise_is_refused() -> None:
    """No operator that draws, or drops, is on the audit's list."""
    assert [name for name in RANDOM if ("", name) in OPERATORS] == []


def test_nodet_02_no_model_reads_a_clock(golden_snapshots: list[Snapshot], shadow: Any) -> None:
    """At another time the same features give the same answer, and no input of any model is a time."""
    later = [replace(one, ts=one.ts + 86_400_000_000) for one in golden_snapshots]
    with shadow() as engine:
        now, then = signals(engine, golden_snapshots), signals(engine, later)
    assert [one | {"ts": 0} for one in now] == [one | {"ts": 0} for one in then]
    clocks = re.compile(r"(^|_)(ts|time|hour|minute|day|weekday|date|clock)(_|$)")
    assert [name for name in golden_snapshots[0].features if clocks.search(name)] == []


WATCHED = """
import sys
from pathlib import Path
from grinder_resources.inference import MlConfig, Snapshot, open_engine

snapshots = [Snapshot.from_json(line) for line in sys.stdin]
config = MlConfig(enabled=True, shadow_only=True, model_dir=sys.argv[1], max_inference_latency_ms=60000)
with open_engine(config, {}) as engine:
    engine.decide(snapshots[0])
    seen = []
    sys.addaudithook(lambda event, arguments: seen.append(event))
    refusals = [engine.decide(snapshot).refusal for snapshot in snapshots]
outside = ("socket", "open", "subprocess", "os", "import", "urllib")
print([event for event in seen if event.split(".")[0] in outside], refusals)
"""


def test_nodet_03_scoring_touches_nothing_outside(regime_artifact: Path, golden_snapshots: list[Snapshot]) -> None:
    """No file, socket, process or import while snapshots are scored: the interpreter itself is asked."""
    lines = "\n".join(snapshot.to_json() for snapshot in golden_snapshots)
    run = subprocess.run(
        [sys.executable, "-c", WATCHED, str(regime_artifact)], input=lines, capture_output=True, text=True, check=True
    )
    assert run.stdout == f"[] {[None] * len(golden_snapshots)}\n"


def test_nodet_04_engines_and_symbols_do_not_touch_each_other(shadow: Any, golden_snapshots: list[Snapshot]) -> None:
    """Two engines asked in turn, and in another order, say what each says alone."""
    with shadow() as alone:
        expected = signals(alone, golden_snapshots)
    with shadow() as one, shadow() as other:
        mixed = [(signals(one, [snapshot]), signals(other, [snapshot])) for snapshot in reversed(golden_snapshots)]
    assert [first for (first,), _ in reversed(mixed)] == expected
    assert [second for _, (second,) in reversed(mixed)] == expected


def test_nodet_05_no_float_is_compared_for_equality() -> None:
    """No module of the runtime compares with a float literal, and signals hold none (DET-03)."""
    compared = [
        f"{path.name}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops)
        if any(isinstance(one, ast.Constant) and type(one.value) is float for one in (node.left, *node.comparators))
    ]
    assert compared == []


def test_nodet_06_a_model_has_no_state_of_a_thread(shadow: Any, golden_snapshots: list[Snapshot]) -> None:
    """From another thread it says the same, and nothing is kept by thread."""
    with shadow() as engine:
        expected, found = signals(engine, golden_snapshots), []
        thread = threading.Thread(target=lambda: found.extend(signals(engine, golden_snapshots)))
        thread.start()
        thread.join()
    assert found == expected
    texts = [path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")]
    assert [text for text in texts if "threading.local" in text or "contextvars" in text] == []


def test_nodet_07_what_is_read_depends_on_nothing_that_happens(
    regime_artifact: Path, golden_snapshots: list[Snapshot]
) -> None:
    """Each input in turn is left out and refused by name; more features than are read change nothing."""
    reading = open_model(regime_artifact).facts.reading
    snapshot = golden_snapshots[0]
    for name in reading.names:
        kept = {other: value for other, value in snapshot.features.items() if other != name}
        refusal = encode(replace(snapshot, features=kept), reading)
        assert (refusal.code, refusal.detail) == (RefusalCode.MISSING_FEATURE, name)  # type: ignore[union-attr]
    full, more = encode(snapshot, reading), encode(replace(snapshot, features={**snapshot.features, "z": 1}), reading)
    np.testing.assert_array_equal(full.row, more.row)  # type: ignore[union-attr]
