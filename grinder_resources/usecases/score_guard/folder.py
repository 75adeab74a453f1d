"""What a backtest leaves in a folder: its page, its verdict in numbers, and its rows as Parquet."""

import json
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from grinder_resources.contracts.score_guard import EQUITY, POLICIES
from grinder_resources.evaluation.document import write_page
from grinder_resources.storage import storage_errors
from grinder_resources.usecases.score_guard.page import backtest_page
from grinder_resources.usecases.score_guard.tries import Backtest

PAGE = "backtest.html"


def write_backtest(folder: Path, backtest: Backtest, provenance: Mapping[str, str]) -> Path:
    """Write page, verdict and rows; return the page. Raises StorageFull where the folder takes no more."""
    with storage_errors(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
        for name, frame in _frames(backtest).items():
            frame.write_parquet(folder / f"{name}.parquet")
        summary = policy_rows(backtest).drop("first_day", "last_day").to_dicts()
        (folder / "verdict.json").write_text(json.dumps(_verdict(backtest) | {"policies": summary}, indent=2) + "\n")
    write_page(folder / PAGE, backtest_page(backtest, provenance))
    return folder / PAGE


def policy_rows(backtest: Backtest) -> pl.DataFrame:
    """Return `reports/score_guard/policies`."""
    setup, found, scores = backtest.setup, backtest.comparison, backtest.scores
    rows = [
        {
            "policy": policy.name,
            "backtest": setup.kind,
            "first_day": setup.days[0],
            "last_day": setup.days[-1],
            "scores": scores.name if scores else "",
            "threshold_bps": setup.guard.threshold_bps,
            "max_hazard_bps": setup.guard.max_hazard_bps,
            "pnl_x1000": policy.pnl_x1000,
            "fees_x1000": policy.fees_x1000,
            "max_drawdown_x1000": policy.max_drawdown_x1000,
            "sharpe_x1000": policy.sharpe_x1000,
            "sortino_x1000": policy.sortino_x1000,
            "trades": policy.trades,
            "fills": policy.fills,
            "difference_low": found.difference.low if found else None,
            "difference_high": found.difference.high if found else None,
            "verdict": backtest.sentence,
        }
        for policy in backtest.policies
    ]
    return POLICIES.conform(pl.DataFrame(rows, schema=POLICIES.schema))


def equity_rows(backtest: Backtest) -> pl.DataFrame:
    """Return `reports/score_guard/equity`."""
    return EQUITY.conform(
        pl.concat(
            policy.equity.select(pl.lit(policy.name).alias("policy"), "ts_ns", "equity_x1000")
            for policy in backtest.policies
        )
    )


def _frames(backtest: Backtest) -> dict[str, pl.DataFrame]:
    return {"decisions": backtest.decisions, "equity": equity_rows(backtest), "fills": backtest.fills}


def _verdict(backtest: Backtest) -> dict[str, object]:
    found = backtest.comparison
    if found is None:
        return {"verdict": backtest.sentence}
    return {
        "verdict": backtest.sentence,
        "promoted": found.promoted,
        "against": list(found.codes),
        "sample": found.sample,
        "tries": found.tries,
        "guard_asked": found.openness.asked,
        "guard_opened": found.openness.opened,
    }
