"""Artifacts changed by someone who also rewrites the manifest: hashes fit, contents may not."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from onnx import ModelProto, load_model_from_string  # noqa: TID253 - what is tested

from grinder_resources.hashing import sha256_facts


def rewrite(folder: Path, name: str, data: bytes, **manifest: object) -> None:
    """Put `data` in place of a file, and its hash and other fields into the manifest."""
    (folder / name).write_bytes(data)
    path = folder / "manifest.json"
    document = json.loads(path.read_bytes()) | manifest
    document["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
    document["model_hash"] = document["files"]["model.onnx"]["sha256"][:16]
    path.write_text(json.dumps(document))


def edit_json(folder: Path, name: str, change: Callable[[Any], object]) -> None:
    """Apply `change` to a JSON file of an artifact in place, and rewrite it."""
    document = json.loads((folder / name).read_bytes())
    change(document)
    rewrite(folder, name, json.dumps(document).encode())


def replace_graph(folder: Path, model: bytes) -> None:
    """Put another graph in place of the model, chain and root included."""
    rewrite(folder, "model.onnx", model)
    chain = json.loads((folder / "chain.json").read_bytes()) | {"model": hashlib.sha256(model).hexdigest()}
    rewrite(folder, "chain.json", json.dumps(chain).encode(), chain_root=sha256_facts(chain))


def edit_graph(folder: Path, change: Callable[[ModelProto], object]) -> None:
    """Apply `change` to the graph of an artifact in place."""
    model = load_model_from_string((folder / "model.onnx").read_bytes())
    change(model)
    replace_graph(folder, model.SerializeToString(deterministic=True))


def attribute(model: ModelProto, output: str, name: str) -> Any:
    """Return an attribute of the node that computes `output`."""
    (node,) = (node for node in model.graph.node if output in node.output)
    return next(found for found in node.attribute if found.name == name)
