from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.ingest.book import Book, BookChain, Levels, Outcome, Update
from grinder_resources.ingest.quarantine import REPEAT

LEVELS = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 5)), max_size=6)


def update(previous: int, last: int, bids: Levels, asks: Levels) -> Update:
    return Update(last, b"", last, last, previous, last, bids, asks)


def fates(outcomes: Iterator[Outcome]) -> list[tuple[int, str | None]]:
    return [(outcome.update.last, outcome.reason) for outcome in outcomes]


def slow_best(levels: dict[int, int], highest_first: bool, depth: int) -> tuple[list[int], list[int]]:
    best = sorted(levels.items(), reverse=highest_first)[:depth]
    return [price for price, _ in best], [size for _, size in best]


@given(LEVELS, LEVELS, st.lists(st.tuples(LEVELS, LEVELS), max_size=30), st.integers(1, 5))
def test_the_book_equals_a_dictionary_sorted_after_every_update(
    bids: Levels, asks: Levels, updates: list[tuple[Levels, Levels]], depth: int
) -> None:
    """Size 0 removes a level, any other size sets it, the best come first."""
    book = Book()
    book.replace(bids, asks)
    sides: list[dict[int, int]] = [{price: size for price, size in side if size} for side in (bids, asks)]
    for change in updates:
        book.update(*change)
        for side, levels in zip(sides, change, strict=True):
            for price, size in levels:
                side[price] = size
                if not size:
                    del side[price]
        top = book.top(depth)
        assert (top.bid_ticks, top.bid_lots) == slow_best(sides[0], True, depth)
        assert (top.ask_ticks, top.ask_lots) == slow_best(sides[1], False, depth)


def test_updates_wait_for_the_snapshot_and_what_it_contains_is_a_repeat() -> None:
    """Updates 5 and 7 came before a snapshot up to 6: 5 is in it, 7 continues it and is the first whole book."""
    chain = BookChain(20, {})
    assert fates(chain.update(update(4, 5, [(10, 9)], []))) == []
    assert fates(chain.update(update(5, 7, [(11, 1)], []))) == []
    (repeat, first) = chain.snapshot(6, [(10, 2)], [(12, 3)])
    assert (repeat.update.last, repeat.top, repeat.reason) == (5, None, REPEAT)
    assert first.top == ([11, 10], [1, 2], [12], [3], True)
    (second,) = chain.update(update(7, 8, [(11, 0)], []))
    assert second.top == ([10], [2], [12], [3], False)


def test_a_missing_update_makes_the_book_unknown_until_the_next_snapshot() -> None:
    """Rows from the gap on are a gap, also those a later snapshot contains: their books are lost."""
    chain = BookChain(20, {})
    list(chain.snapshot(6, [(10, 2)], [(12, 3)]))
    assert fates(chain.update(update(6, 7, [], []))) == [(7, None)]
    assert fates(chain.update(update(8, 9, [], []))) == []
    assert fates(chain.update(update(9, 10, [], []))) == []
    assert fates(chain.snapshot(9, [(10, 2)], [(12, 3)])) == [(9, "sequence_gap"), (10, None)]
    assert fates(chain.update(update(11, 12, [], []))) == []
    assert fates(chain.finish()) == [(12, "sequence_gap")]


def test_an_update_sent_twice_is_a_repeat_and_an_old_snapshot_changes_nothing() -> None:
    """The book goes on where it was."""
    chain = BookChain(20, {})
    list(chain.snapshot(6, [(10, 2)], [(12, 3)]))
    list(chain.update(update(6, 8, [(11, 1)], [])))
    assert fates(chain.update(update(6, 8, [(11, 1)], []))) == [(8, REPEAT)]
    assert fates(chain.snapshot(7, [(1, 1)], [(2, 1)])) == []
    (outcome,) = chain.update(update(8, 9, [], []))
    assert outcome.top == ([11, 10], [1, 2], [12], [3], False)


def test_the_state_carries_the_book_into_the_next_file() -> None:
    """Two files give what one gives."""
    whole, first = BookChain(20, {}), BookChain(20, {})
    for chain in (whole, first):
        list(chain.snapshot(6, [(10, 2)], [(12, 3)]))
        list(chain.update(update(6, 7, [(9, 1)], [])))
        list(chain.finish())
    second = BookChain(20, first.state())
    last = update(7, 8, [(11, 1)], [(12, 0), (13, 1)])
    assert list(second.update(last)) == list(whole.update(last))
