"""What proofs share: the first difference of two tables, and work in fresh processes."""

import polars as pl
import pytest

from grinder_resources.errors import ProofFailed
from grinder_resources.proofs.rebuild import Difference, first_difference
from grinder_resources.proofs.workers import in_fresh_process

ROWS = pl.DataFrame({"id": [1, 2, 3], "size": [10, None, 30], "side": ["a", "b", "c"]})


def changed(row: int, **values: object) -> pl.DataFrame:
    here = pl.col("id") == row
    return ROWS.with_columns(
        pl.when(here).then(pl.lit(v)).otherwise(pl.col(name)).alias(name) for name, v in values.items()
    )


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (ROWS, None),
        (ROWS.reverse(), None),
        (changed(3, size=31), Difference((3,), "size", "30", "31")),
        (changed(2, size=0, side="z"), Difference((2,), "size", "None", "0")),
        (
            pl.concat([changed(3, side="z").filter(pl.col("id") > 1), changed(1, side="y").head(1)]),
            Difference((1,), "side", "a", "y"),
        ),
        (ROWS.head(2), Difference((3,), "", "a row", "no row")),
        (pl.concat([ROWS, ROWS.head(1).with_columns(id=pl.lit(9, pl.Int64))]), Difference((9,), "", "no row", "a row")),
    ],
)
def test_the_first_difference_is_by_key_and_then_by_column(got: pl.DataFrame, expected: Difference | None) -> None:
    """The order of rows does not matter, null equals null, and a missing row is a difference."""
    assert first_difference(ROWS, got, ["id"]) == expected


@pytest.mark.parametrize("threads", [1, 3])
def test_a_fresh_process_has_as_many_threads_as_it_is_told(threads: int) -> None:
    """Polars was imported here long ago; there it comes up with another pool."""
    assert in_fresh_process(threads, pl.thread_pool_size) == threads


def refuse() -> None:
    raise ProofFailed("no", where="here", got="1", expected="2", hint="Look again")


def test_a_refusal_comes_back_whole() -> None:
    """The line is the same as where it was raised."""
    with pytest.raises(ProofFailed) as raised:
        in_fresh_process(None, refuse)
    assert raised.value.line() == "PROOF_FAILED: no (here; got 1; expected 2). Look again"
