"""Calibration: from the exact margin of a head to a probability that means what it says.

A calibrator that saw the rows its booster was fitted on would learn how well the booster remembers. So nothing here
takes a dataset, a booster or a split: the only rows accepted are answers of walk-forward folds (`ANSWERS`), each given
by a booster fitted on earlier days, and of those only open rows with a label are used.

The fit is isotonic regression (Ayer et al. 1955, pool adjacent violators) on groups of rows, with integers throughout:
the same answers give the same table, in any order of rows. Margins are int64 in units of 2^-16, probabilities bps.
"""

import math
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType

import numpy as np
import polars as pl
from numpy.typing import NDArray

from grinder_resources.contracts.artifacts import LEAF_GRID_BITS
from grinder_resources.contracts.calibration import CERTAIN_BPS, Calibration, StepTable
from grinder_resources.contracts.exact import half_even
from grinder_resources.contracts.instruments import NS_PER_DAY
from grinder_resources.errors import SchemaMismatch
from grinder_resources.learning.coherence import Bps, apply_rules, rules_for, sum_to_certain
from grinder_resources.learning.isotonic import Prior, grouped, pooled
from grinder_resources.learning.model_spec import Head, ModelSpec

Margins = NDArray[np.int64]

ANSWERS = MappingProxyType(
    {
        "venue": pl.String(),
        "symbol": pl.String(),
        "ts_ns": pl.Int64(),
        "row_id": pl.String(),
        "head": pl.String(),
        "class": pl.String(),
        "settled": pl.Boolean(),
        "label": pl.Float64(),
        "margin_q16": pl.Int64(),
    }
)
"""What is read of the answers of a fold, one row per test row, head and class; `label` is null where there is none."""

MIN_ROWS = 1_000
"""Rows below which isotonic regression follows noise more than it repairs (Niculescu-Mizil and Caruana 2005)."""

MIN_CLASS_ROWS = 50
"""Rows needed of the class, and of the rest: with fewer the shape of a table is that of single rows."""

MIN_DAYS = 3
"""Days they come from: a table learned from one or two is the mood of those days (Brier +20 % on three US stocks)."""

LINK_STEP_BPS = 25
LOWEST_BPS = LINK_STEP_BPS // 2
_ROW_KEY = ("ts_ns", "venue", "symbol", "row_id")


def margins_q16(margin: NDArray[np.floating]) -> Margins:
    """Return margins, finite floats of any shape, in units of 2^-16; exact where leaves lie on that grid."""
    return np.rint(margin.astype(np.float64) * (1 << LEAF_GRID_BITS)).astype(np.int64)


def class_gaps_q16(margin_q16: Margins) -> Margins:
    """Return int64 [rows, classes]: each class's margin minus the largest margin of the others; two classes or more."""
    ordered = np.sort(margin_q16, axis=1)
    largest, second = ordered[:, -1:], ordered[:, -2:-1]
    return margin_q16 - np.where(margin_q16 == largest, second, largest)


def lookup(table: StepTable, margin_q16: Margins) -> Bps:
    """Return the bps of each margin, int32 of the same shape; a cut belongs to the step it begins."""
    steps = np.searchsorted(np.array(table.cuts_q16, dtype=np.int64), margin_q16, side="right")
    return np.array(table.values_bps, dtype=np.int32)[steps]


@lru_cache(maxsize=1)
def logistic_table() -> StepTable:
    """Return the logistic function 1 / (1 + exp(-margin)) in steps of 25 bps, never off by more than 12.5 bps.

    A step begins where the function passes the middle between two values. The ends are 12 and 9988 bps, not 0 and
    10,000: no finite margin is a certainty.
    """
    return _link_table(lambda share: (share / (1 - share)).ln(), highest=CERTAIN_BPS - LOWEST_BPS)


@lru_cache(maxsize=1)
def softmax_table() -> StepTable:
    """Return the weight 10000 x exp(min(lead, 0)) of a class in steps of 25 bps, `lead` as in `class_gaps_q16`.

    A class that trails is exp(lead) times as likely as the one in front, so `coherence.sum_to_certain` makes a softmax
    of these weights, at most 40 bps off where there are three classes.
    """
    return _link_table(lambda share: share.ln(), highest=CERTAIN_BPS)


def _link_table(inverse: Callable[[Decimal], Decimal], highest: int) -> StepTable:
    """Return the steps of a link function from its inverse; Decimal rounds logarithms alike on every machine."""
    values = range(0, CERTAIN_BPS + 1, LINK_STEP_BPS)
    middles = (Decimal(2 * value + LINK_STEP_BPS) / (2 * CERTAIN_BPS) for value in values[:-1])
    cuts = tuple(math.ceil(inverse(middle) * (1 << LEAF_GRID_BITS)) for middle in middles)
    return StepTable(cuts, tuple(min(max(value, LOWEST_BPS), highest) for value in values), "logistic", 0)


def fit_step_table(margin_q16: Margins, label: NDArray[np.generic]) -> StepTable:
    """Return the isotonic step table of out-of-fold rows: margins int64 [rows], labels 0 / 1 [rows] of any type.

    The logistic table where there are fewer than MIN_ROWS rows, or fewer than MIN_CLASS_ROWS of either class. Rows are
    grouped before they are pooled (`learning.isotonic`), so no step rests on a handful. Its value is the share of its
    rows and one made-up row, worth the share of all rows: no step says never or always. A step begins halfway to its
    left neighbour.
    """
    rows, positive = len(label), np.asarray(label == 1)
    positives = int(positive.sum())
    if rows < MIN_ROWS or min(positives, rows - positives) < MIN_CLASS_ROWS:
        return logistic_table()
    prior = Prior(1, positives, rows)
    blocks = pooled(pooled(grouped(margin_q16, positive)), prior)
    values = [half_even(CERTAIN_BPS * part, whole) for part, whole in map(prior.fraction, blocks)]
    # Shares that differ may round to one value: that is one step.
    rises = [number for number in range(1, len(blocks)) if values[number] > values[number - 1]]
    cuts = tuple(-(-(blocks[number - 1].last + blocks[number].first) // 2) for number in rises)
    return StepTable(cuts, (values[0], *(values[number] for number in rises)), "isotonic", rows)


def fit_calibration(spec: ModelSpec, answers: pl.DataFrame) -> Calibration:
    """Return the step tables of every output of every head that is no regression, and the spec's coherence rules.

    answers
        Answers as in ANSWERS of any number of folds of one walk-forward mode, in any order; none is fine. Settled rows
        and rows without a label are left out. A head whose answers come from fewer than MIN_DAYS days, or of which one
        output has too few rows (`fit_step_table`), keeps its own link: logistic, or softmax for a multiclass head.

    `spacing` is not learned from answers but from train rows, see `learning.spacing`. Raises SchemaMismatch where
    `answers` is something else.
    """
    known = _checked(answers).filter(~pl.col("settled"), pl.col("label").is_not_null())
    heads = [head for head in spec.heads if head.kind != "regression"]
    return Calibration(
        tables=MappingProxyType({head.name: _fitted_tables(head, known) for head in heads}),
        rules=spec.coherence,
    )


def _fitted_tables(head: Head, known: pl.DataFrame) -> tuple[StepTable, ...]:
    """Return the tables of a head, fitted for all its outputs or for none: shares and weights do not mix."""
    answered = _ordered(head, known)
    labels, scale = answered["label"].to_numpy().reshape(-1, len(head.outputs)), _scale_q16(head, answered)
    tables = [fit_step_table(scale[:, column], labels[:, column]) for column in range(len(head.outputs))]
    enough_days = (answered["ts_ns"] // NS_PER_DAY).n_unique() >= MIN_DAYS
    if enough_days and all(table.method == "isotonic" for table in tables):
        return tuple(tables)
    return (softmax_table() if head.kind == "multiclass" else logistic_table(),) * len(head.outputs)


def calibrated_bps(spec: ModelSpec, answers: pl.DataFrame, calibration: Calibration) -> pl.Series:
    """Return the calibrated, coherent bps of every row of `answers`, Int32 in their order, null for regressions.

    Step tables, then probabilities of a multiclass head made to sum to 10,000, then the rules between the heads of a
    dataset row, as far as the heads that answered allow: what the exported graph answers. `answers` is as in ANSWERS,
    of one fold: every head answers the same dataset rows. Raises SchemaMismatch where that is not so.
    """
    numbered = _checked(answers).with_row_index("place")
    by_head = {head.name: _ordered(head, numbered) for head in spec.heads if head.kind != "regression"}
    by_head = {name: rows for name, rows in by_head.items() if rows.height}
    _require_same_rows(by_head)
    bps = {head.name: _head_bps(head, by_head[head.name], calibration) for head in spec.heads if head.name in by_head}
    single = {name: values[:, 0] for name, values in bps.items() if values.shape[1] == 1}
    for name, values in apply_rules(rules_for(calibration.rules, single), single).items():
        bps[name] = values[:, None]
    empty = pl.DataFrame(schema={"place": pl.UInt32(), "calibrated_bps": pl.Int32()})
    placed = [by_head[name].select("place", pl.Series("calibrated_bps", bps[name].ravel())) for name in bps]
    return numbered.select("place").join(pl.concat([empty, *placed]), on="place", how="left", maintain_order="left")[
        "calibrated_bps"
    ]


def _head_bps(head: Head, answered: pl.DataFrame, calibration: Calibration) -> Bps:
    scale = _scale_q16(head, answered)
    looked_up = [lookup(table, scale[:, column]) for column, table in enumerate(calibration.tables[head.name])]
    bps = np.stack(looked_up, axis=1)
    return sum_to_certain(bps.astype(np.int64)) if head.kind == "multiclass" else bps


def _scale_q16(head: Head, answered: pl.DataFrame) -> Margins:
    """Return what the tables of a head are looked up at, int64 [rows, outputs]."""
    margin = answered["margin_q16"].to_numpy().reshape(-1, len(head.outputs))
    return class_gaps_q16(margin) if head.kind == "multiclass" else margin


def _ordered(head: Head, answers: pl.DataFrame) -> pl.DataFrame:
    """Return the answers of a head, dataset row by dataset row, its classes in their order."""
    of_head = answers.filter(pl.col("head") == head.name)
    codes = pl.col("class").replace_strict(list(head.outputs), range(len(head.outputs)), return_dtype=pl.Int32)
    return of_head.sort(*_ROW_KEY, codes)


def _checked(answers: pl.DataFrame) -> pl.DataFrame:
    wrong = {name: answers.schema.get(name) for name, kind in ANSWERS.items() if answers.schema.get(name) != kind}
    if wrong:
        raise SchemaMismatch(
            "only answers of walk-forward folds can be calibrated",
            where="answers",
            got=", ".join(f"{name}: {kind or 'absent'}" for name, kind in wrong.items()),
            expected=", ".join(f"{name}: {ANSWERS[name]}" for name in wrong),
        )
    return answers.select(*ANSWERS)


def _require_same_rows(by_head: dict[str, pl.DataFrame]) -> None:
    keys = {name: rows.select(_ROW_KEY).unique(maintain_order=True) for name, rows in by_head.items()}
    first = next(iter(keys), "")
    others = [name for name, rows in keys.items() if not rows.equals(keys[first])]
    if others:
        raise SchemaMismatch(
            "every head of a fold answers the same rows",
            where="answers",
            got=", ".join(f"{name}: {keys[name].height} rows" for name in others[:3]),
            expected=f"the {keys[first].height} rows of {first}",
        )
