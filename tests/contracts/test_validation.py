"""The contract check: the one-pass verdict is pandera's verdict, and a failure is worded."""

from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.contracts.table import DAY, Table, optional, required
from grinder_resources.contracts.validation import keeps_contract, pandera_schema, schema_failures

TABLE = Table(
    name="silver/small",
    doc="A small table.",
    columns=(
        DAY,
        required("share", pl.Int32(), "a share", at_least=0, at_most=5),
        optional("size", pl.Int64(), "a size", at_least=1),
        required("name", pl.String(), "a name"),
    ),
    sort_by=("name",),
    key=("name",),
)
ROW = st.tuples(
    st.one_of(st.none(), st.integers(-1, 6)),
    st.one_of(st.none(), st.integers(0, 2)),
    st.one_of(st.none(), st.sampled_from("abcdef")),
)


def frame(rows: list[tuple[int | None, int | None, str | None]]) -> pl.DataFrame:
    return pl.DataFrame([(date(2025, 1, 6), *row) for row in rows], schema=TABLE.schema, orient="row")


@settings(deadline=None, max_examples=80)
@given(st.lists(ROW, max_size=4))
def test_the_quick_verdict_is_panderas(rows: list[tuple[int | None, int | None, str | None]]) -> None:
    """Nulls, bounds and keys: both say the same of any rows."""
    from pandera.errors import SchemaErrors

    try:
        pandera_schema(TABLE).validate(frame(rows), lazy=True)
        kept = True
    except SchemaErrors:
        kept = False
    assert keeps_contract(TABLE, frame(rows)) == kept


def test_failures_are_worded() -> None:
    """A value out of bounds is named with its column, a repeated key with the rule."""
    assert schema_failures(TABLE, frame([(6, 1, "a")])) == ["share: less_than_or_equal_to(5)"]
    assert schema_failures(TABLE, frame([(1, 1, "a"), (2, 1, "a")])) == ["table: multiple_fields_uniqueness"]


def test_other_columns_do_not_keep_the_contract() -> None:
    """A missing, extra, retyped or moved column fails."""
    good = frame([(1, 1, "a")])
    assert keeps_contract(TABLE, good)
    assert not keeps_contract(TABLE, good.drop("size"))
    assert not keeps_contract(TABLE, good.with_columns(more=pl.lit(1)))
    assert not keeps_contract(TABLE, good.with_columns(pl.col("share").cast(pl.Int64)))
    assert not keeps_contract(TABLE, good.select("share", "date", "size", "name"))
