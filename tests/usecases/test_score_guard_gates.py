"""The gate heuristic trades at the next gate's price, in exact money; the guard is asked before each trade."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from grinder_resources.contracts.bronze import GATES
from grinder_resources.contracts.gates import GATE_EVENTS, GATE_LOOK_BACK_DAYS
from grinder_resources.contracts.score_guard import SCORES
from grinder_resources.errors import OutOfRange
from grinder_resources.gates.events import gate_events
from grinder_resources.ingest.bronze import bronze_day, stage_landing
from grinder_resources.lake import Lake
from grinder_resources.learning.ledger import Ledger
from grinder_resources.usecases.score_guard.gate_account import entered, tradable
from grinder_resources.usecases.score_guard.gate_try import trades_of, try_gates
from grinder_resources.usecases.score_guard.gates import GateCosts, GateRun, sided, signals
from grinder_resources.usecases.score_guard.guard import Guard
from grinder_resources.usecases.score_guard.scores import Scores
from grinder_resources.usecases.score_guard.tries import Backtest

MINUTE = 60 * 10**9


def gates(*rows: tuple[int, int, int], symbol: str = "EUR_USD", **facts: int) -> pl.DataFrame:
    """Return gates of (minute, price x 10^6, side)."""
    frame = pl.DataFrame(rows, schema=["minute", "price_close_x1e6", "side"], orient="row")
    return frame.select(
        pl.lit("sep").alias("venue"), pl.lit(symbol).alias("symbol"), (pl.col("minute") * MINUTE).alias("ts_ns"),
        "price_close_x1e6", pl.col("side").cast(pl.Int8), **{name: pl.lit(value) for name, value in facts.items()},
    )  # fmt: skip


def ran(*frames: pl.DataFrame, costs: GateCosts = GateCosts(), guarded: bool = False) -> GateRun:  # noqa: B008
    """Return a run over the gates."""
    return GateRun(costs, guarded=guarded).run(pl.concat(frames))


def test_a_trade_by_hand() -> None:
    """Asked at 0 for 1.0000, entered at 16 at 1.0010, left at 48: 999 units earn 1.998 dollars less 0.3003."""
    run = ran(gates((0, 1_000_000, 1), (16, 1_001_000, 1), (32, 1_001_500, -1), (48, 1_003_000, 0)))
    expected = (0, 16 * MINUTE, 48 * MINUTE, "sep", "EUR_USD", 1, 999, 1_001_000, 1_003_000, 1_998_000, 300_300)
    assert trades_of(run).rows() == [expected]
    assert run.money == [
        (16 * MINUTE, -150_000),
        (32 * MINUTE, 349_500),
        (48 * MINUTE, 1_848_000),
        (48 * MINUTE, 1_697_700),
    ]


def test_dollars_first_are_counted_in_dollars() -> None:
    """1,000 dollars sold at 150 yen and bought at 149 earn 1,000 yen, 6.711409 dollars; a side costs 0.15."""
    run = ran(gates((0, 151_000_000, -1), (16, 150_000_000, 0), (46, 149_000_000, 0), symbol="USD_JPY"))
    ((*_, side, units, _, _, gross, cost),) = trades_of(run).rows()
    assert (side, units, gross, cost) == (-1, 1_000, 6_711_409, 300_000)


def test_an_instrument_with_a_position_asks_for_nothing() -> None:
    """Neither the same nor the opposite: the next trade is asked for by the gate at which the last one was left."""
    sides = (1, 1, -1, -1, -1, 0, 0)
    run = ran(gates(*((16 * n, 1_000_000, side) for n, side in enumerate(sides))))
    assert trades_of(run).select("signal_ts_ns", "entry_ts_ns", "exit_ts_ns", "side").rows() == [
        (0, 16 * MINUTE, 48 * MINUTE, 1),
        (48 * MINUTE, 64 * MINUTE, 96 * MINUTE, -1),
    ]


def test_a_gap_drops_a_trade_and_holds_a_position() -> None:
    """31 minutes after the gate that asked there is no entry; a position is left at the first gate there is."""
    dropped = ran(gates((0, 1_000_000, 1), (31, 1_000_000, 0), (47, 1_000_000, 0), (90, 1_000_000, 0)))
    assert trades_of(dropped).is_empty()
    held = ran(gates((0, 1_000_000, 1), (16, 1_000_000, 0), (3_000, 1_010_000, 0)))
    assert trades_of(held)["exit_ts_ns"].to_list() == [3_000 * MINUTE]
    cut = ran(gates((0, 1_000_000, 1), (16, 1_000_000, 0), (20, 1_010_000, 0)))
    assert trades_of(cut)["exit_ts_ns"].to_list() == [20 * MINUTE]


def test_no_more_positions_than_allowed() -> None:
    """Of three instruments that ask at once the first two by name are let."""
    frames = [
        gates((0, 1_000_000, 1), (16, 1_000_000, 0), (48, 1_000_000, 0), symbol=name)
        for name in ("AUD_USD", "EUR_USD", "GBP_USD")
    ]
    run = ran(*frames, costs=GateCosts(max_positions=2))
    assert trades_of(run)["symbol"].to_list() == ["AUD_USD", "EUR_USD"]


def test_costs_and_hold_change_the_result() -> None:
    """Twice the costs are paid twice; a shorter hold leaves earlier."""
    rows = gates((0, 1_000_000, 1), (16, 1_000_000, 0), (32, 1_001_000, 0), (48, 1_002_000, 0))
    usual, dear, short = (
        trades_of(ran(rows, costs=costs))
        for costs in (GateCosts(), GateCosts(cost_x1000=3_000), GateCosts(hold_min=15))
    )
    assert dear["cost_micros"][0] == 2 * usual["cost_micros"][0]
    assert dear["gross_micros"][0] == usual["gross_micros"][0]
    assert (short["exit_x1e6"][0], usual["exit_x1e6"][0]) == (1_001_000, 1_002_000)


def test_a_symbol_without_dollars_is_left_out() -> None:
    """EUR_GBP is not tradable; a coin is, for it is quoted in dollars; a unit dearer than a position is refused."""
    assert [tradable(name) for name in ("EUR_USD", "USD_JPY", "EUR_GBP", "BTCUSDT")] == [True, True, False, True]
    with pytest.raises(OutOfRange, match="at least one unit"):
        entered("XAU_USD", 1, 2_500_000_000)
    with pytest.raises(OutOfRange, match="hold_min"):
        GateCosts(hold_min=0)


def test_a_sale_is_judged_by_the_complement_and_a_silent_score_by_the_gate() -> None:
    """A rise at 40 % is a fall at 60 %; without any hazard the gate's own is taken, in bps."""
    heard = gates((0, 1, 1), (1, 1, -1)).with_columns(
        score_bps=pl.Series([4_000, 4_000]), hazard_bps=pl.lit(None, dtype=pl.Int64), hazard_x1e6=pl.lit(506_849)
    )
    assert sided(heard).select("score_bps", "hazard_bps").rows() == [(4_000, 5_068), (6_000, 5_068)]
    spoken = heard.with_columns(hazard_bps=pl.Series([100, None]))
    assert sided(spoken)["hazard_bps"].to_list() == [100, None]


def test_only_admitted_gates_that_moved_ask_for_a_trade() -> None:
    """The direction is that of the last candle."""
    facts = {"venue": "sep", "symbol": "EUR_USD", "price_close_x1e6": 1}
    events = pl.DataFrame({"admit": [1, 1, 1, 1, 0], "roc_prev_pct_x1e6": [5, -3, 0, None, 5]})
    assert signals(events.with_columns(**{k: pl.lit(v) for k, v in facts.items()}))["side"].to_list() == [
        1,
        -1,
        0,
        0,
        0,
    ]


@pytest.fixture(scope="module")
def week(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Return the events of the real gate week, as the lake holds them."""
    root, days = tmp_path_factory.mktemp("gates"), [date(2025, 11, day) for day in range(3, 10)]
    staged = stage_landing(real_data / "gates", root / "stage", root / "pins.yaml", None)
    bronze = {day: bronze_day(staged, GATES, day) for day in days}

    def of_day(day: date) -> pl.DataFrame:
        reach = [bronze[one] for one in days if day - timedelta(days=GATE_LOOK_BACK_DAYS) <= one < day]
        return gate_events(bronze[day], pl.concat([GATES.empty(), *reach]), day, goes_on=True)

    return pl.concat([GATE_EVENTS.empty(), *map(of_day, days)])


def week_tried(folder: Path, week: pl.DataFrame, rises: pl.Expr) -> Backtest:
    """Return a try of the week with the probabilities that the price rises, said to be of someone who saw October."""
    rows = week.sort("ts_ns").select(
        "venue", "symbol", "ts_ns", rises.fill_null(5_000).cast(pl.Int64).alias("score_bps"),
        pl.lit(None, dtype=pl.Int64).alias("hazard_bps"),
    )  # fmt: skip
    found = Scores("by hand", "1" * 64, SCORES.conform(rows), date(2025, 10, 31))
    guard = Guard(9_000, None, 60)
    return try_gates(
        Lake(str(folder / "lake")), week, found, Ledger(folder / "ledger.jsonl"), guard=guard, costs=GateCosts()
    )


def test_scores_that_were_told_the_future_would_be_promoted_and_random_ones_are_not(
    week: pl.DataFrame, tmp_path: Path
) -> None:
    """On the real week: prices of entry and exit, which nobody can know, earn a promotion; dice leave a loss."""
    ahead = [pl.col("price_close_x1e6").shift(-n).over("venue", "symbol", order_by="ts_ns") for n in (1, 3)]
    far = (ahead[1] - ahead[0]) * 10_000 > 6 * ahead[0], (ahead[0] - ahead[1]) * 10_000 > 6 * ahead[0]
    told_the_future = pl.when(far[0]).then(10_000).when(far[1]).then(0).otherwise(5_000)
    perfect = week_tried(tmp_path / "perfect", week, told_the_future).comparison
    assert perfect is not None
    assert perfect.sentence.startswith("promote: the guard earns +")
    assert perfect.guarded.trades < perfect.heuristic.trades == 584
    dice = week_tried(tmp_path / "dice", week, (pl.col("ts_ns").hash(seed=7) % 10_001)).comparison
    assert dice is not None
    assert dice.sentence.startswith("no promotion: ")
    assert {"AS_GOOD_AT_RANDOM", "NOTHING_EARNED"} <= set(dice.codes)
