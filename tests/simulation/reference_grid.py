"""The grid simulator once more, slow and plain, written from docs/usecases/simulator.md and from nothing else.

Prices and money are Fractions of ticks and lots. Nothing is remembered to be faster: every order is looked at before
and at every event.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from grinder_resources.contracts.simulation import NAV, SUMMARY, Costs, Episode, GridParameters
from tests.simulation.reference_book import MILLION, UNKNOWN, Account, Lines, Order, Quote, micros

ORDER_OF_AN_INSTANT = ("funding", "print", "quote")

Event = tuple[str, tuple[int, ...]]


@dataclass
class Trader:
    """One episode under way."""

    episode: Episode
    costs: Costs
    agenda: list[tuple[int, str, Fraction, GridParameters | None]]
    quote: Quote | None
    account: Account = field(default_factory=Account)
    lines: Lines | None = None
    orders: list[Order] = field(default_factory=list)
    nav: list[dict[str, int]] = field(default_factory=list)

    @property
    def reaction(self) -> int:
        """Return the time from an event to its answer in the book."""
        return max(1, self.costs.feed_latency_ns + self.costs.order_latency_ns)

    def flatten(self, now: int) -> None:
        """Cancel all orders and close the position at the market."""
        self.orders, self.lines = [], None
        held = abs(self.account.position)
        if not held:
            return
        quote = self.quote
        assert quote is not None
        spread = quote.ask - quote.bid
        if self.account.position > 0:
            side, best, shown, worse = "sell", quote.bid, quote.bid_lots, max(1, quote.bid - spread)
        else:
            side, best, shown, worse = "buy", quote.ask, quote.ask_lots, quote.ask + spread
        for price, lots in ((best, min(held, shown)), (worse, held - min(held, shown))):
            if lots:
                self.account.trade(now, None, side, price=price, lots=lots, fee_ppm=self.costs.taker_fee_ppm)

    def act(self, now: int, what: str, centre: Fraction, grid: GridParameters | None) -> None:
        """Do one thing of the agenda: a step, or a re-centre; either makes a waiting re-centre void."""
        self.agenda = [item for item in self.agenda if item[1] == "step"]
        self.account.counts["recentres"] += what == "recentre"
        self.flatten(now)
        if grid is not None:
            self.lines = Lines(centre, grid)
            self.orders = self.lines.orders(now)

    def place_orders(self, now: int) -> None:
        """Let the orders that are due and may stand come to stand."""
        for order in self.orders:
            if order.in_book or order.refused or order.due > now:
                continue
            same_side = sum(other.left for other in self.orders if other.in_book and other.side == order.side)
            held = self.account.position if order.side == "buy" else -self.account.position
            if held + same_side + order.left > self.lines.grid.max_position_lots:
                continue
            if order.crosses(self.quote):
                order.refused = True
                continue
            order.in_book, order.ahead = True, UNKNOWN
            order.look_at(self.quote)
            self.account.counts["orders"] += 1

    def fill(self, order: Order, lots: int, ts: int) -> None:
        """Fill lots of an order; its line goes on with the other order once it is whole."""
        fee_ppm = self.costs.maker_fee_ppm
        self.account.trade(ts, order.line, order.side, price=order.price, lots=lots, fee_ppm=fee_ppm)
        order.left -= lots
        if order.left:
            return
        counts, size = self.account.counts, self.lines.grid.size_lots
        counts["orders_filled"] += 1
        opening, closing = self.lines.opening(order.line), self.lines.closing(order.line)
        is_first = (order.side == "buy") == (order.line < 0)
        if not is_first:
            fees = Fraction((opening + closing) * size * self.costs.maker_fee_ppm, MILLION)
            gain = closing - opening if order.line < 0 else opening - closing
            counts["round_trips"] += 1
            counts["round_trip_micros"] += micros(gain * size - fees)
            counts["round_trip_tick_lots"] += opening * size
        self.orders[self.orders.index(order)] = Order(
            order.line,
            "sell" if order.side == "buy" else "buy",
            closing if is_first else opening,
            size,
            ts + self.reaction,
        )

    def answer(self, ts: int, fills_before: int) -> None:
        """Send again what the quote would not refuse and, after a fill, what had no room."""
        for order in self.orders:
            if order.refused and not order.crosses(self.quote):
                order.refused, order.due = False, ts + self.reaction
            elif len(self.account.fills) > fills_before and not (order.in_book or order.refused) and order.due <= ts:
                order.due = ts + self.reaction

    def on_quote(self, ts: int, *numbers: int) -> None:
        """Fill what the quote reaches, learn about queues, and decide whether the grid has been left."""
        self.quote, fills_before = Quote(*numbers), len(self.account.fills)
        for order in [order for order in self.orders if order.in_book]:
            if order.crosses(self.quote):
                self.fill(order, order.left, ts)
            else:
                order.look_at(self.quote)
        self.answer(ts, fills_before)
        waiting = any(what == "recentre" for _, what, _, _ in self.agenda)
        if self.lines and not waiting and self.lines.left_by(self.quote.mid):
            self.agenda.append((ts + self.reaction, "recentre", self.quote.mid, self.lines.grid))

    def on_print(self, ts: int, price: int, size: int, aggressor: int) -> None:
        """Fill what the print went through or reached in the queue."""
        reached, fills_before = {"buy": 0, "sell": 0}, len(self.account.fills)
        for order in [order for order in self.orders if order.in_book]:
            against = aggressor <= 0 if order.side == "buy" else aggressor >= 0
            if order.is_beyond(price):
                self.fill(order, order.left, ts)
            elif order.price == price and against and order.ahead != UNKNOWN:
                lots = min(order.left, max(0, size - int(order.ahead) - reached[order.side]))
                order.ahead = max(0, order.ahead - size)
                reached[order.side] += lots
                if lots:
                    self.fill(order, lots, ts)
        self.answer(ts, fills_before)

    def on_funding(self, ts: int, rate_ppm: int) -> None:
        """Pay for the position."""
        if self.quote is not None:
            paid = self.account.position * self.quote.mid * rate_ppm
            self.account.funding += Fraction(round(paid), MILLION)

    def take_sample(self, ts: int) -> None:
        """Note what everything is worth."""
        mid = self.quote.mid if self.quote else Fraction(0)
        account = self.account
        row = (ts, micros(account.worth(mid)), micros(account.fees), account.position, int(2 * mid))
        self.nav.append(dict(zip(NAV.schema.names()[1:], row, strict=True)))

    def wait_until(self, now: int, samples: list[int]) -> None:
        """Do what is due by `now`, and take the samples before it; an action comes before a sample of its time."""
        while True:
            due = [item for item in self.agenda if item[0] <= now]
            first = min(due, key=lambda item: (item[0], item[1] != "step"), default=None)
            if samples and samples[0] < now and (first is None or samples[0] < first[0]):
                self.take_sample(samples.pop(0))
            elif first is not None:
                self.place_orders(first[0])
                self.agenda.remove(first)
                self.act(*first)
            else:
                break
        self.place_orders(now)


def in_order(quotes: Sequence[tuple], prints: Sequence[tuple], funding: Sequence[tuple] = ()) -> list[Event]:
    """Return a market's events in the order they happen."""
    kinds = {"quote": quotes, "print": prints, "funding": funding}
    events = [(kind, row) for kind, rows in kinds.items() for row in rows]
    return sorted(events, key=lambda event: (event[1][0], ORDER_OF_AN_INSTANT.index(event[0])))


def last_quote(events: Sequence[Event], ts: int) -> Quote | None:
    known = [row for kind, row in events if kind == "quote" and row[0] <= ts]
    return Quote(*known[-1][1:]) if known else None


def agenda_of(events: Sequence[Event], episode: Episode, reaction: int) -> Iterator[tuple]:
    """When each step that changes something is in force, and around which mid: the one at its time, or the first."""
    first = next((row for kind, row in events if kind == "quote"), None)
    before = None
    for step in episode.steps:
        if step.grid != before and first is not None:
            decided = max(step.from_ns, first[0])
            yield decided + reaction, "step", last_quote(events, decided).mid, step.grid
        before = step.grid


def run_alone(events: Sequence[Event], episode: Episode, costs: Costs, nav_every_s: int) -> Trader:
    """Return the trader at the end of an episode."""
    reaction = max(1, costs.feed_latency_ns + costs.order_latency_ns)
    trader = Trader(episode, costs, list(agenda_of(events, episode, reaction)), last_quote(events, episode.start_ns))
    samples = list(range(episode.start_ns, episode.end_ns, nav_every_s * 1_000_000_000))
    now = episode.start_ns
    for kind, row in events:
        if episode.start_ns < row[0] < episode.end_ns:
            if row[0] > now:
                trader.wait_until(row[0], samples)
            now = row[0]
            {"quote": trader.on_quote, "print": trader.on_print, "funding": trader.on_funding}[kind](*row)
    trader.wait_until(episode.end_ns, samples)
    trader.flatten(episode.end_ns)
    trader.take_sample(episode.end_ns)
    return trader


def capital(events: Sequence[Event], episode: Episode) -> int:
    """Return the largest position of any step at the mid of the start, or of the first quote if that is later."""
    first = min((row[0] for kind, row in events if kind == "quote"), default=episode.end_ns)
    quote = last_quote(events, max(episode.start_ns, first))
    lots = max((step.grid.max_position_lots for step in episode.steps if step.grid), default=0)
    return micros(lots * quote.mid) if quote and first < episode.end_ns else 0


def summary_of(number: int, events: Sequence[Event], trader: Trader) -> tuple[int, ...]:
    """Return the row of SUMMARY."""
    account, values = trader.account, [row["nav_micros"] for row in trader.nav]
    facts = {
        **account.counts,
        "episode": number,
        "start_ns": trader.episode.start_ns,
        "end_ns": trader.episode.end_ns,
        "capital_micros": capital(events, trader.episode),
        "pnl_micros": micros(account.cash - account.fees - account.funding),
        "fees_micros": micros(account.fees),
        "funding_micros": micros(account.funding),
        "max_drawdown_micros": max(max(values[: place + 1]) - value for place, value in enumerate(values)),
    }
    return tuple(facts[name] for name in SUMMARY.schema.names())


def simulate_slowly(
    events: Sequence[Event], episodes: Sequence[Episode], costs: Costs, nav_every_s: int
) -> tuple[list[tuple], list[tuple], list[tuple]]:
    """Return rows of SUMMARY, NAV and FILLS."""
    traders = [run_alone(events, episode, costs, nav_every_s) for episode in episodes]
    numbered = list(enumerate(traders))
    return (
        [summary_of(number, events, trader) for number, trader in numbered],
        [(number, *row.values()) for number, trader in numbered for row in trader.nav],
        [(number, *row.values()) for number, trader in numbered for row in trader.account.fills],
    )
