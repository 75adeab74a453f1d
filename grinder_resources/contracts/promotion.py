"""The promotion table: what stands between a model and the bot, answer by answer.

One table a model, replaced whole by the latest check. Reports are for people, so floats are allowed.
"""

import polars as pl

from grinder_resources.contracts.table import Table, optional, required

_TEXT, _COUNT, _FLOAT = pl.String(), pl.Int64(), pl.Float64()


def promotion_table(model: str) -> Table:
    """Return `reports/promotion/<model>`: one row per head and class of the mode that was checked."""
    by_answer = ("mode", "head", "class")
    return Table(
        name=f"reports/promotion/{model}",
        doc="Evidence of every answer against the gates of a promotion. What is not known does not pass.",
        columns=(
            required("mode", _TEXT, "walk-forward mode: expanding or rolling"),
            required("head", _TEXT, "head of the model"),
            required("class", _TEXT, "class the probability is of; empty for a regression"),
            required("rows", _COUNT, "open out-of-fold rows"),
            optional("auc", _FLOAT, "pooled area under the ROC curve of the calibrated answers; null for a regression"),
            optional("auc_low", _FLOAT, "2.5 % quantile of auc"),
            optional("auc_high", _FLOAT, "97.5 % quantile of auc"),
            optional("auc_beyond", _FLOAT, "auc among rows that the reference answers alike (evaluation.ranking)"),
            optional("auc_beyond_low", _FLOAT, "2.5 % quantile of auc_beyond"),
            optional("auc_beyond_high", _FLOAT, "97.5 % quantile of auc_beyond"),
            optional("skill", _FLOAT, "pooled 1 - squared error / squared error of the reference, before calibration"),
            optional("skill_low", _FLOAT, "2.5 % quantile of skill"),
            optional("skill_high", _FLOAT, "97.5 % quantile of skill"),
            optional("ece_high", _FLOAT, "97.5 % quantile of the expected calibration error; null for a regression"),
            required("blocks", _COUNT, "hours with open rows"),
            optional("sharpe", _FLOAT, "mean over standard deviation of what the answers saved in an hour"),
            required("trials", _COUNT, "distinct trials on the dataset that the ledger holds"),
            optional("sharpe_by_luck", _FLOAT, "sharpe that the best of so many worthless trials would show"),
            optional("dsr", _FLOAT, "deflated Sharpe ratio: the probability that the true sharpe exceeds that"),
            optional("pbo", _FLOAT, "probability of backtest overfitting among the trials; the same in every row"),
            required("codes", _TEXT, "what speaks against the answer, codes joined by spaces; empty if nothing does"),
            required("verdict", _TEXT, "the sentence a report prints"),
        ),
        sort_by=by_answer,
        key=by_answer,
    )
