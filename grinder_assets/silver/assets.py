"""Silver assets: bars, snapshots and level events of a day, and one asset a feature version."""

from collections.abc import Mapping
from datetime import date, timedelta

import dagster as dg
import polars as pl

from grinder_assets.checks import contract_check
from grinder_assets.keys import key_of
from grinder_assets.publish import DayPlan, publish_days
from grinder_assets.silver.checks import LABELS_AFTER_FEATURES, LABELS_AGREE, NOTHING_AFTER_T1, ONE_ROW_A_SECOND
from grinder_assets.tables import daily_asset, upstream_hashes
from grinder_resources.code_version import code_version
from grinder_resources.contracts.bronze import DEPTH, INSTRUMENTS, QUOTES, TRADES
from grinder_resources.contracts.events import LEVEL_EVENTS
from grinder_resources.contracts.instruments import Instrument, instruments_of
from grinder_resources.contracts.silver import BARS, SNAPSHOTS
from grinder_resources.contracts.table import Table
from grinder_resources.dagster import LakeResource
from grinder_resources.features.manifest import feature_table, load_manifest, versions
from grinder_resources.lake import Lake
from grinder_resources.market.minutes import LOOK_BACK_DAYS

_MARKET = code_version("market", "contracts")
_FEATURES = code_version("market", "features", "contracts")


def _keys(*tables: Table) -> list[dg.AssetKey]:
    return [key_of(table.name) for table in tables]


def _instruments(lake: Lake, day: date) -> Mapping[tuple[str, str], Instrument]:
    return instruments_of(lake.read(INSTRUMENTS, day, day))


def _bars_before(lake: Lake, day: date) -> pl.DataFrame:
    """Return the bars of the look-back.

    The graph declares the same day only. A partition mapping with an offset would also tell a backfill that seven days
    *after* the last one asked for have to be made, days that have no data yet. Which earlier days a day was built on
    stands in its commit, so a day that gains history is rebuilt the next time it is materialised.
    """
    return lake.read_or_empty(BARS, day - timedelta(days=LOOK_BACK_DAYS), day - timedelta(days=1))


def _hashes(lake: Lake, day: date, *tables: Table) -> dict[str, str]:
    """Return the hashes of the day in `tables`, and of every earlier day of bars within the look-back."""
    earlier = upstream_hashes(lake, [BARS], day - timedelta(days=LOOK_BACK_DAYS), day)
    return {**upstream_hashes(lake, tables, day, day), **earlier}


@daily_asset(BARS, code_version=_MARKET, deps=_keys(TRADES, QUOTES), checks=[contract_check(BARS)])
def bars(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """Build one-minute bars of mid and volume."""
    store = lake.open()

    def build(day: date) -> pl.DataFrame:
        from grinder_resources.market.bars import build_bars

        return build_bars(store.read(QUOTES, day, day), store.read(TRADES, day, day))

    plan = DayPlan(
        BARS, _MARKET, lambda day: upstream_hashes(store, [TRADES, QUOTES], day, day), build, [contract_check(BARS)]
    )
    return publish_days(context, store, plan)


_SNAPSHOT_INPUTS = (TRADES, QUOTES, DEPTH, INSTRUMENTS)
_SNAPSHOT_CHECKS = (contract_check(SNAPSHOTS), ONE_ROW_A_SECOND)


@daily_asset(SNAPSHOTS, code_version=_MARKET, deps=_keys(*_SNAPSHOT_INPUTS), checks=_SNAPSHOT_CHECKS)
def snapshots(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """Build one-second snapshots of all instruments in one pass."""
    store = lake.open()

    def build(day: date) -> pl.DataFrame:
        from grinder_resources.market.snapshots import build_snapshots

        quotes, trades, depth = (store.read(table, day, day) for table in (QUOTES, TRADES, DEPTH))
        return build_snapshots(quotes, trades, depth, _instruments(store, day), day)

    plan = DayPlan(
        SNAPSHOTS, _MARKET, lambda day: upstream_hashes(store, _SNAPSHOT_INPUTS, day, day), build, _SNAPSHOT_CHECKS
    )
    return publish_days(context, store, plan)


_EVENT_CHECKS = (contract_check(LEVEL_EVENTS), LABELS_AGREE, LABELS_AFTER_FEATURES)


@daily_asset(LEVEL_EVENTS, code_version=_MARKET, deps=_keys(QUOTES, BARS, INSTRUMENTS), checks=_EVENT_CHECKS)
def level_events(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """Find touches of levels and label them by first passage."""
    store = lake.open()

    def build(day: date) -> pl.DataFrame:
        from grinder_resources.market import level_events as market

        bars_today, instruments = store.read(BARS, day, day), _instruments(store, day).values()
        events, counts = market.level_events(
            store.read(QUOTES, day, day), bars_today, _bars_before(store, day), instruments, day
        )
        context.log.info(f"{day}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
        return events

    plan = DayPlan(LEVEL_EVENTS, _MARKET, lambda day: _hashes(store, day, QUOTES, INSTRUMENTS), build, _EVENT_CHECKS)
    return publish_days(context, store, plan)


_FEATURE_INPUTS = (LEVEL_EVENTS, QUOTES, TRADES, DEPTH, INSTRUMENTS)


def feature_asset(version: str) -> dg.AssetsDefinition:
    """Return the asset of one feature version, as its manifest declares it."""
    manifest, table = load_manifest(version), feature_table(version)
    checks = (contract_check(table), LABELS_AGREE, LABELS_AFTER_FEATURES, NOTHING_AFTER_T1)
    inputs = (*_FEATURE_INPUTS, SNAPSHOTS) if manifest.reads_snapshots else _FEATURE_INPUTS

    @daily_asset(table, code_version=_FEATURES, deps=_keys(*inputs, BARS), checks=checks)
    def features(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
        store = lake.open()

        def build(day: date) -> pl.DataFrame:
            from grinder_resources.features.build import build_features

            events, quotes, trades, depth = (store.read(table, day, day) for table in _FEATURE_INPUTS[:4])
            return build_features(
                manifest,
                events,
                quotes=quotes,
                trades=trades,
                depth=depth,
                bars_today=store.read(BARS, day, day),
                bars_before=_bars_before(store, day),
                instruments=_instruments(store, day).values(),
                day=day,
                snapshots=store.read(SNAPSHOTS, day, day) if manifest.reads_snapshots else None,
            )

        plan = DayPlan(table, _FEATURES, lambda day: _hashes(store, day, *inputs), build, checks)
        return publish_days(context, store, plan)

    return features


SILVER_ASSETS = [bars, snapshots, level_events, *(feature_asset(version) for version in versions())]
