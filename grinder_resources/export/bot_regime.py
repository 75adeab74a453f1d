"""The bot's synthetic regime data (ML spec M8-03b): made-up inputs in plausible ranges, and regimes by a rule on two.

It tests a pipeline, not a market: the same id, seed and number of rows give the same numbers, and another id others.
"""

from dataclasses import dataclass
from hashlib import md5
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.bot import FEATURE_ORDER
from grinder_resources.contracts.signals import REGIMES
from grinder_resources.errors import NothingTrainable

LOW, MID, HIGH = range(len(REGIMES))

RANGES: MappingProxyType[str, tuple[float, float]] = MappingProxyType(
    {
        "price_mid": (10_000, 100_000),
        "spread_bps": (1, 50),
        "volume_24h": (1e6, 1e9),
        "volume_1h": (1e6, 1e9),
        "volatility_1h_bps": (10, 500),
        "volatility_24h_bps": (10, 500),
        "position_size": (-1000, 1000),
        "position_notional": (-1000, 1000),
        "position_pnl_bps": (-500, 500),
        "grid_levels_active": (0, 100),
        "grid_utilization_pct": (0, 100),
        "trend_strength": (-1, 1),
        "momentum_1h": (-100, 100),
    }
)
"""Least and largest value of each input that is drawn by itself."""

SHARES_OF_MID: MappingProxyType[str, tuple[float, float]] = MappingProxyType(
    {"price_bid": (0.9990, 0.9999), "price_ask": (1.0001, 1.0010)}
)
"""Least and largest ratio to `price_mid` of the inputs that follow it."""


@dataclass(frozen=True)
class RegimeRows:
    """`inputs` float32 [rows, 15] in FEATURE_ORDER, `regimes` int64 [rows]: 0 LOW, 1 MID, 2 HIGH."""

    inputs: NDArray[np.float32]
    regimes: NDArray[np.int64]

    @property
    def counts(self) -> dict[str, int]:
        """Rows by regime."""
        return {name: int((self.regimes == code).sum()) for code, name in enumerate(REGIMES)}


def synthetic_rows(dataset_id: str, seed: int, rows: int) -> RegimeRows:
    """Return the rows of a data set that exists in name only.

    One column after the other is drawn uniformly, in FEATURE_ORDER, from a generator seeded with the seed and the id.
    Raises NothingTrainable where a regime has no row, for then a classifier would answer with fewer numbers than the
    bot reads.
    """
    random = np.random.default_rng(_seed_of(dataset_id, seed))
    inputs = np.zeros((rows, len(FEATURE_ORDER)), dtype=np.float32)
    for place, name in enumerate(FEATURE_ORDER):
        drawn = random.uniform(*(RANGES | SHARES_OF_MID)[name], rows)
        inputs[:, place] = inputs[:, 0] * drawn if name in SHARES_OF_MID else drawn
    made = RegimeRows(inputs, _regimes(inputs))
    absent = [name for name, count in made.counts.items() if count == 0]
    if absent:
        raise NothingTrainable(
            "every regime needs a row, or the model has fewer than three answers",
            where=f"data set {dataset_id}, seed {seed}",
            got=f"none of {', '.join(absent)} in {rows} rows",
            hint="Ask for more rows",
        )
    return made


def _seed_of(dataset_id: str, seed: int) -> int:
    """Return the seed of a data set's own generator, below 2^31."""
    digest = md5(dataset_id.encode(), usedforsecurity=False).hexdigest()
    return (seed + int(digest[:8], 16)) % 2**31


def _regimes(inputs: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return HIGH above 300 bps an hour or 30 bps of spread, LOW below 100 and 10, else MID.

    Where none is of a regime, row number 0, 1 or 2 becomes it, so that a small data set has all three.
    """
    volatility, spread = (inputs[:, FEATURE_ORDER.index(name)] for name in ("volatility_1h_bps", "spread_bps"))
    regimes = np.full(len(inputs), MID, dtype=np.int64)
    regimes[(volatility > 300) | (spread > 30)] = HIGH
    regimes[(volatility < 100) & (spread < 10)] = LOW
    for code in range(min(len(REGIMES), len(inputs))):
        if not (regimes == code).any():
            regimes[code] = code
    return regimes
