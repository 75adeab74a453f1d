"""The bot's fill model and what it is counted from: round trips, bins, files and verdicts, to the last byte."""

import argparse
import json
from datetime import date
from decimal import Decimal
from hashlib import sha1
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.contracts.bot_fills import ROUNDTRIPS, FillModel
from grinder_resources.contracts.bronze import INSTRUMENTS, ORDERS
from grinder_resources.contracts.instruments import Instrument
from grinder_resources.contracts.simulation import FILLS
from grinder_resources.errors import ArtifactRejected, ManifestRejected, NoData, SchemaMismatch
from grinder_resources.lake import Lake
from grinder_resources.usecases.bot_fill_model.command import add_parsers
from grinder_resources.usecases.bot_fill_model.dataset import read_roundtrips, write_roundtrips
from grinder_resources.usecases.bot_fill_model.evaluation import evaluate_fill_model
from grinder_resources.usecases.bot_fill_model.model import (
    bin_keys,
    fit_fill_model,
    manifest_bytes,
    model_bytes,
    read_fill_model,
    write_fill_model,
)
from grinder_resources.usecases.bot_fill_model.roundtrips import Fill, roundtrip_rows
from grinder_resources.usecases.bot_fill_model.sources import order_fills, simulated_fills

AT = "2026-02-15T01:20:31Z"
COIN = Instrument("demo", "A", Decimal("0.01"), Decimal("0.1"))


def fill(ts: int, side: str, price: str, quantity: str, *, fee: str = "0", symbol: str = "A") -> Fill:
    return Fill(ts, symbol, side, Decimal(price), Decimal(quantity), Decimal(fee))


def facts(rows: pl.DataFrame, *names: str) -> list[tuple[object, ...]]:
    return rows.select(names).rows()


def test_a_long_is_opened_added_to_and_closed() -> None:
    """3 at a mean of 101 and a third, sold at 105: 11 less fees of 0.5; every column of the row."""
    fills = [
        fill(1_000, "BUY", "100", "1", fee="0.1"),
        fill(2_000, "BUY", "102", "2", fee="0.2"),
        fill(62_000, "SELL", "105", "3", fee="0.2"),
    ]
    mean = "101.3333333333333333333333333"
    assert roundtrip_rows(fills).row(0, named=True) == {
        "row_id": sha1(f"A|long|1000|62000|{mean}|105|3".encode(), usedforsecurity=False).hexdigest(),
        "symbol": "A",
        "direction": "long",
        "entry_ts": 1_000,
        "entry_price": 101.33333333333333,
        "entry_qty": 3.0,
        "entry_fee": 0.3,
        "entry_fill_count": 2,
        "exit_ts": 62_000,
        "exit_price": 105.0,
        "exit_qty": 3.0,
        "exit_fee": 0.2,
        "exit_fill_count": 1,
        "realized_pnl": 11.0,
        "net_pnl": 10.5,
        "pnl_bps": 345,
        "holding_time_ms": 61_000,
        "notional": 304.0,
        "outcome": "win",
        "source": "paper",
        "dataset_version": "v1",
    }


def test_a_short_gains_when_it_is_bought_back_lower() -> None:
    """Sold at 100, bought at 98 in two fills; the fees eat it all."""
    fills = [fill(1, "SELL", "100", "2"), fill(2, "BUY", "98", "1", fee="2"), fill(3, "BUY", "98", "1", fee="2")]
    names = ("direction", "realized_pnl", "net_pnl", "pnl_bps", "outcome", "exit_fill_count")
    assert facts(roundtrip_rows(fills), *names) == [("short", 4.0, 0.0, 0, "breakeven", 2)]


def test_what_is_closed_beyond_the_position_opens_nothing() -> None:
    """As in the bot: 5 sold out of 2 count in the exit, the gain is that of 2, and the next buy opens a long."""
    fills = [
        fill(1, "BUY", "100", "2"),
        fill(2, "SELL", "101", "5"),
        fill(3, "BUY", "90", "1"),
        fill(4, "SELL", "80", "1"),
    ]
    names = ("direction", "entry_qty", "exit_qty", "realized_pnl", "outcome")
    assert facts(roundtrip_rows(fills), *names) == [("long", 2.0, 5.0, 2.0, "win"), ("long", 1.0, 1.0, -10.0, "loss")]


def test_symbols_do_not_meet_and_open_positions_give_no_row() -> None:
    """A's long is no match for B's sale."""
    assert roundtrip_rows([fill(1, "BUY", "1", "1"), fill(2, "SELL", "1", "1", symbol="B")]).equals(
        pl.DataFrame(schema=ROUNDTRIPS)
    )


def rows(*trips: tuple[str, float, int, int, str]) -> pl.DataFrame:
    """Return round trips of (direction, notional, entry fills, holding ms, outcome)."""
    names = ("direction", "notional", "entry_fill_count", "holding_time_ms", "outcome")
    zero = {name: "" if dtype == pl.String() else 0 for name, dtype in ROUNDTRIPS.items()}
    return pl.DataFrame([zero | dict(zip(names, trip, strict=True)) for trip in trips], schema=ROUNDTRIPS, orient="row")


def test_buckets_hold_their_upper_end() -> None:
    """100 is in the first, a cent more in the second; the same for milliseconds; fills are one to three."""
    trips = rows(
        ("long", 100.0, 1, 1_000, "win"),
        ("long", 100.01, 2, 1_001, "win"),
        ("short", 5_000.0, 3, 300_000, "loss"),
        ("short", 5_000.01, 9, 300_001, "loss"),
        ("short", 500.0, 0, 10_000, "loss"),
    )
    assert bin_keys(trips).to_list() == ["long|0|1|0", "long|1|2|1", "short|3|3|3", "short|4|3|4", "short|1|1|1"]


TRIPS = rows(
    ("long", 50.0, 1, 500, "win"),
    ("long", 50.0, 1, 500, "win"),
    ("long", 50.0, 1, 500, "breakeven"),
    ("short", 2_000.0, 2, 90_000, "loss"),
)

GOLDEN = """{
  "bins": {
    "long|0|1|0": 6667,
    "short|3|2|3": 0
  },
  "bucket_thresholds": {
    "holding_ms": [
      1000,
      10000,
      60000,
      300000
    ],
    "max_fill_count": 3,
    "notional": [
      100,
      500,
      1000,
      5000
    ]
  },
  "global_prior_bps": 5000,
  "n_train_rows": 4,
  "schema_version": "fill_model_v0"
}
"""


def test_the_model_counts_wins_and_nothing_else() -> None:
    """2 of 3 are 6,667 bps; a breakeven is no win; what was never seen gets the share of all rows."""
    model = fit_fill_model(TRIPS)
    assert model_bytes(model).decode() == GOLDEN
    assert [model.predict_bps(key) for key in ("long|0|1|0", "short|3|2|3", "long|4|3|4")] == [6_667, 0, 5_000]
    assert fit_fill_model(TRIPS.clear()) == FillModel({}, 5_000, 0)


def test_the_manifest_names_the_models_bytes() -> None:
    """With the sha256 of the golden text."""
    assert json.loads(manifest_bytes(fit_fill_model(TRIPS), AT)) == {
        "schema_version": "fill_model_v0",
        "model_file": "model.json",
        "created_at_utc": AT,
        "n_train_rows": 4,
        "global_prior_bps": 5_000,
        "n_bins": 2,
        "sha256": {"model.json": "d62b33f4ff3943322061f252ee5d3b2ae88c4164099f4fc6bbcb1472983180bb"},
    }


@given(
    st.dictionaries(st.text("longshrt|01234", max_size=9), st.integers(0, 10_000), max_size=5), st.integers(0, 10_000)
)
def test_a_model_that_was_written_reads_the_same(
    tmp_path_factory: pytest.TempPathFactory, bins: dict[str, int], prior: int
) -> None:
    """For any bins."""
    folder = tmp_path_factory.mktemp("model") / "fill_model_v0"
    model = FillModel(bins, prior, 9)
    write_fill_model(folder, model, AT)
    assert read_fill_model(folder) == model


@pytest.mark.parametrize(
    ("touch", "error", "words"),
    [
        (("model.json", "6667", "6668"), ArtifactRejected, "differ from its manifest"),
        (("manifest.json", '"n_bins": 2', '"n_bins": 3'), ManifestRejected, "n_bins is not the model's"),
        (("manifest.json", "fill_model_v0", "fill_model_v1"), ManifestRejected, "schema_version has no reader"),
        (("manifest.json", '"n_bins": 2,', ""), ManifestRejected, "a field is missing"),
    ],
)  # fmt: skip
def test_a_model_that_was_touched_is_refused(
    tmp_path: Path, touch: tuple[str, str, str], error: type[Exception], words: str
) -> None:
    """Whatever of it: the line says which rule was broken."""
    folder = tmp_path / "fill_model_v0"
    write_fill_model(folder, fit_fill_model(TRIPS), AT)
    file, old, new = touch
    path = folder / file
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(error, match=words):
        read_fill_model(folder)


def test_a_probability_beyond_certainty_is_no_probability() -> None:
    """Nor is a bin without a row a bin."""
    with pytest.raises(ManifestRejected, match="within 0 and 10,000"):
        FillModel({"a": 10_001}, 5_000, 1)
    with pytest.raises(ManifestRejected, match="holds a row"):
        FillModel({"a": 1, "b": 2}, 5_000, 1)


def test_round_trips_come_back_from_their_folder(tmp_path: Path) -> None:
    """Rows in their order, under a manifest that names columns, count and sha256."""
    folder = tmp_path / "fill_outcomes_v1"
    write_roundtrips(folder, TRIPS, created_at=AT, source="paper")
    assert read_roundtrips(folder).equals(TRIPS)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert {name: manifest[name] for name in ("dataset_id", "source", "row_count", "created_at_utc")} == {
        "dataset_id": "fill_outcomes_v1", "source": "paper", "row_count": 4, "created_at_utc": AT
    }  # fmt: skip
    assert manifest["columns"] == ROUNDTRIPS.names()
    assert len(ROUNDTRIPS) == 21


def test_round_trips_that_are_none_are_refused(tmp_path: Path) -> None:
    """Other bytes, another count, another direction, other columns."""
    folder = tmp_path / "fill_outcomes_v1"
    write_roundtrips(folder, TRIPS, created_at=AT, source="paper")
    whole = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(whole.replace('"row_count": 4', '"row_count": 5'))
    with pytest.raises(ManifestRejected, match="row_count is not the number of rows"):
        read_roundtrips(folder)
    (folder / "manifest.json").write_text(whole)
    (folder / "data.parquet").write_bytes((folder / "data.parquet").read_bytes() + b" ")
    with pytest.raises(ArtifactRejected, match="differ from its manifest"):
        read_roundtrips(folder)
    with pytest.raises(SchemaMismatch, match="no such direction"):
        write_roundtrips(tmp_path / "b", TRIPS.with_columns(direction=pl.lit("up")), created_at=AT, source="paper")
    with pytest.raises(SchemaMismatch, match="no round trips"):
        write_roundtrips(tmp_path / "c", TRIPS.drop("source"), created_at=AT, source="paper")
    assert not (tmp_path / "b").exists()


def test_thresholds_are_swept_and_the_lowest_of_the_best_is_recommended() -> None:
    """At 0 all pass, 2 wins; from 100 the loss is blocked, worth 2; above 6,667 all are, two of them no wins: 4."""
    report = evaluate_fill_model(fit_fill_model(TRIPS), TRIPS)
    sweep = {row["threshold_bps"]: row for row in report["threshold_sweep"]}
    assert len(sweep) == 101
    assert sweep[100] == {
        "threshold_bps": 100, "tp": 2, "fp": 1, "tn": 1, "fn": 0,
        "precision_pct": 66.67, "recall_pct": 100.0, "f1_pct": 80.0, "block_rate_pct": 25.0, "cost_score": 4.0,
    }  # fmt: skip
    assert (sweep[0]["cost_score"], sweep[6_700]["cost_score"]) == (2.0, 4.0)
    assert report["recommended_threshold_bps"] == 100
    assert [report[name] for name in ("n_rows", "n_wins", "n_losses", "n_breakeven")] == [4, 2, 1, 1]


def test_what_an_avoided_loss_is_worth_moves_the_threshold() -> None:
    """Worth a tenth of a gain, the two rows that are no gains are not worth blocking both gains for; worth five, 10."""
    model = fit_fill_model(TRIPS)
    cheap, dear = (evaluate_fill_model(model, TRIPS, cost_ratio=ratio) for ratio in (0.1, 5.0))
    assert [report["threshold_sweep"][67]["cost_score"] for report in (cheap, dear)] == [0.2, 10.0]
    assert [report["recommended_threshold_bps"] for report in (cheap, dear)] == [100, 6_700]


def test_on_its_own_rows_a_model_is_never_off_on_others_it_may_be() -> None:
    """By construction; a round trip of a bin it never saw is compared with the prior."""
    model = fit_fill_model(TRIPS)
    assert evaluate_fill_model(model, TRIPS)["calibration_max_error_bps"] == 0
    other = evaluate_fill_model(model, rows(("long", 9_999.0, 1, 1, "win"), ("long", 50.0, 1, 1, "win")))
    assert other["calibration"][1] == {
        "bin_key": "long|4|1|0", "predicted_bps": 5_000, "actual_bps": 10_000, "n_samples": 1, "error_bps": 5_000
    }  # fmt: skip
    assert other["calibration_well_calibrated"] is False


def test_simulated_fills_are_turned_into_the_bots_units() -> None:
    """10,000 ticks of a cent, 5 lots of a tenth; a fee of 2,500,000 micros is 2.5 ticks x lots, 0.0025."""
    fills = pl.DataFrame(
        {
            "episode": 0, "fill": [0, 1], "ts_ns": [1_999_999, 5_000_000], "line": -1, "side": [1, -1],
            "price_ticks": [10_000, 10_010], "size_lots": 5, "is_maker": True, "fee_micros": 2_500_000,
            "position_lots": [5, 0],
        },
        schema=FILLS.schema,
    )  # fmt: skip
    names = ("entry_ts", "entry_price", "entry_qty", "entry_fee", "exit_ts", "exit_price", "net_pnl", "pnl_bps")
    made = roundtrip_rows(simulated_fills(fills, COIN), source="backtest")
    assert facts(made, *names) == [(1, 100.0, 0.5, 0.0025, 5, 100.1, 0.045, 9)]


def events(*told: tuple[int, str, str, int, int, int | None]) -> pl.DataFrame:
    """Return bronze/orders of (ms, order, event, side, filled lots, fill ticks), all of 10 lots at 10,000."""
    fixed = {
        "date": date(1970, 1, 1),
        "venue": "demo",
        "symbol": "A",
        "recv_ns": None,
        "size_lots": 10,
        "price_ticks": 10_000,
    }
    names = ("ts_ns", "order_id", "event", "side", "filled_lots", "fill_ticks")
    named = [fixed | dict(zip(names, row, strict=True)) | {"seq": seq} for seq, row in enumerate(told)]
    return pl.DataFrame(named, schema=ORDERS.schema, orient="row").with_columns(pl.col("ts_ns") * 1_000_000)


BOUGHT_AND_SOLD = events(
    (1, "b", "placed", 1, 0, None),
    (2, "b", "part", 1, 4, 9_999),
    (3, "b", "filled", 1, 10, 10_000),
    (4, "s", "placed", -1, 0, None),
    (9, "s", "filled", -1, 10, 10_100),
    (5, "x", "filled", -1, 10, 10_000),
)


def test_real_orders_fill_by_what_they_have_grown() -> None:
    """4 and 6 lots; an order that was never placed is no evidence of anything."""
    fills = list(order_fills(BOUGHT_AND_SOLD, {("demo", "A"): COIN}))
    assert [(f.ts, f.side, f.price, f.quantity) for f in fills] == [
        (2, "BUY", Decimal("99.99"), Decimal("0.4")),
        (3, "BUY", Decimal("100.00"), Decimal("0.6")),
        (9, "SELL", Decimal("101.00"), Decimal("1.0")),
    ]


def test_the_command_writes_round_trips_and_model_from_the_lake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And reads the bot's own; a lake whose orders closed nothing is refused in one line."""
    day, lake = date(1970, 1, 1), Lake(str(tmp_path / "lake"))
    unit = {"date": day, "venue": "demo", "symbol": "A", "tick_size": "0.01", "lot_size": "0.1", "session": "24x7"}
    lake.commit(INSTRUMENTS, pl.DataFrame([unit], schema=INSTRUMENTS.schema), day=day, code_version="1", upstream={})
    lake.commit(ORDERS, ORDERS.conform(BOUGHT_AND_SOLD), day=day, code_version="1", upstream={})
    assert run("--out", str(tmp_path / "bot"), "--data", str(tmp_path)) == 0
    trips = tmp_path / "bot" / "fill_outcomes_v1"
    assert facts(read_roundtrips(trips), "outcome", "source", "pnl_bps") == [("win", "export", 100)]
    assert read_fill_model(tmp_path / "bot" / "fill_model_v0").bins == {"long|0|2|0": 10_000}
    assert run("--out", str(tmp_path / "again"), "--dataset", str(trips), "--judge", str(trips)) == 0
    report = json.loads((tmp_path / "again" / "fill_model_eval_v0" / "eval_report.json").read_bytes())
    assert (report["n_rows"], len(report["model_manifest_sha256"])) == (1, 64)
    assert "1 bins of 1 round trips, 100 % of which gained something" in capsys.readouterr().out
    lake.commit(ORDERS, ORDERS.empty(), day=day, code_version="2", upstream={})
    with pytest.raises(NoData, match="no round trip to count"):
        run("--out", str(tmp_path / "none"), "--data", str(tmp_path))


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    add_parsers(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["export-fill-model", *words])
    return int(arguments.run(arguments))
