"""Proof of the fold store: kept folds, fitted once more from the Gold rows in an empty place, are the same folds.

Only folds of the present rows, spec and code can be the same; others are never read by a run and not looked at here.
The fits are on the ledger, marked as repetitions.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grinder_resources.datasets import gold_table
from grinder_resources.errors import NoData, ProofFailed
from grinder_resources.hashing import sha256_rows
from grinder_resources.lake import Lake
from grinder_resources.learning.fold_store import FoldResult, FoldStore
from grinder_resources.learning.folds import present_folds, run_folds
from grinder_resources.learning.ledger import Ledger
from grinder_resources.learning.model_spec import ModelSpec
from grinder_resources.progress import track


@dataclass(frozen=True)
class RebuiltFold:
    """A fold as it was kept, and as it was fitted anew."""

    model: str
    cached: FoldResult
    rebuilt: FoldResult

    @property
    def name(self) -> str:
        """The fold by its days."""
        train, test = self.cached.split.train, self.cached.split.test
        return f"{self.model} {train[0]} to {train[-1]}, test {test[0]}"

    @property
    def equal(self) -> bool:
        """Whether answers, boosters and reasons are the same."""
        return self.cached.sha256 == self.rebuilt.sha256

    @property
    def differing(self) -> list[str]:
        """The heads that are not the same."""
        left, right = _by_head(self.cached), _by_head(self.rebuilt)
        return sorted(head for head in left.keys() | right.keys() if left.get(head) != right.get(head))

    def require_equal(self) -> None:
        """Raise ProofFailed naming the fold and the heads that differ, if any does."""
        if not self.equal:
            raise ProofFailed(
                "a fold fitted from scratch is another fold",
                where=f"{self.name}: {', '.join(self.differing) or 'no head'}",
                got=self.rebuilt.sha256[:16],
                expected=self.cached.sha256[:16],
                hint="Remove the folds folder; then look for what the fold key leaves out.",
            )


def rebuild_folds(
    specs: Sequence[ModelSpec],
    lake: Lake,
    store: FoldStore,
    ledger: Ledger,
    *,
    code_version: str,
    count: int,
    seed: int,
) -> list[RebuiltFold]:
    """Return `count` kept folds of the specs, or all if there are fewer, beside what fitting them anew gives.

    `seed` decides which. Raises NoData if none of them is of the present rows, spec and code.
    """
    frames = {spec.name: lake.read(gold_table(lake, spec.dataset)) for spec in specs if store.stored(spec.name)}
    kept = [
        (spec, fold)
        for spec in specs
        if spec.name in frames
        for fold in present_folds(spec, frames[spec.name], store, code_version)
    ]
    if not kept:
        raise NoData(
            "no fold is kept of these rows and this code", where=str(store.root), hint="Run `grinder run` first."
        )
    chosen = np.random.default_rng(seed).permutation(len(kept))[:count]
    rebuilt = []
    for spec, cached in track([kept[number] for number in sorted(chosen)], desc="folds", total=len(chosen)):
        with tempfile.TemporaryDirectory() as folder:
            again = run_folds(
                spec,
                frames[spec.name],
                [cached.split],
                store=FoldStore(Path(folder)),
                ledger=ledger.verifying(),
                code_version=code_version,
            )
        rebuilt.append(RebuiltFold(spec.name, cached, again[cached.split]))
    return rebuilt


def _by_head(fold: FoldResult) -> dict[str, tuple[str, str]]:
    """Return the hashes of a head's booster and answers, or why it has none, by head."""
    answers = {rows["head"][0]: sha256_rows(rows) for rows in fold.answers.partition_by("head", maintain_order=True)}
    fitted = {head: (booster, answers.get(head, "")) for head, booster in fold.boosters.items()}
    return fitted | {head: (why, "") for head, why in fold.reasons.items()}
