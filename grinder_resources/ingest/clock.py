"""When a message without an exchange time happened, from the receive times of its neighbours.

Binance's spot book ticker carries an update id and no time. Its time is estimated as receive time minus the trailing
median of (receive - exchange) over the last 1001 messages that carry both: the median follows a receive clock that is
wrong or wanders, and ignores single late messages. The estimate is then held to what the update id proves: not before
the exchange time of the last book update with a smaller id, and not after that of the first one known to contain the
id. At last it is made monotone. Only messages received before the ticker are used.
"""

from bisect import bisect_left, insort
from collections import deque
from typing import Any

_WINDOW = 1001
_REMEMBERED = 512


class ExchangeClock:
    """Trailing offset between receive and exchange clock, and the book updates that bracket a ticker."""

    def __init__(self, state: dict[str, Any]) -> None:
        self._offsets: deque[int] = deque(state.get("offsets", []))
        self._sorted: list[int] = sorted(self._offsets)
        self._ids: list[int] = state.get("ids", [])
        self._times: list[int] = state.get("times", [])
        self._latest: int = state.get("latest", 0)

    @property
    def ready(self) -> bool:
        """Whether at least one message with both times was seen."""
        return bool(self._offsets)

    def see(self, recv_ns: int, event_ns: int) -> None:
        """Take a message that carries an exchange time."""
        offset = recv_ns - event_ns
        self._offsets.append(offset)
        insort(self._sorted, offset)
        if len(self._offsets) > _WINDOW:
            del self._sorted[bisect_left(self._sorted, self._offsets.popleft())]

    def see_book(self, last_id: int, event_ns: int) -> None:
        """Take a book update: every change up to `last_id` had happened at `event_ns`."""
        if self._ids and last_id <= self._ids[-1]:
            return
        self._ids.append(last_id)
        self._times.append(event_ns)
        if len(self._ids) > 2 * _REMEMBERED:
            del self._ids[:_REMEMBERED]
            del self._times[:_REMEMBERED]

    def time_of(self, recv_ns: int, update_id: int) -> int:
        """Return the estimated exchange time of a ticker, ns; call only when `ready`."""
        estimate = recv_ns - self._sorted[len(self._sorted) // 2]
        after = bisect_left(self._ids, update_id)
        if after < len(self._ids):
            estimate = min(estimate, self._times[after])
        if after > 0:
            estimate = max(estimate, self._times[after - 1])
        self._latest = max(self._latest, estimate)
        return self._latest

    def state(self) -> dict[str, Any]:
        """Return what the next file needs, as JSON-ready facts."""
        return {"offsets": list(self._offsets), "ids": self._ids, "times": self._times, "latest": self._latest}
