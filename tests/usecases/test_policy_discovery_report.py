"""From the lake to rules on disk: tables, ledger, files and page agree, and the same discovery is no new try."""

import shutil
from datetime import date
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pytest

from grinder_assets.reports.policy_discovery import policy_discovery_report
from grinder_resources.cli import build_parser
from grinder_resources.contracts.gold_grid import GRID_SPACING, GRID_SWEEP
from grinder_resources.contracts.policy_discovery import POLICY_RETURNS, POLICY_RULES
from grinder_resources.contracts.table import Table
from grinder_resources.dagster import LakeResource, ModelStore, WarehouseResource
from grinder_resources.errors import ManifestRejected, NoData, PartitionMissing, UnknownName
from grinder_resources.evaluation.trials import trials_on
from grinder_resources.lake import Lake
from grinder_resources.learning.ledger import LEDGER_FILE, Ledger
from grinder_resources.usecases.policy_discovery.discovery import Discovery
from grinder_resources.usecases.policy_discovery.page import discovery_page
from grinder_resources.usecases.policy_discovery.policies import NAMES, POLICIES, Windows, windows_of
from grinder_resources.usecases.policy_discovery.report import FOLDER, policy_discovery, read_book, tries, write_book
from grinder_resources.usecases.policy_discovery.rules import CODES
from tests.usecases.policy_windows import windows

ROOT = Path(__file__).resolve().parents[2]
RULE = "spread_bps <= 30 AND range_60s_x1000 > 50"


def conformed(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows in a table's columns; whatever they lack is 0 where it must not be null."""
    default = {pl.Int64(): 0, pl.Boolean(): False, pl.String(): ""}
    lacking = [
        pl.lit(None if column.nullable else default[column.dtype], column.dtype).alias(column.name)
        for column in table.columns
        if column.name not in rows.columns
    ]
    return table.conform(rows.with_columns(lacking).select(table.schema.names()))


def starts_of(seen: Windows) -> pl.DataFrame:
    return conformed(
        GRID_SPACING,
        seen.frame.rename({"depth": "spread_bps", "swing": "range_60s_x1000"}).drop("speed"),
    )


def sweep_of(seen: Windows) -> pl.DataFrame:
    earned = [
        seen.frame.select("date", "venue", "symbol", "ts_ns", window_end_ns="label_end_ns").with_columns(
            grid=pl.lit(policy.grid), pnl_x1000=pl.Series(seen.pnl[:, NAMES.index(policy.name)])
        )
        for policy in POLICIES[1:]
    ]
    sizes = [pl.lit(1, pl.Int64).alias(name) for name in ("spacing_x1000", "levels", "size_units", "size_lots")]
    return conformed(GRID_SWEEP, pl.concat(earned).with_columns(sizes))


def land(lake: Lake, seen: Windows) -> None:
    for table, rows in ((GRID_SPACING, starts_of(seen)), (GRID_SWEEP, sweep_of(seen))):
        for day in rows["date"].unique().sort():
            lake.commit(table, rows.filter(pl.col("date") == day), day=day, code_version="1")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("policies")
    land(Lake(str(folder / "lake")), windows(4, planted=2_000))
    return folder


@pytest.fixture(scope="module")
def found(root: Path) -> Discovery:
    return policy_discovery(Lake(str(root / "lake")), root, "code")


def test_tables_say_what_the_book_says(root: Path, found: Discovery) -> None:
    """One row a rule and one a policy, in integers."""
    lake = Lake(str(root / "lake"))
    rules, returns = lake.read(POLICY_RULES), lake.read(POLICY_RETURNS)
    kept = rules.filter("kept").row(0, named=True)
    assert (kept["conditions"], kept["policy"], kept["default_policy"], kept["reasons"]) == (RULE, "wide", "pause", "")
    assert kept["later_lift_x1000"] == found.book.kept[0].later.lift_x1000
    assert rules.filter(~pl.col("kept"))["reasons"].unique().to_list() == ["SAME_AS_DEFAULT"]
    assert returns.filter("is_default")["policy"].to_list() == ["pause"]
    assert returns.filter(policy="pause")["later_pnl_x1000"].item() == 0


def test_a_discovery_is_one_try_however_often_it_is_made(root: Path, found: Discovery) -> None:
    """The ledger holds what following the tree blindly earned by the hour; making it again adds nothing."""
    again = policy_discovery(Lake(str(root / "lake")), root, "code")
    records = Ledger(root / LEDGER_FILE).read()
    trial = records[0].trial
    assert again == found
    assert len(records) == trials_on(records, GRID_SPACING.name).count == 1
    assert dict(zip(trial.blocks, trial.returns, strict=True)) == found.blind
    assert trial.blocks[0] // 24 == (date(2025, 1, 9) - date(1970, 1, 1)).days
    kept = found.book.kept[0].later
    assert abs(sum(found.blind.values()) - kept.lift_x1000 * kept.rows) <= kept.rows
    assert tries(root)["Discoveries on the ledger"].startswith("1:")


def test_rules_lie_on_disk_and_are_printed(root: Path, found: Discovery, capsys: pytest.CaptureFixture[str]) -> None:
    """What is written is what is read, by the command as well; a file that was edited is refused."""
    folder = root / "reports" / FOLDER
    write_book(folder, found.book)
    assert sorted(path.name for path in folder.iterdir()) == ["rules.json", "rules.txt"]
    assert read_book(folder / "rules.json") == found.book
    arguments = build_parser().parse_args(["policy-rules", "--reports", str(root / "reports")])
    assert arguments.run(arguments) == 0
    assert capsys.readouterr().out == (folder / "rules.txt").read_text()
    damaged = root / "damaged.json"
    damaged.write_bytes((folder / "rules.json").read_bytes().replace(b'"wide"', b'"tight"', 1))
    with pytest.raises(ManifestRejected):
        read_book(damaged)
    with pytest.raises(NoData):
        read_book(root / "nowhere.json")


def test_the_page_says_what_was_found(found: Discovery) -> None:
    """The sentence, the rule with its bounds, the reasons of the others, the tree, and nothing fetched."""
    html = discovery_page(found, {"Discoveries on the ledger": "1"})
    assert "1 of 3 rules hold out of sample: r02 (wide)." in html
    assert "spread_bps\N{NO-BREAK SPACE}\N{LESS-THAN OR EQUAL TO}\N{NO-BREAK SPACE}30" in html
    assert CODES["SAME_AS_DEFAULT"] in html
    assert "(ask - bid) / mid in bps, truncated" in html
    assert "|   |   wide  [r02, " in html
    assert "http" not in html


@pytest.mark.parametrize("landed", [True, False], ids=["windows", "none"])
def test_the_asset_ends_well_whatever_is_found(root: Path, tmp_path: Path, *, landed: bool) -> None:
    """Rules, text and page lie beside each other; where there is no window, the run says so and writes nothing."""
    for table in (GRID_SPACING, GRID_SWEEP):
        if landed:
            shutil.copytree(root / "lake" / table.name, tmp_path / "lake" / table.name)
        else:
            Lake(str(tmp_path / "lake")).commit(table, table.empty(), day=date(2025, 1, 6), code_version="1")
    places = {
        "lake": LakeResource(root=str(tmp_path / "lake")),
        "models": ModelStore(folder=str(tmp_path / "models")),
        "warehouse": WarehouseResource(pages=str(tmp_path / "pages")),
    }
    instance = dg.DagsterInstance.ephemeral(tempdir=str(tmp_path))
    run = dg.materialize([policy_discovery_report], instance=instance, resources=places)
    (made,) = run.asset_materializations_for_node("reports__policy_discovery_use_case")
    assert made.metadata["discovered"].value is landed
    assert str(made.metadata["headline"].value).startswith("1 of 3 rules" if landed else "NO_DATA")
    written = sorted(path.name for path in (tmp_path / "pages" / FOLDER).glob("*"))
    assert written == (["rules.json", "rules.txt", "use_case.html"] if landed else [])


def test_no_condition_names_an_instrument() -> None:
    """Sizes in lots are left out, and so is whatever no model sees."""
    asked = windows_of(starts_of(windows(5, days=1)), sweep_of(windows(5, days=1))).columns
    assert {"spread_bps", "natr_bps", "range_60s_x1000", "depth_imbalance_topN_bps"} < set(asked)
    assert [name for name in asked if name.endswith(("_lots", "_half_ticks", "_ns"))] == []


def test_windows_are_those_that_every_policy_was_simulated_in() -> None:
    """A window without one of the grids is left out; without a grid anywhere there is nothing to compare."""
    seen = windows(5, days=1)
    starts, sweep = starts_of(seen), sweep_of(seen)
    first = (pl.col("ts_ns") == seen.frame["ts_ns"][0]) & (pl.col("symbol") == "A")
    fewer = windows_of(starts, sweep.filter(~(first & (pl.col("grid") == "rules"))))
    assert fewer.frame.height == seen.frame.height - 1
    assert np.array_equal(windows_of(starts, sweep).pnl, seen.pnl)
    with pytest.raises(UnknownName, match="s5_l4_u1"):
        windows_of(starts, sweep.filter(pl.col("grid") != "s5_l4_u1"))


def test_without_windows_there_is_no_discovery(tmp_path: Path) -> None:
    """Tables that were never made, and days without a window, are told apart."""
    lake = Lake(str(tmp_path))
    with pytest.raises(PartitionMissing):
        policy_discovery(lake, tmp_path, "code")
    for table in (GRID_SPACING, GRID_SWEEP):
        lake.commit(table, table.empty(), day=date(2025, 1, 6), code_version="1")
    with pytest.raises(NoData):
        policy_discovery(lake, tmp_path, "code")


def test_every_reason_is_documented() -> None:
    """docs/usecases/policy_discovery.md holds each code with its sentence."""
    page = (ROOT / "docs" / "usecases" / "policy_discovery.md").read_text(encoding="utf-8")
    assert [code for code, text in CODES.items() if f"| `{code}` | {text} |" not in page] == []
