"""`monitoring/predictions/<model>`: a day's answers beside what came of them.

Where a trading process has logged what it read and said, that is taken; Gold rows that nobody logged are answered again
by the served model. Both are held against the same Gold rows, for the outcome and for the hash of the inputs that the
lake has. Where a logged hash is another than that, the process read something else than the lake says there was.
"""

from datetime import date

import polars as pl

from grinder_resources.contracts.bronze import PREDICTIONS
from grinder_resources.contracts.monitoring import predictions_log_table
from grinder_resources.contracts.signals import REGIMES
from grinder_resources.interpretability.event import row_ids
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.monitoring.answers import ANSWERED, answered_rows
from grinder_resources.monitoring.watch import Watch

LOGGED, REPLAYED = "logged", "replayed"

SIGNAL_HEAD = "regime"
"""The head whose answers a signal holds, and so the only ones that a trading process logs."""


def predictions_upstream(watch: Watch, day: date) -> dict[str, str]:
    """Return the hashes of everything that decides a day's rows."""
    return watch.upstream(day, watch.spec.dataset, PREDICTIONS.name)


def predictions_day(watch: Watch, day: date) -> pl.DataFrame:
    """Return `monitoring/predictions/<model>` of one day; empty where no version is served or nothing is known of it.

    Raises what reading the lake raises, and SchemaMismatch where Gold has other inputs than the artifact.
    """
    table, model = predictions_log_table(watch.spec.name), watch.model
    if model is None:
        return table.empty()
    prepared = watch.gold(model, [day])
    known = pl.DataFrame(schema=ANSWERED) if prepared is None else answered_rows(model, prepared)
    logged = _logged(watch.spec, watch.logged(model, day)).join(
        known.select("row_id", "recomputed_hash", "head", "class", "outcome"), ["row_id", "head", "class"], how="left"
    )
    replayed = known.join(logged, "row_id", how="anti").with_columns(
        pl.lit(REPLAYED).alias("source"), pl.col("recomputed_hash").alias("features_hash")
    )
    rows = pl.concat([logged, replayed], how="diagonal")
    stated = pl.lit(model.artifact.manifest.model_hash).alias("model_hash")
    return table.conform(rows.with_columns(stated).select(table.schema.names()))


def is_logged(spec: ModelSpec) -> bool:
    """Return whether a trading process can log the model's answers: whether they are signals."""
    return SIGNAL_HEAD in {head.name for head in spec.heads}


def _logged(spec: ModelSpec, log: pl.DataFrame) -> pl.DataFrame:
    """Return what was logged, one row a decision and class; none of a model whose answers are no signals."""
    names = ("date", "venue", "symbol", "ts_ns", "features_hash")
    if not is_logged(spec):
        return pl.DataFrame(schema={name: dtype for name, dtype in ANSWERED.items() if name not in _TRUTH})
    named = log.select(*names, row_ids(spec, log), *_BPS.values())
    return pl.concat(
        named.select(
            *names,
            "row_id",
            pl.lit(LOGGED).alias("source"),
            pl.lit(SIGNAL_HEAD).alias("head"),
            pl.lit(regime).alias("class"),
            pl.col(column).cast(pl.Int64).alias("answer"),
        )
        for regime, column in _BPS.items()
    )


_TRUTH = {"recomputed_hash", "outcome"}
_BPS = {regime: f"{regime.lower()}_bps" for regime in REGIMES}
