"""Run each command of the registry once for each of its calls that write, killed there; print how many there were.

Run by `test_writers.py` in a process of its own, where forking is safe: `python kill_every_command.py FOLDER`.
"""

import argparse
import shutil
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from grinder_resources.export.artifact import publish
from grinder_resources.export.bot_registry import read_registry
from grinder_resources.registry import evidence
from grinder_resources.registry.command import add_parsers
from grinder_resources.registry.events import Artifact
from grinder_resources.registry.log import Draft, Registry
from grinder_resources.registry.signing import check_artifact, signature_path
from grinder_resources.registry.verify import verify_registry
from tests.export.plain_artifacts import plain, plain_files
from tests.registry.killing import killed_at

COMMANDS: dict[str, tuple[list[str], ...]] = {
    "init": (),
    "stage": (["init"],),
    "promote": (["init"], ["stage", "regime", "v1.0.0"], ["export"]),
    "rollback": (
        ["init"],
        ["stage", "regime", "v1.0.0"],
        ["promote", "regime", "--despite", "x"],
        ["stage", "regime"],
        ["promote", "regime", "--despite", "x"],
    ),
    "sign": (["init"], ["stage", "regime"]),
    "export": (["init"], ["stage", "regime"]),
}
"""Each command, and what has to be done before it."""

ARGUMENTS = {
    "init": [],
    "stage": ["regime"],
    "promote": ["regime", "--despite", "no evidence"],
    "rollback": ["regime", "--reason", "drift"],
    "sign": ["regime", "v1.0.1"],
    "export": [],
}
OTHER = Draft("staged", "other", "v1.0.0", Artifact("a" * 64, "b" * 16, "c" * 64, "d" * 16), "")


def run(models: Path, command: str, arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    add_parsers(parser.add_subparsers())
    parsed = parser.parse_args(["registry", command, *arguments, "--models", str(models)])
    assert parsed.run(parsed) == 0


def said(models: Path) -> list[str]:
    """Return what the log says; none where there is no registry, which is the state before `init`."""
    registry = Registry(models)
    return [f"{event.action} {event.version}" for event in registry.read()] if registry.exists else []


def looked_at(models: Path, public_key: Path) -> None:
    """Require that whatever else a command writes is whole or not there, and that the registry goes on."""
    if Registry(models).exists:
        verify_registry(models)
        if (models / "models.json").exists():
            read_registry(models / "models.json")
            run(models, "export", [])  # whatever the copy lacked, the next export has
            production = Registry(models).standings()["regime"].production
            active = read_registry(models / "models.json").models["regime"].active
            assert (active and active.artifact_id) == (production and production.folder)
        Registry(models).change(lambda _: [OTHER], actor="test", at="")
    if signature_path(models / "regime_v1.0.1").exists():
        check_artifact(models / "regime_v1.0.1", public_key)


def kill(root: Path, command: str, keys: dict[str, Path]) -> int:
    """Kill a command at each of its calls; return how many there are."""
    arguments = ARGUMENTS[command] + (["--private-key", str(keys["private"])] if command == "sign" else [])
    before, after = root / "before", root / "after"
    shutil.copytree(root / "artifacts", before)
    for earlier in COMMANDS[command]:
        run(before, earlier[0], earlier[1:])
    shutil.copytree(before, after)
    run(after, command, arguments)
    allowed = (said(before), said(after))
    for limit in range(1, 200):
        models = root / "killed"
        shutil.copytree(before, models)
        died = killed_at(limit, partial(run, models, command, arguments))
        assert said(models) in allowed, (command, limit, said(models))
        if said(models) == allowed[0]:
            run(models, command, arguments)
            assert said(models) == allowed[1]
        looked_at(models, keys["public"])
        shutil.rmtree(models)
        if not died:
            break
    for folder in (before, after):
        shutil.rmtree(folder)
    return limit - 1


def key_pair(root: Path) -> dict[str, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = root / "private.pem", root / "public.pem"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    public.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return {"private": private, "public": public}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    evidence.evidence_of = lambda *_: None  # the lake's threads do not survive a fork
    for content in (b"one", b"two"):
        publish(folder / "artifacts", replace(plain(content), model_name="regime"), plain_files(content))
    pair = key_pair(folder)
    for name in COMMANDS:
        sys.stderr.write(f"{name} {kill(folder, name, pair)}\n")
