"""The loop: suggest, apply, run, observe, until a study has as many trials as were asked for.

Every trial is on the trial ledger before the study hears of it, whatever became of it: complete, pruned, failed, or
lost with the process that ran it. A refusal fails its trial and the study goes on; where the ledger, the lake or the
disk refuses, or the fault is ours, the trial is recorded and the loop ends with that error.
"""

from collections.abc import Callable
from dataclasses import replace

from grinder_resources.errors import GrinderError, LakeFault, ProofFailed
from grinder_resources.learning.ledger import Ledger
from grinder_resources.tuning.backend import Backend, Outcome, Suggestion
from grinder_resources.tuning.component import TunableComponent
from grinder_resources.tuning.record import trials_of

MAX_ITERATIONS = 100

Watch = Callable[[Outcome], None]
"""Is told of every trial that has ended."""


def tune(
    component: TunableComponent,
    backend: Backend,
    ledger: Ledger,
    *,
    max_iterations: int = MAX_ITERATIONS,
    watch: Watch = lambda _: None,
) -> tuple[Outcome, ...]:
    """Return all trials of the study, by number, once there are `max_iterations` of them.

    A study that has as many already is left as it is. Raises LedgerBroken, StorageFull, and whatever is no refusal.
    """
    for lost in backend.lost():
        ledger.append(trials_of(component, backend.study, lost))
    while len(backend.outcomes()) < max_iterations:
        watch(_tried(component, backend, ledger, backend.suggest(component.parameters)))
    return backend.outcomes()


def _tried(component: TunableComponent, backend: Backend, ledger: Ledger, suggestion: Suggestion) -> Outcome:
    def ended(outcome: Outcome) -> Outcome:
        ledger.append(trials_of(component, backend.study, outcome))
        backend.observe(outcome)
        return outcome

    failed = Outcome(suggestion.number, suggestion.configuration, "failed", None)
    try:
        outcome = _run(component, backend, suggestion)
    except GrinderError as error:
        outcome = replace(failed, reason=error.line())
        if isinstance(error, LakeFault | ProofFailed):
            ended(outcome)
            raise
    except Exception as error:
        ended(replace(failed, reason=f"DEFECT: {type(error).__name__}: {error}"))
        raise
    return ended(outcome)


def _run(component: TunableComponent, backend: Backend, suggestion: Suggestion) -> Outcome:
    component.apply(suggestion.configuration)
    ended = Outcome(suggestion.number, suggestion.configuration, "complete", None)
    run = component.run()
    for steps, value in enumerate(run, start=1):
        if backend.prune(steps, value):
            run.close()
            return replace(ended, state="pruned", score=value, reason=f"worse than the median after step {steps}")
    metrics = component.telemetry()
    return replace(ended, score=metrics[component.objective], metrics=metrics)
