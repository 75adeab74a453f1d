"""A try: the comparison of two policies, written into the trial ledger where it is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType

import polars as pl

from grinder_resources.evaluation.trials import trials_on
from grinder_resources.hashing import sha256_facts
from grinder_resources.lake import Lake
from grinder_resources.learning.ledger import Ledger, Record, Trial
from grinder_resources.usecases.score_guard.comparison import Comparison, Openness, compare, differences_of
from grinder_resources.usecases.score_guard.guard import Guard
from grinder_resources.usecases.score_guard.policies import Policy
from grinder_resources.usecases.score_guard.scores import Scores

SUBJECT = "score_guard"
HASH_CHARACTERS = 16


@dataclass(frozen=True)
class Setup:
    """What is tried, and on what.

    kind
        'grid' or 'gates'.
    days, symbols
        What is traded; no symbols = all.
    data_sha256
        Over the rows of every table and day that were read.
    costs
        In integers, as the ledger keeps them.
    """

    kind: str
    days: tuple[date, ...]
    symbols: tuple[str, ...]
    data_sha256: str
    costs: Mapping[str, int]
    guard: Guard


@dataclass(frozen=True, eq=False)
class Backtest:
    """A backtest and what came of it.

    policies
        The heuristic, and the guarded one unless there are no scores.
    decisions
        What was decided: GRID_DECISIONS without the guard's columns where there are no scores; for gates the signals.
    nav, fills
        Of every instrument, for figures: NAV and FILLS with `policy`, `venue`, `symbol` and `date`.
    comparison
        None where there are no scores.
    tick_size
        By (venue, symbol), quote currency a tick.
    """

    setup: Setup
    scores: Scores | None
    policies: tuple[Policy, ...]
    decisions: pl.DataFrame
    nav: pl.DataFrame
    fills: pl.DataFrame
    comparison: Comparison | None = None
    tick_size: Mapping[tuple[str, str], float] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def sentence(self) -> str:
        """The verdict; without scores, that there is none."""
        return self.comparison.sentence if self.comparison else "no verdict: there are no scores to compare with"


def recorded(backtest: Backtest, openness: Openness, ledger: Ledger) -> Backtest:
    """Return the backtest with its comparison, after one more record in the ledger; as it is without scores.

    Raises LedgerBroken for a ledger that does not hold what was written there.
    """
    if backtest.scores is None:
        return backtest
    heuristic, guarded = backtest.policies
    trial = _trial(backtest, backtest.scores, heuristic, guarded)
    records: Sequence[Record] = ledger.read()
    tried = trials_on([*records, Record(len(records) + 1, "", trial, "")], str(trial.facts["dataset"]))
    sample = backtest.scores.sample(backtest.setup.days[0])
    comparison = compare(heuristic, guarded, openness, sample=sample, tried=tried)
    outcome = {"passed": int(comparison.promoted), "refused": list(comparison.codes)}
    ledger.append([replace(trial, facts={**trial.facts, **outcome})])
    return replace(backtest, comparison=comparison)


def data_sha256(lake: Lake, tables: Sequence[str], days: Sequence[date]) -> str:
    """Return the sha256 over the committed hashes of tables and days; what was never committed counts as such."""
    stamps = {table: lake.stamps(table) for table in tables}
    hashes = {
        f"{table}/{day}": stamps[table][day.isoformat()].logical_sha256 if day.isoformat() in stamps[table] else ""
        for table in tables
        for day in days
    }
    return sha256_facts(hashes)


def _trial(backtest: Backtest, scores: Scores, heuristic: Policy, guarded: Policy) -> Trial:
    """Return the try. `data` says on what it was judged; other days make no other try of the same guard."""
    setup, earned = backtest.setup, differences_of(heuristic, guarded)
    facts = {
        "dataset": f"{SUBJECT}/{setup.kind}",
        "scores": scores.sha256,
        "scores_name": scores.name,
        "threshold_bps": setup.guard.threshold_bps,
        "max_hazard_bps": setup.guard.max_hazard_bps,
        "max_age_s": setup.guard.max_age_s,
        "symbols": list(setup.symbols),
        "costs": dict(setup.costs),
        "data": f"{setup.days[0]} .. {setup.days[-1]} {setup.data_sha256[:HASH_CHARACTERS]}",
    }
    return Trial("backtest", SUBJECT, setup.kind, facts, tuple(earned), tuple(earned.values()))
