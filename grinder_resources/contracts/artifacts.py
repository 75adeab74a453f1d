"""Facts about a model artifact: what goes into the graph, and what `manifest.json` promises (ML spec 12.4.2).

Every class checks itself on construction, so a manifest that exists in memory is a manifest that may be written, and
the reader needs no second set of rules. What a folder holds on disk is checked elsewhere, against these facts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Literal, cast

from grinder_resources.contracts.calibration import Method, Rule, Spacing, StepTable
from grinder_resources.contracts.requirements import (
    require,
    require_coherence,
    require_count,
    require_labels,
    require_spacing,
    require_unique,
)

SCHEMA_VERSION = 1
FRAMEWORK = "xgboost"
EXPORT_FORMAT = "onnx"

MANIFEST_FILE = "manifest.json"
MODEL_FILE = "model.onnx"
CONFIG_FILE = "config.json"
REPORT_FILE = "train_report.json"
CALIBRATION_FILE = "calibration.json"
CHAIN_FILE = "chain.json"
SERVING_FILE = "serving.json"
BOOSTER_SUFFIX = ".ubj"

MAX_FILE_BYTES = 512 << 20
"""Largest file an artifact may hold, and most bytes of all its files together."""

LEAF_GRID_BITS = 16
"""Every leaf and base value of a head lies on a grid of 2^-16 in margin space."""

EXACT_BOUND = 1 << 24
"""float32 adds integers below 2^24 exactly in any order; partial sums in grid units must stay below it."""

INPUT = "input"
"""Name of the graph's only input: float32 [rows, features]."""

SPACING_OUTPUT = "spacing_multiplier_x1000"
"""Name of the output that says how wide a grid should be, where a model has one: int32 [rows, 1]."""

MAX_UNIT = 1 << 22
"""Margins stay below 2^8, so that a regression answer of this unit fits into 31 bits."""

HeadKind = Literal["binary", "multiclass", "regression"]
HEAD_KINDS: tuple[HeadKind, ...] = ("binary", "multiclass", "regression")

MODEL_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
VERSION = re.compile(r"v(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})")
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HEAD_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHORT_HASH = re.compile(r"[0-9a-f]{16}")
_UTC_SECOND = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)


@dataclass(frozen=True)
class TableFacts:
    """How a step table came about: its method, and the out-of-fold rows it was fitted on (0 for 'logistic')."""

    method: Method
    rows: int

    def __post_init__(self) -> None:
        known = self.method in ("isotonic", "logistic")
        require(known, "a calibration is isotonic or logistic", "calibration.method", self.method)
        require_count(self.rows, "calibration.rows")


@dataclass(frozen=True)
class HeadFacts:
    """One answer of the graph.

    name
        Output name, int32: bps of a probability, or a rounded regression. The exact margin is a second output, float32,
        called `{name}_margin`.
    classes
        Class names in output order: none for regression, two for binary (the second is the one whose probability is the
        output), three or more, or two, for multiclass.
    margin_bound_q16
        Sum over trees of the largest absolute leaf, plus the base, x 2^16. It is below 2^24, and all leaves are
        multiples of 2^-16: so float32 sums of leaves are exact, and every engine, order, batch size and number of
        threads gives the same margin.
    unit
        A regression answers with margin x unit, half-even; 1 for the other kinds.
    calibration
        How each probability was calibrated, in output order; none for a regression.
    """

    name: str
    kind: HeadKind
    classes: tuple[str, ...]
    margin_bound_q16: int
    unit: int = 1
    calibration: tuple[TableFacts, ...] = ()

    def __post_init__(self) -> None:
        where = f"heads[{self.name!r}]"
        require(_HEAD_NAME.fullmatch(self.name), "a head name is a lower-case identifier", where, self.name)
        require(self.kind in HEAD_KINDS, "a head is binary, multiclass or regression", where, self.kind)
        count = len(self.classes)
        fits = {"binary": count == 2, "multiclass": count >= 2, "regression": count == 0}[self.kind]
        require(fits, f"a {self.kind} head cannot have this many classes", where, count)
        require_labels(self.classes, "class", where)
        require(1 <= self.unit <= MAX_UNIT, f"a unit is an integer in 1..{MAX_UNIT}", where, self.unit)
        require(self.kind == "regression" or self.unit == 1, "only regression has a unit", where, self.unit)
        exact = 0 <= self.margin_bound_q16 < EXACT_BOUND
        require(exact, f"an exact margin is bounded by 0..{EXACT_BOUND - 1}", where, self.margin_bound_q16)
        tables = {"binary": 1, "multiclass": count, "regression": 0}[self.kind]
        given = len(self.calibration)
        require(given == tables, "a head has one calibration a probability", where, given)

    @property
    def margin_name(self) -> str:
        """Name of the graph output that carries the exact margin."""
        return f"{self.name}_margin"

    @property
    def booster_file(self) -> str:
        """Name of the file that holds the head's booster, in XGBoost's own binary form."""
        return f"{self.name}{BOOSTER_SUFFIX}"


@dataclass(frozen=True)
class ExportableHead:
    """A fitted booster as the exporter takes it: XGBoost's own JSON (`save_raw("json")`) and what its output means."""

    name: str
    kind: HeadKind
    classes: tuple[str, ...]
    booster_json: bytes
    unit: int = 1

    def facts(self, margin_bound_q16: int, tables: Sequence[StepTable]) -> HeadFacts:
        """Return what the manifest says about this head. Raises ManifestRejected for an impossible one."""
        calibration = tuple(TableFacts(table.method, table.rows) for table in tables)
        return HeadFacts(self.name, self.kind, self.classes, margin_bound_q16, self.unit, calibration)


@dataclass(frozen=True)
class FileFacts:
    """One file of an artifact: its plain name, 64 hex characters of sha256, and its size in bytes."""

    name: str
    sha256: str
    size_bytes: int

    def __post_init__(self) -> None:
        where = f"files[{self.name!r}]"
        require(FILE_NAME.fullmatch(self.name), f"a file name must match {FILE_NAME.pattern}", where, self.name)
        require(_SHA256.fullmatch(self.sha256), "sha256 is 64 lower-case hex characters", where, self.sha256)
        require_count(self.size_bytes, where)
        require(self.size_bytes <= MAX_FILE_BYTES, "a file has at most 512 MiB", where, self.size_bytes)


@dataclass(frozen=True)
class TrainingMetadata:
    """What the heads were trained on.

    train_samples, val_samples
        Rows of the Gold table in the training and validation parts, before the heads' own row filters.
    test_accuracy_bps
        Share of right classes out of sample in bps, mean over the classification heads; null where there is none.
    data_hash
        First 16 hex characters of the sha256 of the training rows.
    """

    train_samples: int
    val_samples: int
    test_accuracy_bps: int | None
    data_hash: str

    def __post_init__(self) -> None:
        where = "training_metadata"
        require_count(self.train_samples, f"{where}.train_samples")
        require_count(self.val_samples, f"{where}.val_samples")
        accuracy = self.test_accuracy_bps
        in_range = accuracy is None or 0 <= accuracy <= 10_000
        require(in_range, "an accuracy lies in 0..10000 bps", f"{where}.test_accuracy_bps", accuracy)
        hex16 = _SHORT_HASH.fullmatch(self.data_hash)
        require(hex16, "data_hash is 16 lower-case hex characters", f"{where}.data_hash", self.data_hash)


@dataclass(frozen=True)
class Manifest:
    """`manifest.json`, schema version 1.

    files
        Every file of the folder except the manifest itself, sorted by name.
    input_features
        Names of the columns of the graph's input, in order.
    heads
        Outputs in graph order.
    created_at
        `YYYY-MM-DDTHH:MM:SSZ`; a label for people, never compared.
    chain_root
        sha256 over `chain.json`: the logical hashes of every day of every table behind the model, and of `model.onnx`.
    coherence
        Rules that hold between the answers of the binary heads, in the order the graph applies them.
    spacing
        Where the output `spacing_multiplier_x1000` comes from; null where there is none.
    """

    model_name: str
    model_version: str
    created_at: str
    files: tuple[FileFacts, ...]
    input_features: tuple[str, ...]
    heads: tuple[HeadFacts, ...]
    training_metadata: TrainingMetadata
    chain_root: str
    coherence: tuple[Rule, ...] = ()
    spacing: Spacing | None = None

    def __post_init__(self) -> None:
        named = MODEL_NAME.fullmatch(self.model_name)
        require(named, "a model name is a lower-case identifier", "model_name", self.model_name)
        parse_version(self.model_version)
        require(_is_utc_second(self.created_at), "a UTC time is YYYY-MM-DDTHH:MM:SSZ", "created_at", self.created_at)
        _require_files([facts.name for facts in self.files], self.heads)
        require(len(self.input_features) > 0, "a model needs features", "input_features", "none")
        require_labels(self.input_features, "feature", "input_features")
        require(len(self.heads) > 0, "a model needs heads", "heads", "none")
        names = chain([INPUT, SPACING_OUTPUT], *((head.name, head.margin_name) for head in self.heads))
        require_unique(names, "graph name", "heads")
        root = _SHA256.fullmatch(self.chain_root)
        require(root, "a root is 64 lower-case hex characters", "chain_root", self.chain_root)
        require_coherence(self.coherence, {head.name for head in self.heads if head.kind == "binary"})
        require_spacing(
            self.spacing, {head.name: len(head.classes) for head in self.heads if head.kind == "multiclass"}
        )

    @property
    def model_hash(self) -> str:
        """First 16 hex characters of the sha256 of `model.onnx` (ML spec 12.4.3)."""
        return next(facts.sha256[:16] for facts in self.files if facts.name == MODEL_FILE)

    @property
    def output_classes(self) -> tuple[str, ...]:
        """Classes of the one multiclass head, e.g. LOW, MID, HIGH; the head names where there is not exactly one."""
        multiclass = [head for head in self.heads if head.kind == "multiclass"]
        return multiclass[0].classes if len(multiclass) == 1 else tuple(head.name for head in self.heads)

    @property
    def folder(self) -> str:
        """`{model_name}_v{major}.{minor}.{patch}` (ML spec 12.4.4)."""
        return f"{self.model_name}_{self.model_version}"


def parse_version(text: str) -> tuple[int, int, int]:
    """Return (major, minor, patch) of `v1.2.3`. Raises ManifestRejected for other spellings, leading zeros included."""
    match = VERSION.fullmatch(text)
    require(match, "a version is v<major>.<minor>.<patch>", "model_version", text)
    return cast(tuple[int, int, int], tuple(int(part) for part in cast(re.Match[str], match).groups()))


def _require_files(names: Sequence[str], heads: Sequence[HeadFacts]) -> None:
    for needed in (MODEL_FILE, CALIBRATION_FILE, CHAIN_FILE, *(head.booster_file for head in heads)):
        require(needed in names, f"an artifact holds {needed}", "files", names)
    folded = [name.casefold() for name in (MANIFEST_FILE, *names)]
    require_unique(folded, "file name, upper and lower case alike,", "files")
    require(list(names) == sorted(names), "files are sorted by name", "files", names)


def _is_utc_second(text: str) -> bool:
    if not _UTC_SECOND.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
