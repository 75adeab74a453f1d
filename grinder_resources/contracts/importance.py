"""The importance table: which inputs move a model's answers, over rows it was not fitted on.

One table a model, replaced whole. Everything is an integer, so that equal boosters and rows give equal hashes.
"""

import polars as pl

from grinder_resources.contracts.table import Table, optional, required

_TEXT, _COUNT = pl.String(), pl.Int64()


def importance_table(model: str) -> Table:
    """Return `reports/importance/<model>`: one row per head, class and input."""
    by_input = ("head", "class", "input")
    return Table(
        name=f"reports/importance/{model}",
        doc="How far each input moves each margin: exact Shapley values (TreeSHAP) over open rows of the test days.",
        columns=(
            required("head", _TEXT, "head of the model"),
            required("class", _TEXT, "class the probability is of; empty for a regression"),
            required("input", _TEXT, "column of the design matrix"),
            required("rank", pl.Int32(), "place by mean_abs_x1e6 among the inputs of the head and class, from 1"),
            required("mean_abs_x1e6", _COUNT, "mean size of the contribution to the margin x 1e6, rounded down"),
            required("mean_x1e6", _COUNT, "mean contribution to the margin x 1e6, rounded down"),
            required("share_bps", _COUNT, "mean_abs_x1e6 in bps of its sum over all inputs, rounded down"),
            optional(
                "direction_ppm",
                _COUNT,
                "rank correlation (Spearman) of value and contribution x 1e6: above 0, larger values raise the margin; "
                "null where one of them does not vary",
                at_least=-1_000_000,
                at_most=1_000_000,
            ),
            required("rows", _COUNT, "rows it was taken over"),
        ),
        sort_by=by_input,
        key=by_input,
    )
