"""Hyper-parameters of a spec's boosters as a tunable component. The objective is a purged walk-forward, out of fold.

A trial fits the expanding folds of the walk-forward, the same splits, purges and embargoes, with other settings; what
counts is what its boosters answered on test days, on rows that were open. In-sample scores are never looked at.

The bar does not move: what a trial has to beat is what the reference answers with the settings in force, however it is
set itself, else a trial could win by spoiling its own reference. The objective is the mean over all answers of

    1 - squared error / squared error of the bar

and what is earned in an hour is the difference of the two, in whole units, as in `evaluation.returns`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date

import polars as pl

from grinder_resources.errors import NothingTrainable
from grinder_resources.evaluation.returns import block_returns
from grinder_resources.hashing import sha256_facts
from grinder_resources.learning.fold_store import FoldResult, FoldStore
from grinder_resources.learning.folds import data_sha256, folds_code, iter_folds, judged_facts
from grinder_resources.learning.ledger import Ledger
from grinder_resources.learning.model_spec import BoosterParams, ModelSpec
from grinder_resources.learning.splits import Split, walk_forward
from grinder_resources.tuning.component import Earnings, Steps, TunableComponent, score_of
from grinder_resources.tuning.parameters import Configuration, TunableParameter

OBJECTIVE = "skill"
ALL_ROWS, SOME_ROWS = "all rows", "some rows"
_ROW = ("row_id", "head", "class")


def booster_space(params: BoosterParams) -> tuple[TunableParameter, ...]:
    """Return what is tuned of boosters, `params` the defaults."""
    sampled = params.subsample < 1.0
    return (
        TunableParameter("max_depth", "integer", params.max_depth, (2, 8)),
        TunableParameter("eta", "continuous", params.eta, (0.01, 0.3), log_scale=True),
        TunableParameter("min_child_weight", "continuous", params.min_child_weight, (1.0, 200.0), log_scale=True),
        TunableParameter("max_bin", "categorical", params.max_bin, (32, 64, 128, 256)),
        TunableParameter("each_tree", "categorical", SOME_ROWS if sampled else ALL_ROWS, (ALL_ROWS, SOME_ROWS)),
        TunableParameter(
            "subsample",
            "continuous",
            params.subsample if sampled else 0.7,
            (0.4, 0.95),
            conditional_on={"each_tree": SOME_ROWS},
        ),
    )


def tuned(params: BoosterParams, configuration: Configuration) -> BoosterParams:
    """Return the settings with what a configuration of `booster_space` says in place of their own."""
    own = {name: value for name, value in configuration.items() if name != "each_tree"}
    return replace(params, **{"subsample": 1.0, **own})  # type: ignore[arg-type]


def training_component(spec: ModelSpec, frame: pl.DataFrame, store: FoldStore, ledger: Ledger) -> TunableComponent:
    """Return the boosters of a spec over rows of its dataset; what is in force are the spec's own settings.

    Folds go to the store, where the next walk-forward finds those it asks for and sweeps the others; their fits go to
    the ledger. Raises TooFewDays if there is no day to test, NothingTrainable where no answer could be scored.
    """
    trials = _BoosterTrials(spec, frame, store, ledger)
    return TunableComponent(
        name=f"training/{spec.name}",
        parameters=booster_space(spec.params),
        apply=trials.apply,
        run=trials.run,
        telemetry=trials.telemetry,
        objective=OBJECTIVE,
        earned=trials.earned,
        scales=trials.scales,
        facts={
            "dataset": spec.dataset,
            "data": data_sha256(spec, frame),
            "spec": sha256_facts(judged_facts(spec)),
            "code_version": folds_code(),
        },
    )


class _BoosterTrials:
    """The runs of the component: one set of folds after the other, each answer measured against the same bar."""

    def __init__(self, spec: ModelSpec, frame: pl.DataFrame, store: FoldStore, ledger: Ledger) -> None:
        self._spec, self._frame, self._store, self._ledger = spec, frame, store, ledger
        self._splits = walk_forward(frame["date"].unique().to_list())
        self._tried = spec
        self._earned: dict[str, dict[int, int]] = {}
        self._bar = {fold.split.test[0]: _judged(fold.answers) for fold in self._folds(spec)}
        self._stakes = {day: _staked(bar) for day, bar in self._bar.items()}
        self.scales = _totals(self._stakes, self._splits)
        if not self.scales:
            raise NothingTrainable("no answer of the walk-forward could be scored", where=spec.name)

    def apply(self, configuration: Configuration) -> None:
        self._tried = replace(self._spec, params=tuned(self._spec.params, configuration))

    def run(self) -> Steps:
        self._earned = {question: {} for question in self.scales}
        for number, fold in enumerate(self._folds(self._tried), start=1):
            for question, earned in _returns(_judged(fold.answers), self._bar[fold.split.test[0]]).items():
                if question in self._earned:
                    self._earned[question] |= earned
            so_far = _totals(self._stakes, self._splits[:number])
            yield score_of(self._earned, so_far) if so_far else 0.0

    def telemetry(self) -> Mapping[str, float]:
        by_answer = {question: score_of(self._earned, {question: scale}) for question, scale in self.scales.items()}
        return {OBJECTIVE: score_of(self._earned, self.scales), **by_answer}

    def earned(self) -> Earnings:
        return self._earned

    def _folds(self, spec: ModelSpec) -> Iterator[FoldResult]:
        return iter_folds(
            spec, self._frame, self._splits, store=self._store, ledger=self._ledger, code_version=folds_code()
        )


def _judged(answers: pl.DataFrame) -> pl.DataFrame:
    """Return the answers that count: of open rows with a label."""
    return answers.filter(~pl.col("settled"), pl.col("label").is_not_null())


def _returns(answers: pl.DataFrame, bar: pl.DataFrame) -> dict[str, dict[int, int]]:
    """Return what answers earned over the bar's reference, by question and hour."""
    against = answers.drop("baseline").join(bar.select(*_ROW, "baseline"), on=_ROW, how="left", validate="1:1")
    return {
        "/".join(filter(None, part.select("head", "class").row(0))): block_returns(part)
        for part in against.partition_by("head", "class", maintain_order=True)
    }


def _staked(bar: pl.DataFrame) -> dict[str, int]:
    """Return the squared error of the bar by question: what flawless answers would earn."""
    flawless = _returns(bar.with_columns(prediction="label"), bar)
    return {question: sum(earned.values()) for question, earned in flawless.items()}


def _totals(stakes: Mapping[date, Mapping[str, int]], splits: tuple[Split, ...]) -> dict[str, int]:
    """Return what could be earned on the test days of these splits, of every question with something to earn."""
    totals: dict[str, int] = {}
    for split in splits:
        for question, stake in stakes[split.test[0]].items():
            totals[question] = totals.get(question, 0) + stake
    return {question: total for question, total in totals.items() if total > 0}
