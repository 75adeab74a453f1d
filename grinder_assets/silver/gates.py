"""The Silver asset of the gate stream: gates as integers, with what came before and after them."""

from datetime import date, timedelta

import dagster as dg
import polars as pl

from grinder_assets.checks import contract_check
from grinder_assets.keys import key_of
from grinder_assets.publish import DayCheck, DayPlan, Verdict, publish_days
from grinder_assets.tables import daily_asset, upstream_hashes
from grinder_resources.code_version import code_version
from grinder_resources.contracts.bronze import GATES, INGEST_LOG
from grinder_resources.contracts.gates import GATE_EVENTS, GATE_HORIZONS_MIN, GATE_LOOK_BACK_DAYS
from grinder_resources.dagster import LakeResource
from grinder_resources.lake import Lake

_CODE = code_version("gates", "contracts")


def _known_in_time(rows: pl.DataFrame, _day: date) -> Verdict:
    broken = {"looked ahead": pl.col("watermark_ns") > pl.col("ts_ns")}
    for minutes in GATE_HORIZONS_MIN:
        kept, ends = pl.col(f"roc_forward_{minutes}m_pct_x1e6"), pl.col(f"label_end_{minutes}m_ns")
        cut = pl.col(f"label_cut_{minutes}m") == 1
        broken[f"{minutes}m"] = (kept.is_null() != ends.is_null()) | (cut & kept.is_not_null())
    counts = rows.select(rule.sum().alias(name) for name, rule in broken.items()).row(0, named=True)
    return Verdict(not any(counts.values()), {"rows": rows.height, **counts})


KNOWN_IN_TIME = DayCheck(
    "known_in_time", "features look at gates up to their own, and a change has an end and is not cut", _known_in_time
)

_CHECKS = (contract_check(GATE_EVENTS), KNOWN_IN_TIME)


@daily_asset(GATE_EVENTS, code_version=_CODE, deps=[key_of(GATES.name), key_of(INGEST_LOG.name)], checks=_CHECKS)
def gate_events(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """Turn the gates of a day into events; a day is rebuilt when it turns out that the stream goes on after it."""
    store = lake.open()

    def upstream(day: date) -> dict[str, str]:
        hashes = upstream_hashes(store, [GATES], day - timedelta(days=GATE_LOOK_BACK_DAYS), day)
        return {**hashes, "the stream goes on": str(stream_goes_on(store, day))}

    def build(day: date) -> pl.DataFrame:
        from grinder_resources.gates.events import gate_events

        before = store.read_or_empty(GATES, day - timedelta(days=GATE_LOOK_BACK_DAYS), day - timedelta(days=1))
        return gate_events(store.read(GATES, day, day), before, day, goes_on=stream_goes_on(store, day))

    return publish_days(context, store, DayPlan(GATE_EVENTS, _CODE, upstream, build, _CHECKS))


def stream_goes_on(lake: Lake, day: date) -> bool:
    """Return whether every file that gave gates of the day gave gates of the next one too.

    A file that ends with the day was exported without the candles after midnight, whatever other files hold.
    """
    today, tomorrow = (_gate_files(lake, one) for one in (day, day + timedelta(days=1)))
    return bool(today) and today <= tomorrow


def _gate_files(lake: Lake, day: date) -> set[str]:
    stamp = lake.stamp(GATES.name, day)
    if stamp is None or not stamp.rows:
        return set()
    log = lake.read_or_empty(INGEST_LOG, day, day)
    return set(log.filter(pl.col("table") == GATES.name, pl.col("rows_out") > 0)["source"])


GATE_EVENT_ASSETS = [gate_events]
