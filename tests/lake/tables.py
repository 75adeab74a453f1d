"""A small table of days that tests of the lake and of what is packed from it share."""

import polars as pl

from grinder_resources.contracts.table import DAY, Table, optional, required

PRICES = Table(
    name="bronze/prices",
    doc="A small table.",
    columns=(
        DAY,
        required("n", pl.Int64(), "a number"),
        optional("text", pl.String(), "a text"),
        required("levels", pl.List(pl.Int64()), "some numbers"),
    ),
    sort_by=("n",),
)
