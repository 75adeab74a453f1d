"""The score guard's report: the newest day of the lake, the newest toxicity artifact, one declared guard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from grinder_resources.contracts.score_guard import EQUITY, GRID_DECISIONS, POLICIES
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.contracts.simulation import Costs
from grinder_resources.errors import NoData
from grinder_resources.export.artifact import latest_version
from grinder_resources.hashing import sha256_rows
from grinder_resources.lake import Lake, fingerprint
from grinder_resources.learning.ledger import LEDGER_FILE, Ledger
from grinder_resources.usecases.score_guard.folder import equity_rows, policy_rows
from grinder_resources.usecases.score_guard.grid_try import TABLES, read_markets, scores_of_model, try_grid
from grinder_resources.usecases.score_guard.guard import Guard
from grinder_resources.usecases.score_guard.tries import Backtest, data_sha256

MODELS = ("toxicity", "regime")
"""Whose P(HIGH) is the hazard: the first that has an artifact."""

GUARD = Guard(threshold_bps=5_000, max_hazard_bps=None, max_age_s=600)
COSTS = Costs()


@dataclass(frozen=True, eq=False)
class GuardReport:
    """A backtest of the newest day.

    model
        The artifact's folder name.
    rebuilt
        Whether day, model or code changed since the last one; if not, the try only repeats a known one.
    """

    backtest: Backtest
    model: str
    rebuilt: bool


def score_guard_report(lake: Lake, models_dir: Path, code_version: str) -> GuardReport:
    """Return the backtest of the newest day through the newest artifact, and commit its three tables.

    Raises NoData without an artifact or a day, PartitionMissing where the day lacks a table, ArtifactRejected for an
    artifact that does not verify.
    """
    folder, day = _artifact(models_dir), _newest_day(lake)
    markets = read_markets(lake, [day], ())
    scores = scores_of_model(folder, lake, markets, None)
    upstream = {"scores": scores.sha256, "guard": str(GUARD), "costs": str(COSTS)}
    upstream |= {"data": data_sha256(lake, TABLES, [day]), "answers": sha256_rows(scores.rows)}
    rebuilt = lake.current(POLICIES, None, fingerprint(code_version, upstream)) is None
    ledger = Ledger(models_dir / LEDGER_FILE, verify=not rebuilt)
    backtest = try_grid(lake, markets, scores, ledger, guard=GUARD, costs=COSTS)
    if rebuilt:
        _commit(lake, backtest, code_version, upstream)
    return GuardReport(backtest, folder.name, rebuilt)


def _commit(lake: Lake, backtest: Backtest, code_version: str, upstream: Mapping[str, str]) -> None:
    rows = ((GRID_DECISIONS, backtest.decisions), (EQUITY, equity_rows(backtest)), (POLICIES, policy_rows(backtest)))
    for table, frame in rows:
        lake.commit(table, frame, day=None, code_version=code_version, upstream=upstream)


def _artifact(models_dir: Path, names: Sequence[str] = MODELS) -> Path:
    for name in names:
        version = latest_version(models_dir, name)
        if version is not None:
            return models_dir / f"{name}_{version}"
    raise NoData("there is no artifact to guard with", where=" or ".join(names), hint="Train one on enough days first")


def _newest_day(lake: Lake) -> date:
    stamps = lake.stamps(SNAPSHOTS.name)
    days = [day for day in stamps if stamps[day].rows]
    if not days:
        raise NoData("no day has rows to backtest", where=SNAPSHOTS.name, hint="Materialise it first")
    return date.fromisoformat(max(days))
