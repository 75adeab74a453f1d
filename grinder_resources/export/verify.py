"""The one way to read an artifact: bytes are taken once, hashed against the manifest, and only those bytes are used.

Files are read as `export/folder` reads them; each must have the size the manifest states, and the folder must hold
nothing else. A file that is swapped after it was read changes nothing.

A manifest stops accidents and edits of single files. Whoever may rewrite the whole folder can also rewrite the
manifest; only a signature kept elsewhere would stop that.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from grinder_resources.contracts.artifacts import (
    CALIBRATION_FILE,
    CHAIN_FILE,
    INPUT,
    MANIFEST_FILE,
    MAX_FILE_BYTES,
    MODEL_FILE,
    SERVING_FILE,
    SPACING_OUTPUT,
    Manifest,
    TableFacts,
)
from grinder_resources.contracts.calibration import Calibration
from grinder_resources.contracts.serving import Serving
from grinder_resources.errors import ArtifactRejected
from grinder_resources.export.calibration_file import parse_calibration
from grinder_resources.export.folder import opened_folder, read_plain, read_verified
from grinder_resources.export.manifest import MAX_MANIFEST_BYTES, parse_manifest
from grinder_resources.export.serving import parse_serving, require_serving
from grinder_resources.export.strict_json import record, strict_json
from grinder_resources.hashing import sha256_facts

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from grinder_resources.export.audit import AuditedModel

MAX_CHAIN_BYTES = 64 << 20

Run = Callable[[Any], Sequence[Any]]
"""Arrays of numpy, which is not loaded until a graph is: float32 [1, inputs] -> outputs."""


@dataclass(frozen=True)
class ArtifactFacts:
    """What was verified: the manifest, the number of files with it, and their bytes in total."""

    manifest: Manifest
    n_files: int
    total_bytes: int

    def line(self) -> str:
        """Return the verdict on one line."""
        manifest = self.manifest
        return (
            f"OK {manifest.folder}: model {manifest.model_hash}, {self.n_files} files, {self.total_bytes} bytes, "
            f"{len(manifest.heads)} heads, {len(manifest.input_features)} features"
        )


@dataclass(frozen=True)
class VerifiedArtifact:
    """A manifest, the bytes of every file it names, already equal to its sha256, and what they hold.

    serving
        None where an older artifact has no `serving.json`.
    """

    manifest: Manifest
    files: Mapping[str, bytes]
    calibration: Calibration
    serving: Serving | None


def verify_artifact(directory: Path) -> ArtifactFacts:
    """Re-hash everything in an artifact folder. Raises ManifestRejected or ArtifactRejected, each with one line."""
    artifact = read_artifact(directory)
    sizes = [facts.size_bytes for facts in artifact.manifest.files]
    return ArtifactFacts(artifact.manifest, len(sizes) + 1, sum(sizes))


def read_artifact(directory: Path) -> VerifiedArtifact:
    """Return the verified bytes of an artifact folder.

    Raises ManifestRejected where the manifest breaks its schema; ArtifactRejected where the folder is a link, or a file
    is missing, extra, linked, not regular, of another size, or of another sha256, or where `calibration.json`,
    `chain.json` or `serving.json` contradict the manifest.
    """
    with opened_folder(directory) as folder:
        manifest = parse_manifest(read_plain(folder, MANIFEST_FILE, MAX_MANIFEST_BYTES))
        _require_listing(folder, manifest, directory)
        total = sum(facts.size_bytes for facts in manifest.files)
        if total > MAX_FILE_BYTES:
            raise ArtifactRejected(
                "an artifact is too large", where=str(directory), got=f"{total} bytes", expected=f"{MAX_FILE_BYTES}"
            )
        files = {
            facts.name: read_verified(folder, facts.name, facts.sha256, limit=MAX_FILE_BYTES, size=facts.size_bytes)
            for facts in manifest.files
        }
    calibration = parse_calibration(files[CALIBRATION_FILE])
    _require_calibration(manifest, calibration)
    _require_chain(manifest, files[CHAIN_FILE])
    serving = parse_serving(files[SERVING_FILE]) if SERVING_FILE in files else None
    if serving:
        require_serving(manifest, serving)
    return VerifiedArtifact(manifest, MappingProxyType(files), calibration, serving)


def audited(artifact: VerifiedArtifact) -> "AuditedModel":
    """Return the graph of an artifact, safe to load.

    Raises ArtifactRejected where the audit refuses it, or its input or outputs are not the manifest's.
    """
    return audited_graph(artifact.files[MODEL_FILE], artifact.manifest)


def audited_graph(model: bytes, manifest: Manifest) -> "AuditedModel":
    """Return the graph that a manifest is about, safe to load. Raises ArtifactRejected, as `audited` does."""
    from grinder_resources.export.audit import Output, Signature, audit_model

    outputs = tuple(Output(*facts) for facts in _outputs(manifest))
    signature = Signature(len(manifest.input_features), outputs, exact=True)
    return audit_model(model, signature, where=f"{manifest.folder}/{MODEL_FILE}")


def open_session(artifact: VerifiedArtifact) -> "InferenceSession":
    """Return a session on the verified, audited bytes that gives the artifact's golden answers, where it has some.

    Raises ArtifactRejected for a graph that the audit or ONNX Runtime refuses, and for another answer.
    """
    from grinder_resources.export.audit_rules import mapped

    model, where = audited(artifact), f"{artifact.manifest.folder}/{MODEL_FILE}"
    with mapped("ONNX Runtime refuses the graph", where):
        session = start_session(model.data)
        if artifact.serving:
            names = list(artifact.serving.golden.outputs)
            require_golden(lambda row: session.run(names, {INPUT: row}), artifact.serving, names, where=where)
    return session


def require_golden(run: Run, serving: Serving, names: Sequence[str], *, where: str) -> None:
    """Raise ArtifactRejected, naming the output and the row, unless every golden row is answered exactly.

    run
        Takes a row, float32 [1, inputs], and returns the outputs `names`, in that order.
    """
    import numpy as np

    golden = serving.golden
    for place, values in enumerate(golden.inputs):
        row = np.array([values], dtype=np.float32)  # None becomes NaN
        for name, answer in zip(names, run(row), strict=True):
            expected = golden.outputs[name][place]
            if answer.dtype != np.int32 or answer.tolist() != [list(expected)]:
                raise ArtifactRejected(
                    "a golden row has another answer",
                    where=f"{where}, {name}, golden row {place}",
                    got=f"{answer.dtype} {answer.tolist()}"[:100],
                    expected=f"int32 {[list(expected)]}"[:100],
                )


def _outputs(manifest: Manifest) -> Iterator[tuple[str, str, int]]:
    """Yield name, type and width of every output of a model's graph."""
    for head in manifest.heads:
        width = max(1, len(head.calibration))
        yield head.name, "int32", width
        yield head.margin_name, "float32", width
    if manifest.spacing:
        yield SPACING_OUTPUT, "int32", 1


def start_session(model: bytes, threads: int = 1, *, spinning: bool = False) -> "InferenceSession":
    """Return an ONNX Runtime session on the CPU. The bytes must be trusted: verified, or just built.

    threads
        Threads of one call. Exact margins do not depend on it; one is fastest for single rows on a busy machine.
    spinning
        Whether threads wait for work by spinning, which takes a busy machine's cores from the one that works.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spinning else "0")
    options.inter_op_num_threads = 1
    # what fails is raised; written as well, it would be in the graph's words, line ends and all
    options.log_severity_level = 4
    # or bytes that say so are read as the runtime's own format, in which another graph may lie than the one audited
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _require_calibration(manifest: Manifest, calibration: Calibration) -> None:
    methods = {
        head: tuple(TableFacts(table.method, table.rows) for table in tables)
        for head, tables in calibration.tables.items()
    }
    stated = {head.name: head.calibration for head in manifest.heads if head.calibration}
    found = (methods, calibration.rules, calibration.spacing)
    if found != (stated, manifest.coherence, manifest.spacing):
        raise ArtifactRejected(
            "the tables, rules or spacing are not the manifest's", where=f"{manifest.folder}/{CALIBRATION_FILE}"
        )


def _require_chain(manifest: Manifest, data: bytes) -> None:
    where = f"{manifest.folder}/{CHAIN_FILE}"
    document = record(strict_json(data, CHAIN_FILE, MAX_CHAIN_BYTES), ("model", "tables"), CHAIN_FILE)
    model = next(facts.sha256 for facts in manifest.files if facts.name == MODEL_FILE)
    if document["model"] != model:
        raise ArtifactRejected("the chain ends in another model", where=where, expected=model[:16])
    root = sha256_facts(document)
    if root != manifest.chain_root:
        raise ArtifactRejected(
            "the chain's hash is not the manifest's root", where=where, got=root[:16], expected=manifest.chain_root[:16]
        )


def _require_listing(folder: int, manifest: Manifest, directory: Path) -> None:
    expected = {MANIFEST_FILE, *(facts.name for facts in manifest.files)}
    found = set(os.listdir(folder))
    if found != expected:
        missing, extra = sorted(expected - found)[:3], sorted(found - expected)[:3]
        raise ArtifactRejected(
            "the folder holds other files than its manifest names",
            where=str(directory),
            got=f"missing {missing}, extra {extra}",
        )
