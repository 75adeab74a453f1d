"""The inference engine as a tunable component: faster or slower, and never another answer."""

from pathlib import Path

import numpy as np
import pytest

from grinder_resources.errors import ExportMismatch
from grinder_resources.export.artifact import write_artifact
from grinder_resources.export.verify import VerifiedArtifact, read_artifact, start_session
from grinder_resources.tuning import inference
from grinder_resources.tuning.inference import engine_space, inference_component
from grinder_resources.tuning.loop import tune
from grinder_resources.tuning.parameters import TunableParameter, Value, defaults
from grinder_resources.tuning.telemetry import CallTelemetry
from tests.export.plain_artifacts import CREATED_AT
from tests.export.small_artifact import small_draft, small_rows
from tests.tuning.toy_component import Bench

ROWS = small_rows()[:64]


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> VerifiedArtifact:
    """Return a small artifact through the door."""
    folder = tmp_path_factory.mktemp("models")
    made = write_artifact(folder, small_draft(), small_rows()[:50], created_at=CREATED_AT)
    return read_artifact(made.directory)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"batch": 32},
        {"threading": "many", "threads": 2, "spinning": False},
        {"threading": "many", "threads": 4, "spinning": True, "batch": 8},
    ],
)
def test_settings_change_how_fast_and_never_what(artifact: VerifiedArtifact, changed: dict[str, Value]) -> None:
    """Every round asks all rows; the answers were compared before the first."""
    component = inference_component(artifact, ROWS, rounds=3)
    component.apply({**defaults(component.parameters), **changed})
    values = list(component.run())
    metrics = component.telemetry()
    assert len(values) == 3
    assert list(component.earned()[""]) == [0, 1, 2]
    assert metrics["rows_per_second"] == values[-1] > 0
    assert 0 < metrics["p50_us"] <= metrics["p95_us"] <= metrics["p99_us"]


def test_the_defaults_are_those_of_the_trading_process() -> None:
    """One row a call, one thread; threads and spinning matter only where there are many."""
    assert defaults(engine_space(8)) == {"batch": 1, "threading": "one"}
    threads = next(one for one in engine_space(8) if one.name == "threads")
    assert threads == TunableParameter("threads", "integer", 2, (2, 8), conditional_on={"threading": "many"})


def test_the_time_of_a_call_is_an_objective_that_should_be_small(artifact: VerifiedArtifact) -> None:
    """In microseconds; a call about 32 rows takes longer than one about a row."""
    component = inference_component(artifact, ROWS, "p95_us", rounds=2)
    assert (component.objective, component.maximise) == ("p95_us", False)
    taken = []
    for batch in (1, 32):
        component.apply({"batch": batch, "threading": "one"})
        list(component.run())
        taken.append(component.telemetry()["p50_us"])
    assert taken[1] > taken[0]


def test_an_engine_that_answers_otherwise_is_a_failed_trial(
    artifact: VerifiedArtifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the session is that of the same graph over other numbers."""

    class Liar:
        def __init__(self, model: bytes, threads: int, *, spinning: bool) -> None:
            self.session = start_session(model, threads, spinning=spinning)

        def run(self, names: None, asked: dict[str, inference.Rows]) -> list[np.ndarray]:
            return [answer + 1 for answer in self.session.run(names, asked)]

    monkeypatch.setattr(inference, "start_session", Liar)
    bench = Bench(tmp_path)
    (outcome,) = tune(inference_component(artifact, ROWS, rounds=2), bench.backend(), bench.ledger, max_iterations=1)
    assert outcome.state == "failed"
    assert outcome.reason.startswith(ExportMismatch.code)


def test_telemetry_counts_rows_and_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four calls of 1, 1, 1 and 5 seconds about ten rows each; after a reset there is nothing to tell."""
    ticks = iter([0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 8.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(ticks))
    calls = CallTelemetry()
    for _ in range(4):
        with calls.call(rows=10):
            pass
    expected = {"rows_per_second": 5.0, "p50_us": 1e6, "p95_us": 4.4e6, "p99_us": 4.88e6}
    assert calls.metrics() == pytest.approx(expected)
    calls.reset()
    assert calls.metrics() == {}
