"""The inference engine as a tunable component: threads, spinning and rows a call of ONNX Runtime on one artifact.

Settings change how fast a model answers, never what: a trial whose answers differ in one bit fails. Each trial measures
the same rows in several rounds, so that the spread of the rounds says how much of a difference is noise. Numbers are of
the machine they were taken on.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import INPUT
from grinder_resources.datasets import gold_table
from grinder_resources.errors import ExportMismatch, NoData, SchemaMismatch
from grinder_resources.export.verify import VerifiedArtifact, audited, open_session, start_session
from grinder_resources.lake import Lake
from grinder_resources.learning.matrix import design_matrix
from grinder_resources.learning.specs import spec_named
from grinder_resources.tuning.component import Earnings, Steps, TunableComponent
from grinder_resources.tuning.parameters import Configuration, TunableParameter
from grinder_resources.tuning.telemetry import CallTelemetry

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Objective = Literal["rows_per_second", "p95_us"]
Rows = NDArray[np.float32]

ONE, MANY = "one", "many"
ROUNDS = 10
ROWS_A_ROUND = 512


def engine_space(cores: int) -> tuple[TunableParameter, ...]:
    """Return what is tuned of the engine; the defaults are those of the trading process: one thread, one row."""
    many = {"threading": MANY}
    return (
        TunableParameter("batch", "categorical", 1, (1, 8, 32, 128, 512)),
        TunableParameter("threading", "categorical", ONE, (ONE, MANY)),
        TunableParameter("threads", "integer", 2, (2, max(4, cores)), conditional_on=many),
        TunableParameter("spinning", "categorical", False, (False, True), conditional_on=many),
    )


def inference_component(
    artifact: VerifiedArtifact, rows: Rows, objective: Objective = "rows_per_second", *, rounds: int = ROUNDS
) -> TunableComponent:
    """Return the engine on a verified artifact.

    rows
        float32 [rows, inputs], at least one row; each round asks ROWS_A_ROUND of them, or all.
    objective
        'rows_per_second', as large as possible, or 'p95_us', the time that 95 of 100 calls stay below, as small as
        possible.

    Raises ArtifactRejected for a graph that does not pass the door.
    """
    trials = _EngineTrials(artifact, rows[:ROWS_A_ROUND], objective, rounds)
    return TunableComponent(
        name=f"inference/{artifact.manifest.folder}",
        parameters=engine_space(os.cpu_count() or 1),
        apply=trials.apply,
        run=trials.run,
        telemetry=trials.telemetry,
        objective=objective,
        maximise=objective == "rows_per_second",
        earned=trials.earned,
        scales={"": rounds},
        facts={"model": artifact.manifest.model_hash, "rows": len(trials.rows), "rounds": rounds},
    )


def newest_rows(artifact: VerifiedArtifact, lake: Lake, count: int = ROWS_A_ROUND) -> Rows:
    """Return the newest rows of the artifact's Gold table as it takes them, float32 [at most count, inputs].

    Raises UnknownName where its model is no spec, NoData without rows, SchemaMismatch for other inputs than its own.
    """
    manifest = artifact.manifest
    spec = spec_named(manifest.model_name)
    days = [day for day in lake.days(spec.dataset) if lake.stamps(spec.dataset)[day.isoformat()].rows]
    if not days:
        raise NoData("the model's table has no rows", where=spec.dataset)
    frame = lake.read(gold_table(lake, spec.dataset), days[-1], days[-1]).tail(count)
    matrix = design_matrix(frame, spec.select(frame.schema), spec.categories)
    if matrix.columns != tuple(manifest.input_features):
        raise SchemaMismatch(
            "the table has other inputs than the artifact",
            where=spec.dataset,
            got=f"{len(matrix.columns)} columns",
            expected=f"the {len(manifest.input_features)} of {manifest.folder}",
            hint="Train the model again.",
        )
    return matrix.values


class _EngineTrials:
    """The runs of the component: one session after the other, all on the same bytes and rows."""

    def __init__(self, artifact: VerifiedArtifact, rows: Rows, objective: Objective, rounds: int) -> None:
        self.rows = rows
        self._objective, self._rounds = objective, rounds
        self._model, self._where = audited(artifact).data, artifact.manifest.folder
        self._session, self._batch = open_session(artifact), 1
        self._expected = _answers(self._session, rows, len(rows))
        self._calls, self._by_round = CallTelemetry(), dict[int, int]()

    def apply(self, configuration: Configuration) -> None:
        threads, spinning = int(configuration.get("threads", 1)), bool(configuration.get("spinning", False))
        self._session, self._batch = start_session(self._model, threads, spinning=spinning), int(configuration["batch"])

    def run(self) -> Steps:
        given = _answers(self._session, self.rows, self._batch)
        if not all(np.array_equal(one, other) for one, other in zip(given, self._expected, strict=True)):
            raise ExportMismatch("the engine's settings changed an answer", where=self._where)
        self._calls.reset()
        self._by_round = {}
        for number in range(self._rounds):
            self._by_round[number] = round(self._round()[self._objective])
            yield sum(self._by_round.values()) / len(self._by_round)

    def telemetry(self) -> Mapping[str, float]:
        mean = sum(self._by_round.values()) / len(self._by_round)
        return {**self._calls.metrics(), self._objective: mean}

    def earned(self) -> Earnings:
        return {"": self._by_round}

    def _round(self) -> dict[str, float]:
        calls = CallTelemetry()
        for start in range(0, len(self.rows), self._batch):
            asked = {INPUT: self.rows[start : start + self._batch]}
            with calls.call(len(asked[INPUT])), self._calls.call(len(asked[INPUT])):
                self._session.run(None, asked)
        return calls.metrics()


def _answers(session: "InferenceSession", rows: Rows, batch: int) -> list[NDArray[Any]]:
    """Return every output of all rows, asked `batch` at a time."""
    parts = [session.run(None, {INPUT: rows[start : start + batch]}) for start in range(0, len(rows), batch)]
    return [np.concatenate(output) for output in zip(*parts, strict=True)]
