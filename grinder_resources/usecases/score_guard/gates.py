"""The gate backtest: the gate stream's candle heuristic, a gate at a time, alone or with the guard before each entry.

An admitted gate asks for a trade in the direction of its last candle. It is entered at the *next* gate of its
instrument, never at the price that asked for it, and left at the first gate that is HOLD_MIN or more after that,
however late: over a weekend it is held. While an instrument has a position, or one that is about to be entered, its
gates ask for nothing, whether the same or the opposite. No more than MAX_POSITIONS are held or about to be.

The guard is asked where the heuristic would trade. A score is the probability that the price rises: for a sale its
complement counts. Where the scores hold no hazard, the gate's own stands in for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import polars as pl

from grinder_resources.contracts.calibration import CERTAIN_BPS
from grinder_resources.contracts.gates import GATE_MAX_GAP_MIN
from grinder_resources.contracts.instruments import NS_PER_SECOND
from grinder_resources.errors import OutOfRange
from grinder_resources.usecases.score_guard.gate_account import Position, entered, tradable

HOLD_MIN = 30
MAX_POSITIONS = 4
COST_X1000 = 1_500
"""Half the spread and everything else, a side, bps x 1000 of the amount."""

_MINUTE_NS = 60 * NS_PER_SECOND
Key = tuple[str, str]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class GateCosts:
    """How long a trade is held, whole minutes, what each side costs, bps x 1000 of the amount, and how many at once."""

    hold_min: int = HOLD_MIN
    cost_x1000: int = COST_X1000
    max_positions: int = MAX_POSITIONS

    def __post_init__(self) -> None:
        for name, least in (("hold_min", 1), ("cost_x1000", 0), ("max_positions", 1)):
            if getattr(self, name) < least:
                raise OutOfRange(f"{name} of gate trades", got=str(getattr(self, name)), expected=f">= {least}")


@dataclass
class _Place:
    """What an instrument has: nothing, a gate whose trade is about to be entered, or a position."""

    signal_ts_ns: int = 0
    side: int = 0
    position: Position | None = None
    entry_ts_ns: int = 0
    worth: int = 0

    @property
    def taken(self) -> bool:
        return self.side != 0


@dataclass
class GateRun:
    """A backtest as it goes on.

    guarded
        Whether a closed guard (column `open` of the gates) stops a trade.
    trades
        Rows of GATE_TRADES, in the order in which they were left.
    money
        (ts_ns, micro-dollars): everything earned so far, open positions at their newest price, after each gate that
        changed it.
    """

    costs: GateCosts
    guarded: bool
    trades: list[tuple[Any, ...]] = field(default_factory=list)
    money: list[tuple[int, int]] = field(default_factory=list)
    _places: dict[Key, _Place] = field(default_factory=dict)
    _total: int = 0

    def run(self, gates: pl.DataFrame) -> Self:
        """Take every gate, in order of time, venue and symbol, and leave what is still held at its last price."""
        last: dict[Key, Row] = {}
        for gate in gates.sort("ts_ns", "venue", "symbol").iter_rows(named=True):
            key = gate["venue"], gate["symbol"]
            last[key] = gate
            self._take(gate, self._places.setdefault(key, _Place()))
        for key, place in self._places.items():
            if place.position is not None:
                self._leave(last[key], place, place.position)
        return self

    def _take(self, gate: Row, place: _Place) -> None:
        if place.position is not None:
            self._mark(gate, place, place.position)
        elif place.taken:
            self._enter_or_drop(gate, place)
        if not place.taken and self._wanted(gate):
            place.signal_ts_ns, place.side = gate["ts_ns"], gate["side"]

    def _wanted(self, gate: Row) -> bool:
        """Return whether this gate asks for a trade that nothing stops."""
        room = sum(place.taken for place in self._places.values()) < self.costs.max_positions
        if gate["side"] == 0 or not room:
            return False
        return not self.guarded or bool(gate["open"])

    def _enter_or_drop(self, gate: Row, place: _Place) -> None:
        """Enter what the gate before asked for, unless the stream had a gap since then."""
        if gate["ts_ns"] - place.signal_ts_ns > GATE_MAX_GAP_MIN * _MINUTE_NS:
            place.side = 0
            return
        place.position = entered(gate["symbol"], place.side, gate["price_close_x1e6"])
        place.entry_ts_ns, place.worth = gate["ts_ns"], 0
        self._earn(gate["ts_ns"], -self._cost(place.position, place.position.entry_x1e6))

    def _mark(self, gate: Row, place: _Place, position: Position) -> None:
        worth = position.worth(gate["price_close_x1e6"])
        self._earn(gate["ts_ns"], worth - place.worth)
        place.worth = worth
        if gate["ts_ns"] >= place.entry_ts_ns + self.costs.hold_min * _MINUTE_NS:
            self._leave(gate, place, position)

    def _leave(self, gate: Row, place: _Place, position: Position) -> None:
        price = gate["price_close_x1e6"]
        entry_cost, exit_cost = (self._cost(position, each) for each in (position.entry_x1e6, price))
        times = (place.signal_ts_ns, place.entry_ts_ns, gate["ts_ns"], gate["venue"], gate["symbol"])
        held = (position.side, position.units, position.entry_x1e6, price)
        self.trades.append((*times, *held, place.worth, entry_cost + exit_cost))
        self._earn(gate["ts_ns"], -exit_cost)
        place.side, place.position = 0, None

    def _cost(self, position: Position, price_x1e6: int) -> int:
        return position.cost(price_x1e6, self.costs.cost_x1000)

    def _earn(self, ts_ns: int, micros: int) -> None:
        self._total += micros
        self.money.append((ts_ns, self._total))


def signals(events: pl.DataFrame) -> pl.DataFrame:
    """Return the gates that can be traded, with `side`: the direction of the last candle of an admitted gate, else 0.

    events
        Rows of `silver/gate_events`. Gates without a price, and pairs whose money is not known in dollars, are left
        out.
    """
    known = [symbol for symbol in events["symbol"].unique() if tradable(symbol)]
    direction = pl.col("roc_prev_pct_x1e6").fill_null(0).sign()
    return events.filter(pl.col("price_close_x1e6") > 0, pl.col("symbol").is_in(known)).with_columns(
        side=pl.when(pl.col("admit") == 1).then(direction).otherwise(0).cast(pl.Int8)
    )


def sided(heard: pl.DataFrame) -> pl.DataFrame:
    """Return the signals with score_bps of the side that would be taken, and the gate's hazard where there is none.

    Scores that hold any hazard are taken at their word: where they are silent, the hazard is unknown.
    """
    score = pl.when(pl.col("side") < 0).then(CERTAIN_BPS - pl.col("score_bps")).otherwise(pl.col("score_bps"))
    own = pl.col("hazard_x1e6") // (1_000_000 // CERTAIN_BPS)
    silent = heard["hazard_bps"].null_count() == heard.height
    return heard.with_columns(score_bps=score, hazard_bps=own if silent else pl.col("hazard_bps"))
