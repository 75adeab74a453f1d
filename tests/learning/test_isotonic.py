"""Pool adjacent violators on groups of rows: exact, monotone, and what the field's own implementation finds."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.learning.isotonic import GROUPS, MIN_STEP_ROWS, Block, Prior, grouped, pooled

PATIENT = settings(deadline=None, max_examples=60)
COUNTS = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 40)), min_size=1, max_size=30)


def blocks_of(counts: list[tuple[int, int]]) -> tuple[Block, ...]:
    """Return a block a pair of rows and positives, one margin each."""
    return tuple(Block(k, k, rows, min(rows, positives)) for k, (rows, positives) in enumerate(counts))


def test_violators_are_pooled_by_hand() -> None:
    """Shares 1/4, 1/2, 1/4, 3/4: the two in the middle share 3/8."""
    blocks = blocks_of([(4, 1), (4, 2), (4, 1), (4, 3)])
    assert pooled(blocks) == (Block(0, 0, 4, 1), Block(1, 2, 8, 3), Block(3, 3, 4, 3))


@PATIENT
@given(COUNTS)
def test_blocks_are_those_of_sklearn(counts: list[tuple[int, int]]) -> None:
    """Weighted isotonic regression gives every group the share of the block it is in."""
    from sklearn.isotonic import IsotonicRegression

    blocks = blocks_of(counts)
    share, weight = ([part.positives / part.rows for part in blocks], [part.rows for part in blocks])
    expected = IsotonicRegression().fit_transform(np.arange(len(blocks)), share, sample_weight=weight)
    got = [part.positives / part.rows for part in pooled(blocks) for _ in range(part.first, part.last + 1)]
    assert got == pytest.approx(expected.tolist(), abs=1e-9)


@PATIENT
@given(COUNTS, st.integers(0, 3))
def test_pooling_loses_nothing_and_shares_rise_strictly(counts: list[tuple[int, int]], weight: int) -> None:
    """With made-up rows as without."""
    blocks = blocks_of(counts)
    rows, positives = sum(part.rows for part in blocks), sum(part.positives for part in blocks)
    prior = Prior(weight, positives, rows)
    found = pooled(blocks, prior)
    assert (sum(part.rows for part in found), sum(part.positives for part in found)) == (rows, positives)
    assert [part.first for part in found[1:]] == [part.last + 1 for part in found[:-1]]
    shares = [numerator / denominator for numerator, denominator in map(prior.fraction, found)]
    assert all(left < right for left, right in pairwise(shares))


def test_a_prior_row_pulls_a_small_block_towards_the_share_of_all() -> None:
    """0 of 4 and 8 of 16, with one row worth 8/20: 0.4 of 5 and 8.4 of 17."""
    prior = Prior(1, 8, 20)
    assert prior.fraction(Block(0, 0, 4, 0)) == (8, 5 * 20)
    assert prior.fraction(Block(1, 1, 16, 8)) == (168, 17 * 20)


def test_groups_are_alike_in_size_and_keep_equal_margins_together() -> None:
    """100 rows each of the margins 0, 1, 2, ... and one margin that holds a thousand."""
    margin = np.concatenate([np.repeat(np.arange(10), 100), np.full(1_000, 4)]).astype(np.int64)
    groups = grouped(margin, margin % 2 == 0)
    assert [(group.first, group.last, group.rows) for group in groups] == [
        (0, 0, 100), (1, 1, 100), (2, 2, 100), (3, 3, 100), (4, 4, 1100), (5, 5, 100), (6, 6, 100), (7, 7, 100),
        (8, 8, 100), (9, 9, 100),
    ]  # fmt: skip
    assert [group.positives for group in groups] == [100, 0, 100, 0, 1100, 0, 100, 0, 100, 0]


@PATIENT
@given(st.lists(st.integers(-30, 30), min_size=1, max_size=400), st.randoms())
def test_groups_hold_every_row_once_and_enough_of_them(margins: list[int], random: object) -> None:
    """Whatever the margins, in any order of rows; a handful at the end joins the last group."""
    margin = np.array(margins, dtype=np.int64)
    groups = grouped(margin, margin > 0)
    assert sum(group.rows for group in groups) == len(margin)
    assert sum(group.positives for group in groups) == int((margin > 0).sum())
    assert all(left.last < right.first for left, right in pairwise(groups))
    assert (groups[0].first, groups[-1].last) == (margin.min(), margin.max())
    assert len(groups) == 1 or min(group.rows for group in groups) >= MIN_STEP_ROWS
    random.shuffle(margins)  # type: ignore[attr-defined]
    shuffled = np.array(margins, dtype=np.int64)
    assert grouped(shuffled, shuffled > 0) == groups


def test_there_are_never_more_groups_than_a_table_may_have_steps() -> None:
    """A hundred thousand different margins make 64 groups of 1,563 rows, the last one smaller."""
    margin = np.arange(100_000)
    groups = grouped(margin, margin % 3 == 0)
    assert len(groups) <= GROUPS
    assert {group.rows for group in groups[:-1]} == {1_563}
