"""Coherence: probabilities of related questions that cannot contradict each other.

Heads are fitted one by one, so nothing stops a model from saying that a threshold is reached within a minute more often
than within two. The rules of `contracts.calibration` repair such answers: each moves one head into the range that the
heads before it leave open, so an answer that contradicts nothing stays as it is. Answers are int32 bps, 10,000 =
certain; everything is computed with integers, and the exported graph gives the same.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.calibration import (
    CERTAIN_BPS,
    SPACING_LIMITS_X1000,
    AtLeast,
    AtMost,
    Either,
    Rule,
    Spacing,
)
from grinder_resources.contracts.exact import half_even

Bps = NDArray[np.int32]
Weights = NDArray[np.int64]


def rules_for(rules: Sequence[Rule], heads: Collection[str]) -> tuple[Rule, ...]:
    """Return the rules that can be applied where only `heads` exist, in their order; each still keeps its promise.

    A bound that does not exist is left out, and so is a rule whose head or last bound does not exist. `Either` rules
    hold together or not at all: two heads that an earlier rule has ordered stay in order only if both are moved between
    parts that are in order, too. So all are left out where one lacks a part.
    """
    eithers = [rule for rule in rules if isinstance(rule, Either) and rule.head in heads]
    whole = all(part in heads for rule in eithers for part in rule.parts)
    return tuple(kept for rule in rules if rule.head in heads for kept in _kept(rule, heads, whole=whole))


def _kept(rule: Rule, heads: Collection[str], *, whole: bool) -> Sequence[Rule]:
    if isinstance(rule, Either):
        return [rule] if whole else []
    bounds = tuple(bound for bound in rule.bounds if bound in heads)
    return [type(rule)(rule.head, bounds)] if bounds else []


def apply_rules(rules: Sequence[Rule], bps: Mapping[str, Bps]) -> dict[str, Bps]:
    """Return the bps of every head, int32 [rows] each, after the rules in their order; what is given stays as it is.

    Every head that a rule names is in `bps` (see `rules_for`).
    """
    coherent = dict(bps)
    for rule in rules:
        coherent[rule.head] = _moved(rule, coherent)
    return coherent


def _moved(rule: Rule, bps: Mapping[str, Bps]) -> Bps:
    own = bps[rule.head]
    match rule:
        case AtMost(bounds=bounds):
            return np.minimum(own, np.minimum.reduce([bps[bound] for bound in bounds]))
        case AtLeast(bounds=bounds):
            return np.maximum(own, np.maximum.reduce([bps[bound] for bound in bounds]))
        case Either(parts=(one, other)):
            floor, ceiling = np.maximum(bps[one], bps[other]), np.minimum(bps[one] + bps[other], CERTAIN_BPS)
            return own.clip(floor, ceiling)


def sum_to_certain(weights: Weights) -> Bps:
    """Return int32 [rows, classes] in the proportions of `weights`; every row sums to exactly 10,000.

    weights
        int64 [rows, classes], each within 0..10,000.

    Class k gets 10000 x weight k / sum of weights, half-even; what rounding left over or took too much goes to the
    largest weight, the first of them on ties. Where all weights are 0 the classes are equally likely.
    """
    weights = np.where(weights.any(axis=1, keepdims=True), weights, 1)
    shares = half_even(CERTAIN_BPS * weights, weights.sum(axis=1, keepdims=True))
    largest = np.arange(weights.shape[1]) == weights.argmax(axis=1)[:, None]
    left_over = CERTAIN_BPS - shares.sum(axis=1, keepdims=True)
    return np.asarray(shares + left_over * largest, dtype=np.int32)


def spacing_x1000(bps: Bps, spacing: Spacing) -> Bps:
    """Return the spacing multiplier x 1000, int32 [rows], of int32 [rows, classes] that sum to 10,000 a row.

    The expected multiplier, sum of bps x multiplier / 10000 half-even, clamped to SPACING_LIMITS_X1000.
    """
    expected = half_even(bps.astype(np.int64) @ np.array(spacing.multipliers_x1000, dtype=np.int64), CERTAIN_BPS)
    return np.asarray(np.clip(expected, *SPACING_LIMITS_X1000), dtype=np.int32)
