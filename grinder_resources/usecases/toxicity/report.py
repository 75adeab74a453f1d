"""The toxicity report: made where data, answers, truth or code changed, otherwise read back from the lake."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from grinder_resources.contracts.bronze import INSTRUMENTS
from grinder_resources.contracts.gold_toxicity import PREDICTION_HORIZON_S, TOXICITY_DATASET
from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.contracts.reports import verdicts_table
from grinder_resources.contracts.silver import SNAPSHOTS
from grinder_resources.contracts.table import Table
from grinder_resources.contracts.toxicity_report import CUTS, HIT_RATES, INPUTS_BY_REGIME, RANKING, TRANSITIONS
from grinder_resources.datasets import dataset_sha256
from grinder_resources.lake import Lake, fingerprint
from grinder_resources.learning.specs import TOXICITY
from grinder_resources.usecases.toxicity.answers import MODE, PREDICTIONS, answered_minutes, fold_cuts
from grinder_resources.usecases.toxicity.hidden import hidden_minutes, hidden_sha256
from grinder_resources.usecases.toxicity.hits import hit_rates, transitions
from grinder_resources.usecases.toxicity.ranking import inputs_by_regime, ranking

TABLES = (CUTS, TRANSITIONS, HIT_RATES, RANKING, INPUTS_BY_REGIME)

_ROW = ["venue", "symbol", "ts_ns"]


@dataclass(frozen=True)
class ToxicityReport:
    """What the report says.

    minutes
        Rows of `answers.answered_minutes`, with `hidden`, the demo market's regime, null where there is none.
    newest
        Those of the newest day, with `price`, the mid in quote currency.
    cuts, transitions, hit_rates, ranking, inputs
        Rows of the tables of `contracts.toxicity_report`.
    verdicts
        Rows of `reports/verdicts/toxicity` of the leading mode, both heads.
    rebuilt
        Whether the tables had to be made.
    """

    minutes: pl.DataFrame
    newest: pl.DataFrame
    cuts: pl.DataFrame
    transitions: pl.DataFrame
    hit_rates: pl.DataFrame
    ranking: pl.DataFrame
    inputs: pl.DataFrame
    verdicts: pl.DataFrame
    rebuilt: bool

    @property
    def has_truth(self) -> bool:
        """Whether the hidden regime of any minute is known."""
        return self.minutes["hidden"].null_count() < self.minutes.height


def toxicity_report(lake: Lake, landing: Path, code_version: str) -> ToxicityReport:
    """Return the report on every out-of-fold minute, and commit its tables unless they are current.

    landing
        Folder whose truth files, if it has any, say what was hidden.

    Raises PartitionMissing without dataset or walk-forward, TooFewDays or NoData where no day could be answered,
    ProofFailed where the walk-forward was made of other rows than the dataset now holds.
    """
    predictions, dataset, hidden = lake.read(PREDICTIONS), lake.read(TOXICITY_DATASET), hidden_minutes(landing)
    cuts = fold_cuts(dataset)
    minutes = answered_minutes(predictions, dataset, cuts)
    upstream = {
        PREDICTIONS.name: lake.stamps(PREDICTIONS.name)[""].logical_sha256,
        TOXICITY_DATASET.name: dataset_sha256(lake, TOXICITY_DATASET.name),
        "truth": hidden_sha256(landing),
    }
    kept = {table.name: lake.current(table, None, fingerprint(code_version, upstream)) for table in TABLES}
    tables = {name: rows for name, rows in kept.items() if rows is not None}
    rebuilt = len(tables) < len(TABLES)
    if rebuilt:
        tables = _committed(lake, _made(minutes, hidden, cuts), code_version, upstream)
    known = minutes.join(hidden.select(*_ROW, "hidden"), on=_ROW, how="left")
    return ToxicityReport(
        minutes=known,
        newest=_with_price(lake, known, known["date"].max()),  # type: ignore[arg-type]  # a date: the column is one
        cuts=tables[CUTS.name],
        transitions=tables[TRANSITIONS.name],
        hit_rates=tables[HIT_RATES.name],
        ranking=tables[RANKING.name],
        inputs=tables[INPUTS_BY_REGIME.name],
        verdicts=lake.read(verdicts_table(TOXICITY.name)).filter(pl.col("mode") == MODE),
        rebuilt=rebuilt,
    )


def _made(minutes: pl.DataFrame, hidden: pl.DataFrame, cuts: pl.DataFrame) -> dict[Table, pl.DataFrame]:
    made = (cuts, transitions(minutes), hit_rates(minutes), ranking(minutes, hidden), inputs_by_regime(minutes))
    return dict(zip(TABLES, made, strict=True))


def _committed(
    lake: Lake, made: Mapping[Table, pl.DataFrame], code_version: str, upstream: Mapping[str, str]
) -> dict[str, pl.DataFrame]:
    for table, rows in made.items():
        lake.commit(table, rows, day=None, code_version=code_version, upstream=upstream)
    return {table.name: rows for table, rows in made.items()}


def _with_price(lake: Lake, minutes: pl.DataFrame, day: date) -> pl.DataFrame:
    """Return the minutes of a day with the mid that was in force, in quote currency."""
    whole = pl.col("ts_ns") % (PREDICTION_HORIZON_S * NS_PER_SECOND) == 0
    mids = lake.read(SNAPSHOTS, day, day, [*_ROW, "mid_half_ticks"]).filter(whole)
    ticks = lake.read(INSTRUMENTS, day, day).select("venue", "symbol", pl.col("tick_size").cast(pl.Float64))
    priced = mids.join(ticks, on=["venue", "symbol"]).with_columns(
        price=pl.col("mid_half_ticks") * pl.col("tick_size") / 2
    )
    return minutes.filter(pl.col("date") == day).join(priced.select(*_ROW, "price"), on=_ROW).sort(_ROW)
