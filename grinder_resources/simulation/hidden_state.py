"""The demo market's hidden state: toxicity regime, informed trader and activity, one value a second.

Drawn before any price exists, so the state causes the prices and never the other way round.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from grinder_resources.simulation.demo_config import MID, REGIMES, DemoConfig

SECONDS_PER_DAY = 86_400
US_PER_SECOND = 1_000_000


@dataclass(frozen=True)
class HiddenState:
    """State per second of one symbol-day; every array has `DemoConfig.seconds` entries.

    regime
        Toxicity regime code, int8.
    informed
        Direction of the informed trader at work, -1, 0 or +1, int8.
    activity
        Multiplier on event rate and variance; its mean over 24 hours is 1.
    """

    regime: npt.NDArray[np.int8]
    informed: npt.NDArray[np.int8]
    activity: npt.NDArray[np.float64]

    def truth(self, midnight_us: int) -> pl.DataFrame:
        """Return one row a second: ts_ns (int64), regime (LOW, MID, HIGH) and informed (-1, 0, +1)."""
        seconds = pl.int_range(self.regime.size, eager=True)
        return pl.DataFrame(
            {
                "ts_ns": (seconds * US_PER_SECOND + midnight_us) * 1000,
                "regime": pl.Series(self.regime).replace_strict(dict(enumerate(REGIMES)), return_dtype=pl.String()),
                "informed": pl.Series(self.informed),
            }
        )


def draw_hidden_state(config: DemoConfig, rng: np.random.Generator) -> HiddenState:
    """Draw one day of hidden state; the day starts in MID."""
    regime = _draw_regimes(config, rng)
    return HiddenState(regime, _draw_informed(config, regime, rng), activity_curve(config.seconds))


def activity_curve(seconds: int) -> npt.NDArray[np.float64]:
    """Return the activity of each second since midnight UTC: humps at 08:00 and 14:30, mean 1 over 24 hours."""
    hour = np.arange(SECONDS_PER_DAY) / 3600.0
    curve = 0.55 + 0.5 * np.exp(-(((hour - 8.0) / 2.5) ** 2)) + np.exp(-(((hour - 14.5) / 3.0) ** 2))
    normalised: npt.NDArray[np.float64] = curve / curve.mean()
    return normalised[:seconds]


def draw_event_times(config: DemoConfig, state: HiddenState, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return event times in ms since midnight, strictly ascending: a Poisson process with the state's rate."""
    by_regime = np.array([regime.event_rate for regime in config.regimes])
    expected = np.cumsum(config.events_per_day / SECONDS_PER_DAY * state.activity * by_regime[state.regime])
    uniforms = rng.uniform(0.0, expected[-1], rng.poisson(expected[-1]))
    edges = np.concatenate(([0.0], expected))
    times = np.interp(np.sort(uniforms), edges, np.arange(edges.size, dtype=np.float64))
    return np.unique((times * 1000.0).astype(np.int64).clip(0, config.seconds * 1000 - 1))


def _draw_regimes(config: DemoConfig, rng: np.random.Generator) -> npt.NDArray[np.int8]:
    regimes = np.empty(config.seconds, dtype=np.int8)
    second, current = 0, MID
    while second < regimes.size:
        stay = max(1, round(rng.exponential(config.regimes[current].mean_minutes * 60.0)))
        regimes[second : second + stay] = current
        second += stay
        weights = np.array(config.regimes[current].next_weights)
        current = int(rng.choice(len(REGIMES), p=weights / weights.sum()))
    return regimes


def _draw_informed(config: DemoConfig, regime: npt.NDArray[np.int8], rng: np.random.Generator) -> npt.NDArray[np.int8]:
    share = np.array([behaviour.informed_share for behaviour in config.regimes])[regime]
    starts = np.flatnonzero(rng.random(regime.size) < share / (1.0 - share) / config.informed_seconds)
    informed = np.zeros(regime.size, dtype=np.int8)
    idle_from = 0
    for second in starts.tolist():
        if second < idle_from:
            continue
        idle_from = second + max(1, round(rng.exponential(config.informed_seconds)))
        informed[second:idle_from] = rng.choice((-1, 1))
    return informed
