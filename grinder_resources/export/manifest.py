"""`manifest.json` as bytes: one strict reader and one canonical writer (ML spec 12.4.2), with `parse(dump(m)) == m`.

It reads schema version 1 and names both versions when it meets another.
"""

from typing import cast

from grinder_resources.contracts.artifacts import (
    EXPORT_FORMAT,
    FRAMEWORK,
    MANIFEST_FILE,
    SCHEMA_VERSION,
    FileFacts,
    HeadFacts,
    HeadKind,
    Manifest,
    TableFacts,
    TrainingMetadata,
)
from grinder_resources.contracts.calibration import Method, rule_facts
from grinder_resources.export.calibration_file import parse_rule, parse_spacing, spacing_facts
from grinder_resources.export.strict_json import (
    integer,
    items,
    json_bytes,
    mapping,
    record,
    reject,
    strict_json,
    text,
    texts,
)

MAX_MANIFEST_BYTES = 1 << 20

_TOP = (
    "schema_version",
    "model_name",
    "model_version",
    "created_at",
    "framework",
    "export_format",
    "files",
    "model_hash",
    "input_features",
    "output_classes",
    "heads",
    "training_metadata",
    "chain_root",
    "coherence",
    "spacing",
)
_FILE = ("sha256", "size_bytes")
_HEAD = ("name", "kind", "classes", "unit", "margin_bound_q16", "calibration")
_TABLE = ("method", "rows")
_TRAINING = ("train_samples", "val_samples", "test_accuracy_bps", "data_hash")


def dump_manifest(manifest: Manifest) -> bytes:
    """Return the canonical bytes of a manifest: the same facts always give the same bytes."""
    return json_bytes(
        {
            "schema_version": SCHEMA_VERSION,
            "model_name": manifest.model_name,
            "model_version": manifest.model_version,
            "created_at": manifest.created_at,
            "framework": FRAMEWORK,
            "export_format": EXPORT_FORMAT,
            "files": {facts.name: _pick(facts, _FILE) for facts in manifest.files},
            "model_hash": manifest.model_hash,
            "input_features": list(manifest.input_features),
            "output_classes": list(manifest.output_classes),
            "heads": [_head_facts(head) for head in manifest.heads],
            "training_metadata": _pick(manifest.training_metadata, _TRAINING),
            "chain_root": manifest.chain_root,
            "coherence": [rule_facts(rule) for rule in manifest.coherence],
            "spacing": spacing_facts(manifest.spacing),
        }
    )


def parse_manifest(data: bytes) -> Manifest:
    """Return the manifest in `data`. Raises ManifestRejected, naming the field, for what schema version 1 forbids."""
    document = strict_json(data, MANIFEST_FILE, MAX_MANIFEST_BYTES)
    _require_version(document)
    top = record(document, _TOP, MANIFEST_FILE)
    manifest = Manifest(
        model_name=text(top["model_name"], "model_name"),
        model_version=text(top["model_version"], "model_version"),
        created_at=text(top["created_at"], "created_at"),
        files=_files(top["files"]),
        input_features=texts(top["input_features"], "input_features"),
        heads=items(top["heads"], _head, "heads"),
        training_metadata=_training(top["training_metadata"]),
        chain_root=text(top["chain_root"], "chain_root"),
        coherence=items(top["coherence"], parse_rule, "coherence"),
        spacing=parse_spacing(top["spacing"], "spacing"),
    )
    _require_equal(top["framework"], FRAMEWORK, "framework")
    _require_equal(top["export_format"], EXPORT_FORMAT, "export_format")
    _require_equal(top["model_hash"], manifest.model_hash, "model_hash")
    _require_equal(top["output_classes"], list(manifest.output_classes), "output_classes")
    return manifest


def _require_version(document: object) -> None:
    got = document.get("schema_version", "none") if isinstance(document, dict) else "no object"
    if type(got) is not int or got != SCHEMA_VERSION:
        reject("this manifest's schema_version has no reader", MANIFEST_FILE, repr(got), str(SCHEMA_VERSION))


def _files(value: object) -> tuple[FileFacts, ...]:
    files = mapping(value, "files")
    return tuple(_file(name, files[name]) for name in sorted(files))


def _file(name: str, value: object) -> FileFacts:
    where = f"files[{name!r}]"
    fields = record(value, _FILE, where)
    return FileFacts(name, text(fields["sha256"], where), integer(fields["size_bytes"], where))


def _head(value: object, where: str) -> HeadFacts:
    fields = record(value, _HEAD, where)
    return HeadFacts(
        name=text(fields["name"], f"{where}.name"),
        kind=cast(HeadKind, text(fields["kind"], f"{where}.kind")),
        classes=texts(fields["classes"], f"{where}.classes"),
        unit=integer(fields["unit"], f"{where}.unit"),
        margin_bound_q16=integer(fields["margin_bound_q16"], f"{where}.margin_bound_q16"),
        calibration=items(fields["calibration"], _table, f"{where}.calibration"),
    )


def _head_facts(head: HeadFacts) -> dict[str, object]:
    return _pick(head, _HEAD) | {"calibration": [_pick(table, _TABLE) for table in head.calibration]}


def _table(value: object, where: str) -> TableFacts:
    fields = record(value, _TABLE, where)
    return TableFacts(cast(Method, text(fields["method"], where)), integer(fields["rows"], where))


def _training(value: object) -> TrainingMetadata:
    where = "training_metadata"
    fields = record(value, _TRAINING, where)
    accuracy = fields["test_accuracy_bps"]
    return TrainingMetadata(
        train_samples=integer(fields["train_samples"], f"{where}.train_samples"),
        val_samples=integer(fields["val_samples"], f"{where}.val_samples"),
        test_accuracy_bps=None if accuracy is None else integer(accuracy, f"{where}.test_accuracy_bps"),
        data_hash=text(fields["data_hash"], f"{where}.data_hash"),
    )


def _require_equal(got: object, expected: object, where: str) -> None:
    if got != expected:
        reject("a field contradicts the rest of the manifest", where, repr(got), repr(expected))


def _pick(facts: object, names: tuple[str, ...]) -> dict[str, object]:
    return {name: getattr(facts, name) for name in names}
