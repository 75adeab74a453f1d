"""Tables of monitoring: what a model in use answered and what came of it, sketches of its inputs, and what drifted.

A sketch is a count of rows by bin. Bins are cut at values of the training rows, so they are the model's own: a sketch
names the model by its hash, and sketches of one model add up.
"""

import polars as pl

from grinder_resources.contracts.table import DAY, SYMBOL, TS, VENUE, Table, optional, required

ANSWER_PREFIX = "answer:"
"""Start of the name that the answers of a head go by among sketches: `answer:<head>` or `answer:<head>/<class>`."""

HOUR_NS = 3_600_000_000_000
DAY_HOURS = 24

_MODEL = required("model_hash", pl.String(), "hash of the model's graph, 16 hex characters")
_FEATURE = required("feature", pl.String(), "input of the model, or `answer:<head>/<class>`")
_COUNTS = required("counts", pl.List(pl.Int64()), "rows by bin, one more than there are cuts")
_MISSING = required("missing", pl.Int64(), "rows without a value", at_least=0)
_HEAD = required("head", pl.String(), "head of the model")
_CLASS = required("class", pl.String(), "class whose probability is the answer; '' of a regression")


def predictions_log_table(model: str) -> Table:
    """Return the contract of `monitoring/predictions/<model>`: one row an answer, with its outcome once it is known."""
    return Table(
        name=f"monitoring/predictions/{model}",
        doc=f"What {model} answered about a day, as its process logged it or as the served model answers it again.",
        columns=(
            DAY,
            VENUE,
            SYMBOL,
            TS,
            required("row_id", pl.String(), "name of the dataset row"),
            required("source", pl.String(), "logged: by a trading process; replayed: answered again from the lake"),
            _MODEL,
            required("features_hash", pl.String(), "hash of the inputs that were read, 16 hex characters"),
            optional("recomputed_hash", pl.String(), "of the inputs the lake has; null where there is no such row"),
            _HEAD,
            _CLASS,
            required("answer", pl.Int64(), "bps of the class, or the regression's number"),
            optional(
                "outcome",
                pl.Int64(),
                "1 if the class came true, else 0; or the number; null while not known, and where it was at decision "
                "time already",
            ),
        ),
        sort_by=("venue", "symbol", "ts_ns", "row_id", "head", "class", "source", "model_hash", "features_hash"),
    )


def sketches_table(model: str) -> Table:
    """Return the contract of `monitoring/sketches/<model>`: inputs and answers of a day by hour, counted by bin."""
    return Table(
        name=f"monitoring/sketches/{model}",
        doc=f"Inputs and answers of {model}, counted by hour in the bins of its training rows.",
        columns=(
            DAY,
            required("hour", pl.Int32(), "UTC hour of the day", at_least=0, at_most=23),
            _MODEL,
            _FEATURE,
            _COUNTS,
            _MISSING,
        ),
        sort_by=("hour", "model_hash", "feature"),
        key=("hour", "model_hash", "feature"),
    )


def references_table(model: str) -> Table:
    """Return the contract of `monitoring/references/<model>`: how inputs and answers lay when the model was made."""
    return Table(
        name=f"monitoring/references/{model}",
        doc=f"Inputs of the training rows of {model}, and its answers to rows it was not fitted on, counted by bin.",
        columns=(
            _MODEL,
            _FEATURE,
            required("cuts", pl.List(pl.Float64()), "ascending; bin i holds cuts[i - 1] <= value < cuts[i]"),
            _COUNTS,
            _MISSING,
            required(
                "days",
                pl.List(pl.List(pl.Int64())),
                "rows of each single day, in order of time: those without a value, then those in each decile of all",
            ),
        ),
        sort_by=("model_hash", "feature"),
        key=("model_hash", "feature"),
    )


def drift_table(model: str) -> Table:
    """Return the contract of `monitoring/drift/<model>`: every finding of the newest report."""
    share = pl.Float64()
    return Table(
        name=f"monitoring/drift/{model}",
        doc=f"How the last hours of {model} lie against its training rows: inputs, answers, calibration, losses, skew.",
        columns=(
            _MODEL,
            required("kind", pl.String(), "feature, prediction, calibration, performance or skew"),
            required("name", pl.String(), "input, answer or source the finding is about"),
            required("rows", pl.Int64(), "rows of the window that were looked at", at_least=0),
            optional("statistic", share, "Kolmogorov-Smirnov distance at the cuts, or the change in the metric"),
            optional(
                "effect",
                share,
                "population stability index; points of probability (calibration); the share by which a loss grew "
                "(performance); share of decisions (skew)",
            ),
            optional(
                "usual",
                share,
                "largest index of one training day against the others, to be passed; null where it is not known",
            ),
            optional("p_value", share, "of the statistic under no change; null where it is not a test"),
            optional("q_value", share, "smallest false discovery rate at which the finding counts"),
            required("state", pl.String(), "ok, warning, critical, or unknown where there are too few rows"),
            required("sentence", pl.String(), "the finding in words"),
        ),
        sort_by=("kind", "name"),
        key=("kind", "name"),
    )
