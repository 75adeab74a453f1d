"""References: what can be said without a model, from the few columns that a trader looks at anyway.

A base rate is too low a bar where one look at the price says most of the answer. The reference of a spec is a booster
of the same settings on the spec's `reference` columns alone, fitted on the same open rows and stopped by the same days.
Only what a model knows beyond it is the model's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from grinder_resources.errors import SchemaMismatch
from grinder_resources.learning.boosters import Floats, Values
from grinder_resources.learning.ledger import Ledger
from grinder_resources.learning.matrix import design_matrix
from grinder_resources.learning.selection import FeatureSet
from grinder_resources.learning.splits import Parts, Rows
from grinder_resources.learning.training import FittedHead, Prepared, fit_heads


@dataclass(frozen=True)
class FittedReference:
    """The reference of every head on one split.

    values
        float32 [all rows, reference columns].
    heads
        Fitted heads by name; a head that is not among them is answered with its base rate.
    """

    values: Values
    heads: Mapping[str, FittedHead]

    def answers(self, fitted: FittedHead, rows: Rows) -> Floats:
        """Return what a head has to beat, float64 [rows, outputs]."""
        reference = self.heads.get(fitted.head.name)
        if reference is None:
            return np.tile(fitted.base_rates, (len(rows), 1))
        return reference.predict(self.values[rows])[1]


def prepare_reference(prepared: Prepared) -> Prepared | None:
    """Return the same rows and labels with the spec's reference columns as their only inputs; None if it names none.

    Raises SchemaMismatch naming reference columns that the dataset lacks.
    """
    spec, columns = prepared.spec, prepared.spec.reference
    missing = [name for name in columns if name not in prepared.frame.columns]
    if missing:
        raise SchemaMismatch(
            "columns of the reference are missing",
            where=f"{spec.name}, {spec.dataset}",
            got=f"no {', '.join(missing)}",
            expected=", ".join(columns),
            hint="Promote a feature version that has them.",
        )
    if not columns:
        return None
    features = FeatureSet(numeric=columns, categorical=())
    subject, matrix = f"{spec.name}/reference", design_matrix(prepared.frame, features, {})
    return replace(prepared, subject=subject, features=features, matrix=matrix)


def fit_reference(reference: Prepared | None, parts: Parts, ledger: Ledger) -> FittedReference:
    """Return the reference of every head, fitted as the heads themselves are; of none if there is no reference."""
    if reference is None:
        return FittedReference(np.empty((0, 0), dtype=np.float32), {})
    heads, _ = fit_heads(reference, parts, ledger)
    return FittedReference(reference.matrix.values, {fitted.head.name: fitted for fitted in heads})
