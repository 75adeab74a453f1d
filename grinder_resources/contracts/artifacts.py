"""Facts about a model artifact: what goes into the graph, and what `manifest.json` promises (ML spec 12.4.2).

Every class checks itself on construction, so a manifest that exists in memory is a manifest that may be written, and
the reader needs no second set of rules. What a folder holds on disk is checked elsewhere, against these facts.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Literal, cast

from grinder_resources.errors import ManifestRejected

SCHEMA_VERSION = 1
FRAMEWORK = "xgboost"
EXPORT_FORMAT = "onnx"

MANIFEST_FILE = "manifest.json"
MODEL_FILE = "model.onnx"
CONFIG_FILE = "config.json"
REPORT_FILE = "train_report.json"

MAX_FILE_BYTES = 512 << 20
"""Largest file an artifact may hold."""

LEAF_GRID_BITS = 16
"""Exact heads have every leaf and base value on a grid of 2^-16 in margin space."""

EXACT_BOUND = 1 << 24
"""float32 adds integers below 2^24 exactly in any order; partial sums in grid units must stay below it."""

INPUT = "input"
"""Name of the graph's only input: float32 [rows, features]."""

HeadKind = Literal["binary", "multiclass", "regression"]
HEAD_KINDS: tuple[HeadKind, ...] = ("binary", "multiclass", "regression")

MODEL_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
VERSION = re.compile(r"v(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})")
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HEAD_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LABEL = re.compile(r"[!-~]{1,128}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHORT_HASH = re.compile(r"[0-9a-f]{16}")
_UTC_SECOND = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)


@dataclass(frozen=True)
class HeadFacts:
    """One output of the graph.

    name
        Output name; the raw margin is a second output called `{name}_margin`.
    classes
        Class names in output order: none for regression, two for binary (the second is the one whose probability is the
        output), three or more, or two, for multiclass.
    unit
        A regression output is margin x unit; 1.0 for the other kinds.
    margin_bound_q16
        Largest absolute value any partial sum of leaves and base can reach, in units of 2^-16; null where a leaf or the
        base is off that grid.
    """

    name: str
    kind: HeadKind
    classes: tuple[str, ...] = ()
    unit: float = 1.0
    margin_bound_q16: int | None = None

    def __post_init__(self) -> None:
        where = f"heads[{self.name!r}]"
        _require(_HEAD_NAME.fullmatch(self.name), "a head name is a lower-case identifier", where, self.name)
        _require(self.kind in HEAD_KINDS, "a head is binary, multiclass or regression", where, self.kind)
        count = len(self.classes)
        fits = {"binary": count == 2, "multiclass": count >= 2, "regression": count == 0}[self.kind]
        _require(fits, f"a {self.kind} head cannot have this many classes", where, count)
        _require_labels(self.classes, "class", where)
        _require(math.isfinite(self.unit) and self.unit > 0, "a unit is a positive number", where, self.unit)
        _require(self.kind == "regression" or self.unit == 1.0, "only regression has a unit", where, self.unit)
        _require_count(self.margin_bound_q16 or 0, where)

    @property
    def margin_name(self) -> str:
        """Name of the graph output that carries the margin before sigmoid, softmax or unit."""
        return f"{self.name}_margin"

    @property
    def exact(self) -> bool:
        """True where float32 sums of leaves are exact in any order, so every engine gives the same bits."""
        return self.margin_bound_q16 is not None and self.margin_bound_q16 < EXACT_BOUND


@dataclass(frozen=True)
class ExportableHead:
    """A fitted booster as the exporter takes it: XGBoost's own JSON (`save_raw("json")`) and what its output means."""

    name: str
    kind: HeadKind
    classes: tuple[str, ...]
    booster_json: bytes
    unit: float = 1.0

    def facts(self, margin_bound_q16: int | None) -> HeadFacts:
        """Return what the manifest says about this head. Raises ManifestRejected for an impossible one."""
        return HeadFacts(self.name, self.kind, self.classes, self.unit, margin_bound_q16)


@dataclass(frozen=True)
class FileFacts:
    """One file of an artifact: its plain name, 64 hex characters of sha256, and its size in bytes."""

    name: str
    sha256: str
    size_bytes: int

    def __post_init__(self) -> None:
        where = f"files[{self.name!r}]"
        _require(FILE_NAME.fullmatch(self.name), f"a file name must match {FILE_NAME.pattern}", where, self.name)
        _require(_SHA256.fullmatch(self.sha256), "sha256 is 64 lower-case hex characters", where, self.sha256)
        _require_count(self.size_bytes, where)
        _require(self.size_bytes <= MAX_FILE_BYTES, "a file has at most 512 MiB", where, self.size_bytes)


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
        _require_count(self.train_samples, f"{where}.train_samples")
        _require_count(self.val_samples, f"{where}.val_samples")
        accuracy = self.test_accuracy_bps
        in_range = accuracy is None or 0 <= accuracy <= 10_000
        _require(in_range, "an accuracy lies in 0..10000 bps", f"{where}.test_accuracy_bps", accuracy)
        hex16 = _SHORT_HASH.fullmatch(self.data_hash)
        _require(hex16, "data_hash is 16 lower-case hex characters", f"{where}.data_hash", self.data_hash)


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
    """

    model_name: str
    model_version: str
    created_at: str
    files: tuple[FileFacts, ...]
    input_features: tuple[str, ...]
    heads: tuple[HeadFacts, ...]
    training_metadata: TrainingMetadata

    def __post_init__(self) -> None:
        named = MODEL_NAME.fullmatch(self.model_name)
        _require(named, "a model name is a lower-case identifier", "model_name", self.model_name)
        parse_version(self.model_version)
        _require(_is_utc_second(self.created_at), "a UTC time is YYYY-MM-DDTHH:MM:SSZ", "created_at", self.created_at)
        _require_files([facts.name for facts in self.files])
        _require(len(self.input_features) > 0, "a model needs features", "input_features", "none")
        _require_labels(self.input_features, "feature", "input_features")
        _require(len(self.heads) > 0, "a model needs heads", "heads", "none")
        names = chain([INPUT], *((head.name, head.margin_name) for head in self.heads))
        _require_unique(names, "graph name", "heads")

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
    _require(match, "a version is v<major>.<minor>.<patch>", "model_version", text)
    return cast(tuple[int, int, int], tuple(int(part) for part in cast(re.Match[str], match).groups()))


def _require(condition: object, rule: str, where: str, got: object) -> None:
    if not condition:
        raise ManifestRejected(rule, where=where[:100], got=repr(got)[:100])


def _require_count(value: int, where: str) -> None:
    _require(0 <= value < 1 << 63, "a count is an integer in 0..2^63-1", where, value)


def _require_unique(names: Iterable[str], noun: str, where: str) -> None:
    seen: set[str] = set()
    for name in names:
        _require(name not in seen, f"a {noun} may appear only once", where, name)
        seen.add(name)


def _require_labels(names: Sequence[str], noun: str, where: str) -> None:
    for name in names:
        _require(_LABEL.fullmatch(name), f"a {noun} name has 1..128 printable ASCII characters, no space", where, name)
    _require_unique(names, noun, where)


def _require_files(names: Sequence[str]) -> None:
    _require(MODEL_FILE in names, f"an artifact holds {MODEL_FILE}", "files", names)
    folded = [name.casefold() for name in (MANIFEST_FILE, *names)]
    _require_unique(folded, "file name, upper and lower case alike,", "files")
    _require(list(names) == sorted(names), "files are sorted by name", "files", names)


def _is_utc_second(text: str) -> bool:
    if not _UTC_SECOND.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
