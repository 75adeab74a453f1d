"""The toxicity report's tables: regimes and what followed them, how often that was said, and what ranks minutes.

Replaced whole by the latest report. All rows are out of fold: the model that answers a minute was fitted on earlier
days, and what LOW, MID and HIGH mean was decided there.
"""

import polars as pl

from grinder_resources.contracts.table import Table, optional, required

_TEXT, _INT, _FLOAT = pl.String(), pl.Int64(), pl.Float64()
_REGIME = "LOW, MID or HIGH"

CUTS = Table(
    name="reports/toxicity/cuts",
    doc="Which volatilities are LOW, MID and HIGH in each fold: terciles of its training days.",
    columns=(
        required("fold", pl.Int32(), "fold of the walk-forward, from 1"),
        required("day", pl.Date(), "its test day"),
        required("low_x1000", _INT, "volatility of a minute up to which it is LOW, bps x 1000"),
        required("mid_x1000", _INT, "volatility up to which it is MID; above, it is HIGH"),
    ),
    sort_by=("fold",),
    key=("fold",),
)

TRANSITIONS = Table(
    name="reports/toxicity/transitions",
    doc="One row a pair of regimes: how often the second followed the first, and how often that was said.",
    columns=(
        required("current", _TEXT, f"regime of the minute before the decision, {_REGIME}"),
        required("next", _TEXT, f"regime of the minute after it, {_REGIME}"),
        required("rows", _INT, "minutes in which it came so"),
        required("said", _INT, "minutes with this current regime in which this next one was the most likely"),
        required("right", _INT, "of these, minutes in which it came"),
        required(
            "mean_probability_bps", _INT, "its mean calibrated probability over all minutes with this current one"
        ),
    ),
    sort_by=("current", "next"),
    key=("current", "next"),
)

MEASURES = (
    "right",
    "stay_right",
    "reference_right",
    "over_staying",
    "over_reference",
    "changed",
    "change_said",
    "change_caught",
    "change_true",
)
"""Shares of minutes: the most likely regime came; the current one came; the reference's came; the differences; the
regime changed; a change was said; of the changes, those that were said with the regime that came; of the changes that
were said, those that came as said."""

HIT_RATES = Table(
    name="reports/toxicity/hit_rates",
    doc="Shares of minutes with 95 % intervals of a bootstrap over hours, from each current regime and from all.",
    columns=(
        required("current", _TEXT, f"{_REGIME}, or all"),
        required("measure", _TEXT, "one of MEASURES"),
        required("rows", _INT, "minutes the share is of"),
        required("value", _FLOAT, "the share, or the difference of two"),
        optional("low", _FLOAT, "2.5 % quantile; null with too little data"),
        optional("high", _FLOAT, "97.5 % quantile"),
    ),
    sort_by=("current", "measure"),
    key=("current", "measure"),
)

RANKING = Table(
    name="reports/toxicity/ranking",
    doc="AUC of what may rank minutes by toxicity, against what was observed and, in the demo market, what was hidden.",
    columns=(
        required("against", _TEXT, "observed: the next minute's volatility; hidden: the demo market's own regime"),
        required("question", _TEXT, "what a positive minute is"),
        required("score", _TEXT, "what ranks: model, reference, volatility_60s_x1000, or a score input's column"),
        required("rows", _INT, "minutes, the same for every score of a question"),
        required("positives", _INT, "of them, positive"),
        required("auc", _FLOAT, "chance that a positive minute is ranked above another; 0.5 = a coin toss"),
        optional("low", _FLOAT, "2.5 % quantile of a bootstrap over hours; null with too little data"),
        optional("high", _FLOAT, "97.5 % quantile"),
    ),
    sort_by=("against", "question", "score"),
    key=("against", "question", "score"),
)

INPUTS_BY_REGIME = Table(
    name="reports/toxicity/inputs_by_regime",
    doc="The composite score and its inputs at the decision, by the regime of the minute after it.",
    columns=(
        required("input", _TEXT, "column of gold/training/toxicity"),
        required("next", _TEXT, _REGIME),
        required("rows", _INT, "minutes in which it is known"),
        required("quarter_x1000", _INT, "a quarter of the minutes lies at or below it"),
        required("median_x1000", _INT, "half of them do"),
        required("three_quarters_x1000", _INT, "three quarters of them do"),
    ),
    sort_by=("input", "next"),
    key=("input", "next"),
)
