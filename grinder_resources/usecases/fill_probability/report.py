"""The fill report: its tables from the lake, made only where orders, answers or code changed, else read back."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from grinder_resources.contracts.fill_report import FILL_REPORT
from grinder_resources.contracts.reports import predictions_table, verdicts_table, walk_forward_table
from grinder_resources.contracts.simulation import Costs
from grinder_resources.datasets import dataset_sha256, gold_table
from grinder_resources.errors import NoData
from grinder_resources.lake import Lake, fingerprint
from grinder_resources.learning.specs import FILL_PROBABILITY
from grinder_resources.usecases.fill_probability.answers import answered_orders
from grinder_resources.usecases.fill_probability.costs import fill_costs
from grinder_resources.usecases.fill_probability.shares import fill_shares
from grinder_resources.usecases.fill_probability.survival import fill_survival

PREDICTIONS, SCORES, VERDICTS = (
    make(FILL_PROBABILITY.name) for make in (predictions_table, walk_forward_table, verdicts_table)
)


@dataclass(frozen=True)
class FillReport:
    """Rows of the report's tables, with the scores and verdicts of the walk-forward they come from.

    trading
        Fees that costs are counted with.
    rebuilt
        Whether the tables had to be made.
    """

    shares: pl.DataFrame
    survival: pl.DataFrame
    costs: pl.DataFrame
    scores: pl.DataFrame
    verdicts: pl.DataFrame
    trading: Costs
    rebuilt: bool


def fill_report(lake: Lake, code_version: str, trading: Costs | None = None) -> FillReport:
    """Return the report on every order that was answered out of fold; its tables are committed.

    trading
        Fees; None = the simulator's own.

    Raises PartitionMissing where the dataset or its walk-forward was never made, NoData where nothing was answered.
    """
    trading = trading or Costs()
    upstream = _upstream(lake, trading)
    wanted = fingerprint(code_version, upstream)
    kept = [rows for table in FILL_REPORT if (rows := lake.current(table, None, wanted)) is not None]
    rebuilt = len(kept) < len(FILL_REPORT)
    made = _made(lake, trading) if rebuilt else kept
    for table, rows in zip(FILL_REPORT, made, strict=True) if rebuilt else ():
        lake.commit(table, rows, day=None, code_version=code_version, upstream=upstream)
    shares, survival, costs = made
    return FillReport(shares, survival, costs, lake.read(SCORES), lake.read(VERDICTS), trading, rebuilt)


def _upstream(lake: Lake, trading: Costs) -> Mapping[str, str]:
    dataset = dataset_sha256(lake, FILL_PROBABILITY.dataset)
    lake.read(PREDICTIONS)
    answers = lake.stamps(PREDICTIONS.name)[""].logical_sha256
    return {"dataset": dataset, "answers": answers, "trading": str(trading)}


def _made(lake: Lake, trading: Costs) -> list[pl.DataFrame]:
    orders = answered_orders(lake.read(gold_table(lake, FILL_PROBABILITY.dataset)), lake.read(PREDICTIONS))
    if orders.is_empty():
        raise NoData(
            "no order was answered out of fold", where=FILL_PROBABILITY.dataset, hint="Materialise more days first"
        )
    return [fill_shares(orders), fill_survival(orders), fill_costs(orders, trading)]
