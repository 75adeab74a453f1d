"""Overfitting statistics: whether the best of many trials is more than the luckiest of many.

Sharpe ratios here are per block of time, mean over standard deviation, never annualised. What a return is for a
forecaster says `evaluation.returns`; a backtest's returns on its net asset value go through the same functions.

- Probabilistic Sharpe ratio: the probability that the true ratio exceeds a benchmark, given length, skewness and
  kurtosis of the returns (Bailey and López de Prado 2012).
- Deflated Sharpe ratio: the same against the ratio that the best of N worthless trials would show (2014).
- Probability of backtest overfitting, by combinatorially symmetric cross-validation: how often the trial that is best
  on one half of the blocks is below the median on the other half (Bailey, Borwein, López de Prado and Zhu 2015).

Returns count as independent from block to block. A hedge against neighbouring blocks that move together is their
length: an hour is many label windows.
"""

import math
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

import numpy as np

from grinder_resources.learning.metrics import Floats

SUBMATRICES = 16
"""Parts that CSCV cuts the blocks into at most; 16 give 12,870 ways to halve them."""

MIN_SUBMATRICES = 8
"""With fewer there are at most 20 ways, and their share below the median says little."""

_NORMAL = NormalDist()
_EULER_MASCHERONI = 0.5772156649015329
_NO_SPREAD = 1e-12


@dataclass(frozen=True)
class SharpeRatio:
    """A Sharpe ratio per block with what its error depends on; `kurtosis` is 3 for a normal distribution."""

    value: float
    blocks: int
    skewness: float
    kurtosis: float


def sharpe_ratio(returns: Floats) -> SharpeRatio | None:
    """Return the ratio of float64 [blocks] returns, in any unit; None with fewer than two, or where none differs."""
    if len(returns) < 2 or np.ptp(returns) == 0.0:
        return None
    deviation = returns - returns.mean()
    scaled = deviation / math.sqrt(float((deviation**2).mean()))
    return SharpeRatio(
        value=float(returns.mean() / returns.std(ddof=1)),
        blocks=len(returns),
        skewness=float((scaled**3).mean()),
        kurtosis=float((scaled**4).mean()),
    )


def probabilistic_sharpe_ratio(sharpe: SharpeRatio, benchmark: float = 0.0) -> float:
    """Return the probability that the true ratio exceeds `benchmark`, per block; NaN where its error is not defined.

    Φ((SR - SR*) √(T - 1) / √(1 - γ3 SR + (γ4 - 1) / 4 SR²)), Bailey and López de Prado 2012, equation 11.
    """
    value = sharpe.value
    variance = 1.0 - sharpe.skewness * value + (sharpe.kurtosis - 1.0) / 4.0 * value**2
    if variance <= _NO_SPREAD:
        return math.nan
    return _NORMAL.cdf((value - benchmark) * math.sqrt(sharpe.blocks - 1) / math.sqrt(variance))


def expected_maximum_sharpe(trials: int, variance: float) -> float:
    """Return the ratio that the best of `trials` independent trials of true ratio 0 is expected to show.

    √V ((1 - γ) Φ⁻¹(1 - 1/N) + γ Φ⁻¹(1 - 1/(N e))), γ the Euler-Mascheroni constant, `variance` V that of the trials'
    Sharpe ratios (Bailey and López de Prado 2014, equation 1). 0 for a single trial: nothing was chosen.
    """
    if trials < 2:
        return 0.0
    highest, beyond = (_NORMAL.inv_cdf(1.0 - 1.0 / (trials * factor)) for factor in (1.0, math.e))
    return math.sqrt(variance) * ((1.0 - _EULER_MASCHERONI) * highest + _EULER_MASCHERONI * beyond)


def deflated_sharpe_ratio(sharpe: SharpeRatio, trials: int, variance: float) -> float:
    """Return the probability that the true ratio exceeds what the best of `trials` worthless trials would show."""
    return probabilistic_sharpe_ratio(sharpe, expected_maximum_sharpe(trials, variance))


def effective_trials(returns: Floats) -> float:
    """Return how many independent trials the columns of float64 [blocks, trials] amount to, for information only.

    ρ + (1 - ρ) N with ρ the mean correlation between trials (Bailey and López de Prado 2014, appendix A.3), clipped to
    [0, 1]. Columns without spread are left out. Gates count every trial instead, which is the harder test.
    """
    varied = returns[:, np.ptp(returns, axis=0) > 0.0] if len(returns) else returns[:, :0]
    count = int(varied.shape[1])
    if count < 2:
        return float(count)
    correlation = np.corrcoef(varied, rowvar=False)
    mean = (float(correlation.sum()) - count) / (count * (count - 1))
    clipped = min(max(mean, 0.0), 1.0)
    return clipped + (1.0 - clipped) * count


@dataclass(frozen=True)
class Overfitting:
    """What CSCV says of choosing the best of the trials.

    probability
        Share of halvings in which the best trial of one half is below the median of the other; exactly at the median
        counts half, so that choosing among worthless trials gives 0.5 whatever their number.
    loss
        Share in which it earns less than nothing there.
    slope
        Of its ratio there on its ratio here, by least squares; negative where a better past means a worse future. NaN
        where every half has the same best ratio.
    logits
        float64 [halvings], ascending: ln(rank / (1 - rank)) of the chosen trial's relative rank there.
    """

    probability: float
    loss: float
    slope: float
    logits: Floats
    trials: int
    blocks: int
    submatrices: int

    @property
    def halvings(self) -> int:
        """Ways to choose half of the submatrices."""
        return len(self.logits)


def backtest_overfitting(returns: Floats, submatrices: int = SUBMATRICES) -> Overfitting | None:
    """Return CSCV of float64 [blocks, trials] returns, blocks in time order; None where it is not defined.

    submatrices
        Runs of neighbouring blocks that stay together, an even number; fewer are taken where there are fewer blocks.

    Needs two trials and MIN_SUBMATRICES blocks. Returns of different trials may have different units.
    """
    blocks, trials = returns.shape
    parts = min(submatrices, blocks) // 2 * 2
    if trials < 2 or parts < MIN_SUBMATRICES:
        return None
    chosen_from = _halves(parts)
    inside = _sharpe_by_half(returns, chosen_from)
    # Half and complement stand at mirrored places of the combinations, so the other side is the same table reversed.
    outside = inside[::-1]
    best = inside.argmax(axis=1)
    rows = np.arange(len(best))
    here, there = inside[rows, best], outside[rows, best]
    rank = (outside < there[:, None]).sum(axis=1) + ((outside == there[:, None]).sum(axis=1) + 1) / 2.0
    logits = np.log(rank / (trials + 1.0 - rank))
    return Overfitting(
        probability=float(np.where(logits == 0.0, 0.5, logits < 0.0).mean()),
        loss=float((there < 0.0).mean()),
        slope=_slope(here, there),
        logits=np.sort(logits),
        trials=trials,
        blocks=blocks,
        submatrices=parts,
    )


def _halves(parts: int) -> Floats:
    """Return float64 [halvings, parts]: 1 where a part belongs to the half that is chosen from."""
    halves = list(combinations(range(parts), parts // 2))
    chosen = np.zeros((len(halves), parts))
    np.put_along_axis(chosen, np.array(halves), 1.0, axis=1)
    return chosen


def _sharpe_by_half(returns: Floats, halves: Floats) -> Floats:
    """Return float64 [halvings, trials]: Sharpe ratio on each half; 0 where a trial's returns do not differ there."""
    size = np.sqrt((returns**2).mean(axis=0))
    scaled = np.divide(returns, size, out=np.zeros_like(returns), where=size > 0.0)
    cuts = np.array_split(np.arange(len(returns)), halves.shape[1])
    rows = halves @ np.array([float(len(cut)) for cut in cuts])
    mean, square = (
        halves @ np.array([power[cut].sum(axis=0) for cut in cuts]) / rows[:, None] for power in (scaled, scaled**2)
    )
    variance = (square - mean**2) * (rows / (rows - 1.0))[:, None]
    varied = variance > _NO_SPREAD
    return np.where(varied, mean / np.sqrt(np.where(varied, variance, 1.0)), 0.0)


def _slope(here: Floats, there: Floats) -> float:
    deviation = here - here.mean()
    spread = float((deviation**2).sum())
    return float((deviation * there).sum()) / spread if spread > _NO_SPREAD else math.nan
