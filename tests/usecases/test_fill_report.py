"""The fill report: the product-limit estimate and costs worked out by hand, the whole of it from a small lake."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from grinder_assets.gold.fill_probability import fill_probability
from grinder_assets.reports.fill_probability import fill_probability_report
from grinder_resources.contracts.bronze import INSTRUMENTS, ORDERS, QUOTES, TRADES
from grinder_resources.contracts.fill_report import FILL_COSTS, FILL_REPORT
from grinder_resources.contracts.gold_fills import FILL_DATASET
from grinder_resources.contracts.silver import BARS, SNAPSHOTS
from grinder_resources.contracts.simulation import Costs
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.errors import NoData, PartitionMissing
from grinder_resources.evaluation.reports import walk_forward_report
from grinder_resources.lake import Lake
from grinder_resources.learning.fills import FILL_HEADS
from grinder_resources.learning.model_spec import BoosterParams
from grinder_resources.learning.specs import FILL_PROBABILITY
from grinder_resources.usecases.fill_probability.costs import fill_costs
from grinder_resources.usecases.fill_probability.page import fill_page
from grinder_resources.usecases.fill_probability.plots import fill_png
from grinder_resources.usecases.fill_probability.report import fill_report
from grinder_resources.usecases.fill_probability.survival import fill_survival
from grinder_resources.usecases.fill_probability.words import sentence, worth
from tests.usecases.fill_gold import MOMENTS, fill_day, land

SMALL = replace(FILL_PROBABILITY, heads=FILL_HEADS[2:4], params=BoosterParams(eta=0.3, rounds=6, min_child_weight=5.0))
"""Two of the questions are enough for a report."""
NO_FEES = Costs(maker_fee_ppm=0, taker_fee_ppm=0)
HOUR_NS = 3_600_000_000_000
DAYS = 4


def orders(*rows: dict[str, Any]) -> pl.DataFrame:
    """Return answered orders of which only what is said matters."""
    fixed = {"venue": "demo", "symbol": "A", "source": "probe", "side": 1, "spread_bps_x1000": 2_000}
    named = [{"order_id": f"{number}", **fixed, **row} for number, row in enumerate(rows)]
    return pl.DataFrame(named, infer_schema_length=None)


def test_the_share_filled_is_the_product_of_what_stays() -> None:
    """Of four orders one fills in second 2, one is lost from sight after 3, one fills in 5: 1/4, then 1 - 3/4 x 1/2."""
    times = [(1_500, 300_000), (None, 3_900), (5_000, 300_000), (None, 300_000)]
    rows = [
        {"band_bps": 3, "ts_ns": number * HOUR_NS, "time_to_fill_ms": filled, "label_watched_ms": watched}
        for number, (filled, watched) in enumerate(times)
    ]
    found = fill_survival(orders(*rows))
    shares = dict(found.select("second", "filled").iter_rows())
    assert [shares[second] for second in (1, 2, 4, 5, 300)] == [0.0, 0.25, 0.25, 0.625, 0.625]
    assert found.filter(pl.col("second") == 4).select("at_risk", "fills").row(0) == (2, 0)
    assert found["filled_low"].null_count() == found.height


def asked(day: int, bps: int, *, filled: bool, said: float, cross: int = 1_000) -> dict[str, Any]:
    """Return an order of a day; without a fill the market takes `cross` later."""
    return {
        "date": date(2025, 1, 6 + day), "ts_ns": day * 24 * HOUR_NS,
        "asked_bps": bps, "distance_bps_x1000": 1_000 * bps,
        "filled_60s": int(filled), "said_60s": said, "reference_60s": 0.5, "label_cross_60s_x1000": cross,
    }  # fmt: skip


def test_costs_are_what_a_fill_or_the_market_takes_against_the_mid() -> None:
    """Day one teaches that 5 bps fill. Day two rests there in vain and pays 3; the market would have taken 1."""
    taught = [asked(0, 1, filled=False, said=0.5, cross=4_000), asked(0, 5, filled=True, said=0.5)]
    traded = [asked(1, 1, filled=True, said=1.0), asked(1, 5, filled=False, said=0.0, cross=3_000)]
    costs = fill_costs(orders(*taught, *traded), NO_FEES)
    by_policy = {row["policy"]: row for row in costs.iter_rows(named=True)}
    assert by_policy["fixed"]["cost_bps"] == 3.0
    assert by_policy["market"]["cost_bps"] == 1.0
    assert by_policy["market"]["saved_bps"] == 2.0
    assert (by_policy["fixed"]["filled"], by_policy["fixed"]["distance_bps"]) == (0.0, 5.0)
    assert [row["orders"] for row in by_policy.values()] == [1, 1, 1, 1]


def test_fees_are_paid_by_whoever_rests_and_whoever_takes() -> None:
    """2 bps and 4 bps."""
    every = [asked(day, 1, filled=day == 1, said=0.5) for day in range(2)]
    by_policy = {row["policy"]: row for row in fill_costs(orders(*every), Costs()).iter_rows(named=True)}
    assert by_policy["fixed"]["cost_bps"] == 2.0 - 1.0
    assert by_policy["market"]["cost_bps"] == 1.0 + 4.0


def test_one_day_of_orders_teaches_and_trades_nothing() -> None:
    """Nothing was known before it."""
    assert fill_costs(orders(asked(0, 1, filled=True, said=0.5)), NO_FEES).equals(FILL_COSTS.empty())


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a lake with the walk-forward of a small model of made-up orders."""
    root = tmp_path_factory.mktemp("fills")
    walk_forward_report(SMALL, land(root, DAYS), root / "models", code_version="1", facts={})
    return root


def test_the_report_is_made_once_and_read_back(root: Path) -> None:
    """Shares of every out-of-fold order by distance, curves that rise, and a page that says what follows."""
    lake = land(root, DAYS)
    made, again = fill_report(lake, "1"), fill_report(lake, "1")
    assert (made.rebuilt, again.rebuilt) == (True, False)
    for table, rows in zip(FILL_REPORT, (again.shares, again.survival, again.costs), strict=True):
        assert lake.read(table).equals(rows)
    near = made.shares.filter(pl.col("by") == "distance", pl.col("group") == "1", pl.col("horizon_s") == 60)
    days = [fill_day(number) for number in range(2, DAYS)]
    happened = pl.concat(days).filter(pl.col("asked_bps") == 1)["filled_60s"]
    assert near.select("rows", "observed").row(0) == (len(days) * MOMENTS, pytest.approx(happened.mean()))
    rises = made.survival.select((pl.col("filled").diff().over("band_bps") >= 0).all()).item()
    assert rises
    html = fill_page(made, {"Data": "made up"})
    assert all(text in html for text in (sentence(made), worth(made), "made up", "<svg"))
    assert fill_png(made).startswith(b"\x89PNG")


def test_without_fees_every_choice_costs_less(root: Path) -> None:
    """Other fees make the report again: to take the market at once is cheaper by the taker's 4 bps without any."""
    lake = land(root, DAYS)
    dear, free = fill_report(lake, "1"), fill_report(lake, "1", trading=NO_FEES)
    assert free.rebuilt
    paid, unpaid = (report.costs.filter(pl.col("policy") == "market")["cost_bps"].item() for report in (dear, free))
    assert paid - unpaid == pytest.approx(4.0)


def run(asset: dg.AssetsDefinition, lake: Lake, folder: Path, partition: str | None = None) -> dict[str, Any]:
    """Materialize an asset; return what it shows, or an empty record where it failed."""
    result = dg.materialize(
        [asset],
        partition_key=partition,
        instance=dg.DagsterInstance.ephemeral(tempdir=str(folder)),
        raise_on_error=False,
        resources={
            "lake": LakeResource(root=lake.root),
            "models": ModelStore(folder=str(folder / "models")),
            "warehouse": WarehouseResource(pages=str(folder / "reports")),
        },
    )
    events = result.get_asset_materialization_events()
    return {name: value.value for name, value in events[-1].materialization.metadata.items()} if events else {}


def test_the_asset_writes_the_page_and_says_what_it_is_worth(root: Path, tmp_path: Path) -> None:
    """What the run shows is what the page leads with."""
    shown = run(fill_probability_report, Lake(str(root / "lake")), tmp_path)
    page = tmp_path / "reports" / "fill_probability" / "use_case.html"
    assert shown["page"] == str(page)
    assert shown["worth"] in page.read_text(encoding="utf-8")


def test_without_a_walk_forward_there_is_nothing_to_report(tmp_path: Path) -> None:
    """The line says which table is missing; where too few days were answered the run ends well and says so."""
    lake = land(tmp_path, days=1)
    with pytest.raises(PartitionMissing, match="reports/predictions/fill_probability"):
        fill_report(lake, "1")
    walk_forward_report(SMALL, lake, tmp_path / "models", code_version="1", facts={})
    with pytest.raises(NoData, match="answered out of fold"):
        fill_report(lake, "1")
    shown = run(fill_probability_report, lake, tmp_path)
    assert shown["reported"] is False
    assert "no order was answered out of fold" in shown["headline"]


def test_orders_of_a_day_are_built_once_and_again_with_the_first_real_one(tmp_path: Path) -> None:
    """A lake that has no table of real orders is no worse for it; a day whose orders came is another day."""
    day, lake = date(2025, 3, 3), Lake(str(tmp_path / "lake"))
    unit = {"date": day, "venue": "demo", "symbol": "A", "tick_size": "0.01", "lot_size": "0.1", "session": "24x7"}
    units = pl.DataFrame([unit], schema=INSTRUMENTS.schema)
    for table, rows in ((INSTRUMENTS, units), *((table, table.empty()) for table in (SNAPSHOTS, BARS, QUOTES, TRADES))):
        lake.commit(table, rows, day=day, code_version="1", upstream={})

    def built() -> str:
        assert run(fill_probability, lake, tmp_path, day.isoformat())
        return lake.stamps(FILL_DATASET.name)[day.isoformat()].fingerprint

    without = built()
    assert built() == without
    lake.commit(ORDERS, ORDERS.empty(), day=day, code_version="1", upstream={})
    assert built() != without
