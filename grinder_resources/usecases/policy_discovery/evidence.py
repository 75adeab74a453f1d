"""How much of a lift could be luck: a p-value, bounds, and the control of false discoveries, in exact integers.

Windows of one hour are not independent: they overlap, and instruments move together. So whole hours are what is drawn,
all instruments at once, and nothing is divided but sums.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from grinder_resources.usecases.policy_discovery.book import PPM

Integers = NDArray[np.int64]

_ALL_SIGNS = 12
"""Up to so many hours every pattern of signs is tried, above that a random sample of them."""

_BATCH = 500


def sign_flip_p_ppm(sums: Integers, draws: int, seed: int) -> int:
    """Return the one-sided p-value of "the lift is not above 0", in ppm, rounded up.

    sums
        int64 [hours], at least one: the lift summed over each hour's windows.

    If a rule is worth nothing, an hour's sum is as likely to be minus what it is: so p is the share of all patterns of
    signs whose total is at least the one that came (Fisher 1935). Exact if such sums lie evenly around 0, whatever else
    they look like.
    """
    hours, total = len(sums), int(sums.sum())
    if hours <= _ALL_SIGNS:
        patterns = np.arange(1 << hours)[:, None] >> np.arange(hours) & 1
        reached, tried = int((_totals(patterns, sums) >= total).sum()), 1 << hours
    else:
        drawn = (rng.integers(0, 2, (size, hours)) for rng, size in _batches(draws, seed))
        # The pattern that came is one of them: a p-value is never 0 (Phipson and Smyth 2010).
        reached, tried = 1 + sum(int((_totals(patterns, sums) >= total).sum()) for patterns in drawn), 1 + draws
    return -(-reached * PPM // tried)


def _totals(patterns: Integers, sums: Integers) -> Integers:
    return (2 * patterns - 1) @ sums


def bootstrap_bounds(sums: Integers, rows: Integers, tail_ppm: int, draws: int, seed: int) -> tuple[int, int]:
    """Return lower and upper bound of the mean lift, rounded outwards; each is missed with probability `tail_ppm`.

    sums, rows
        int64 [hours]: the lift summed over each hour's windows, and how many these are, at least one.

    Hours are drawn with replacement, as many as there are. Bounds are the draws at those ranks, stretched to hold the
    mean itself.
    """
    hours = len(sums)
    means = [(int(sums.sum()), int(rows.sum()))]
    for rng, size in _batches(draws, seed):
        drawn = rng.multinomial(hours, np.full(hours, 1.0 / hours), size=size)
        means += zip((drawn @ sums).tolist(), (drawn @ rows).tolist(), strict=True)
    rank = draws * tail_ppm // PPM
    floors, ceilings = sorted(total // count for total, count in means), sorted(-(-t // count) for t, count in means)
    mean = means[0]
    return min(floors[rank], mean[0] // mean[1]), max(ceilings[-1 - rank], -(-mean[0] // mean[1]))


def _batches(draws: int, seed: int) -> Iterator[tuple[np.random.Generator, int]]:
    """Yield one generator and the sizes that add up to `draws`, so that memory does not grow with them."""
    rng = np.random.default_rng(seed)
    for begun in range(0, draws, _BATCH):
        yield rng, min(_BATCH, draws - begun)


def discoveries(p_ppm: Sequence[int], rate_ppm: int) -> tuple[bool, ...]:
    """Return which of the tested hypotheses are discoveries, by Benjamini and Hochberg (1995).

    The largest k whose k-th smallest p-value is at most k / m of the rate; all up to it. Among what is called a
    discovery, the share of false ones is then at most the rate in expectation, for tests that are independent or go
    together. That is what a list of rules needs: each stands for itself, and one bad rule among ten good ones is a
    price; a control of *any* error (Bonferroni, Holm) would pay for it with most of the good ones.
    """
    tested, ordered = len(p_ppm), sorted(p_ppm)
    passing = [p for rank, p in enumerate(ordered, start=1) if p * tested <= rank * rate_ppm]
    return tuple(bool(passing) and p <= passing[-1] for p in p_ppm)


def selected_tail_ppm(tested: int, found: int, rate_ppm: int) -> int:
    """Return how likely a bound may miss, in ppm, so that the bounds of chosen rules still hold.

    rate x found / tested: the fewer were chosen out of many, the wider (Benjamini and Yekutieli 2005). As if one had
    been chosen where none was.
    """
    return rate_ppm * max(found, 1) // max(tested, 1)
