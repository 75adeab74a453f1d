"""What a process that serves a model needs beside its graph: `serving.json` of an artifact.

Facts only. Values of inputs are float32, held as Python floats; None = a missing value.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Row = tuple[float | None, ...]


@dataclass(frozen=True)
class Golden:
    """Rows whose answers are known: what a session has to answer before it is trusted on this machine.

    inputs
        [rows][features] in the order of the manifest's `input_features`.
    outputs
        [rows][width] by name: every integer output of the graph.
    """

    inputs: tuple[Row, ...]
    outputs: Mapping[str, tuple[tuple[int, ...], ...]]


@dataclass(frozen=True)
class Reference:
    """How one input lay in the training rows, to be held against what a process sees.

    cuts
        Strictly ascending values that occurred, at most nine: bin i holds cuts[i - 1] <= value < cuts[i].
    counts
        Training rows by bin, one more than there are cuts.
    missing
        Training rows without a value.
    """

    cuts: tuple[float, ...]
    counts: tuple[int, ...]
    missing: int


@dataclass(frozen=True)
class Serving:
    """What `serving.json` holds.

    trained_until
        ISO day: the last whose rows were fitted or stopped a fit.
    nullable
        Inputs that were null in some training row; a null in any other has never been seen.
    reference
        By input, in the order of `input_features`.
    covers
        By explained head, the training weight (XGBoost's sum of hessians) of every node of its trees, in the order of
        the node attributes of the graph's operator. Multiclass heads are explained.
    """

    trained_until: str
    nullable: tuple[str, ...]
    golden: Golden
    reference: Mapping[str, Reference]
    covers: Mapping[str, tuple[float, ...]]
