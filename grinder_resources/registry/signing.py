"""OpenSSF model signing: a signature of a whole artifact folder, which any tool of that standard can check.

    <models>/signatures/<folder>.sig

It lies beside the artifact, which is never written again, and covers every file in it. The key is one of elliptic
curves, as the standard asks: `openssl ecparam -name prime256v1 -genkey -noout -out key.pem`.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from grinder_resources.errors import SignatureRejected
from grinder_resources.export.durable import TEMPORARY, locked, replace_file, written
from grinder_resources.registry.keys import require_extra

SIGNATURES_FOLDER = "signatures"


def signature_path(folder: Path) -> Path:
    """Return where the signature of an artifact folder lies."""
    return folder.parent / SIGNATURES_FOLDER / f"{folder.name}.sig"


def sign_artifact(folder: Path, private_key: Path) -> Path:
    """Sign an artifact folder, which the caller has verified; return where the signature lies.

    Raises SignatureRejected for a key the standard does not take, ExtraMissing without the package model-signing,
    StorageFull where the disk refuses. The signature appears in one rename.
    """
    require_extra("model_signing")
    from model_signing.signing import Config

    path = signature_path(folder)
    with tempfile.TemporaryDirectory() as aside:
        made = Path(aside) / path.name
        try:
            config: Any = Config()  # type: ignore[no-untyped-call]
            config.use_elliptic_key_signer(private_key=private_key).sign(folder, made)
        except (OSError, ValueError, TypeError) as error:
            raise SignatureRejected("this key cannot sign", where=str(private_key), got=str(error)[:100]) from error
        data = made.read_bytes()
    with written(path), locked(path.parent):
        for leftover in path.parent.glob(f"{TEMPORARY}*"):  # of one that was killed
            shutil.rmtree(leftover)
        replace_file(path, data)
    return path


def check_artifact(folder: Path, public_key: Path) -> None:
    """Raise SignatureRejected unless the signature beside an artifact folder is of its files and by this key.

    Raises ExtraMissing without the package model-signing.
    """
    require_extra("model_signing")
    from model_signing.verifying import Config

    path = signature_path(folder)
    if not path.is_file():
        raise SignatureRejected("the artifact is not signed", where=str(path), got="no such file")
    try:
        config: Any = Config()  # type: ignore[no-untyped-call]
        config.use_elliptic_key_verifier(public_key=public_key).verify(folder, path)
    except Exception as error:  # the standard's library raises what its parsers do
        raise SignatureRejected(
            "the signature is not of these files by this key", where=str(path), got=str(error)[:100]
        ) from error
