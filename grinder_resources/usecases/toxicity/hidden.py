"""The demo market's hidden regime at a minute and over the next one; real markets have none to compare with.

It decides volatility, spread and flow at once, and the model never sees it: neither in training nor here.
"""

from pathlib import Path

import polars as pl

from grinder_resources.contracts.gold_toxicity import PREDICTION_HORIZON_S
from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.hashing import sha256_facts, sha256_file
from grinder_resources.simulation.demo_market import TRUTH_FOLDER

DEMO_VENUE = "demo"
_FILES = "demo_regime_*.parquet"
_PREFIX_PARTS = 3
_HORIZON_NS = PREDICTION_HORIZON_S * NS_PER_SECOND
_MOST = PREDICTION_HORIZON_S // 2

HIDDEN_SCHEMA = pl.Schema(
    {
        "venue": pl.String(),
        "symbol": pl.String(),
        "ts_ns": pl.Int64(),
        "hidden": pl.String(),
        "hidden_next": pl.String(),
        "enters_high": pl.Boolean(),
        "informed_next": pl.Boolean(),
    }
)


def hidden_sha256(landing: Path) -> str:
    """Return one hash over the truth files of a landing folder, that of nothing if there are none."""
    return sha256_facts([[path.name, sha256_file(path)] for path in _files(landing)])


def hidden_minutes(landing: Path) -> pl.DataFrame:
    """Return the hidden regime of every whole minute of the truth files, in HIDDEN_SCHEMA; no rows if there are none.

    `hidden` is the regime at ts_ns, `hidden_next` the one of more than half of the seconds after it up to a minute
    later, MID if there is none; `enters_high` is whether it is not HIGH at ts_ns and HIGH in any of those seconds, and
    `informed_next` whether an informed trader is at work in more than half of them.
    """
    made = [pl.DataFrame(schema=HIDDEN_SCHEMA), *(_minutes(path) for path in _files(landing))]
    return pl.concat(made).sort("venue", "symbol", "ts_ns")


def _files(landing: Path) -> list[Path]:
    return sorted((landing / TRUTH_FOLDER).glob(_FILES))


def _minutes(path: Path) -> pl.DataFrame:
    seconds = pl.read_parquet(path)
    symbol = path.stem.split("_", maxsplit=_PREFIX_PARTS)[_PREFIX_PARTS]
    after = seconds.with_columns(ts_ns=(pl.col("ts_ns") - 1) // _HORIZON_NS * _HORIZON_NS)
    low, high = ((pl.col("regime") == name).sum() for name in ("LOW", "HIGH"))
    informed = (pl.col("informed") != 0).sum()
    counted = after.group_by("ts_ns").agg(
        low.alias("low"), high.alias("high"), informed.alias("informed_seconds"), pl.len().alias("seconds")
    )
    whole = counted.filter(pl.col("seconds") == PREDICTION_HORIZON_S)
    following = pl.when(pl.col("high") > _MOST).then(pl.lit("HIGH")).when(pl.col("low") > _MOST).then(pl.lit("LOW"))
    return seconds.join(whole, on="ts_ns").select(
        pl.lit(DEMO_VENUE).alias("venue"),
        pl.lit(symbol).alias("symbol"),
        "ts_ns",
        pl.col("regime").alias("hidden"),
        following.otherwise(pl.lit("MID")).alias("hidden_next"),
        ((pl.col("regime") != "HIGH") & (pl.col("high") > 0)).alias("enters_high"),
        (pl.col("informed_seconds") > _MOST).alias("informed_next"),
    )
