"""Ed25519 keys for events: who holds the private one signs, who has the public one sees that nobody else did.

A key goes by the first 16 hex characters of the sha256 of its 32 public bytes. The first signed event covers, through
`previous`, all those before it; from then on every event has to be signed, so that none can be added without the key.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from grinder_resources.errors import ExtraMissing, SignatureRejected
from grinder_resources.hashing import sha256_bytes
from grinder_resources.registry.events import Event
from grinder_resources.registry.log import Signer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def signer_in_force(path: Path | None = None) -> Signer | None:
    """Return the signer of the key in a file, by default the one `GRINDER_SIGNING_KEY` names; None without either."""
    named = path or os.environ.get("GRINDER_SIGNING_KEY")
    return signer_of(Path(named)) if named else None


def signer_of(path: Path) -> Signer:
    """Return the signer whose private key is in a PEM file (`openssl genpkey -algorithm ed25519`).

    Raises SignatureRejected where that is no such key, ExtraMissing without the package cryptography.
    """
    key = _private(path)
    return Signer(_name(key.public_key()), lambda digest: key.sign(digest).hex())


def check_signatures(events: Sequence[Event], path: Path) -> int:
    """Return how many of the newest events are signed with the key in a PEM file, all of them from the first on.

    path
        The public key (`openssl pkey -in key.pem -pubout`).

    Raises SignatureRejected, naming the event, where one after the first signed is not, where a signature does not fit,
    and where no event is signed.
    """
    from cryptography.exceptions import InvalidSignature

    key = _public(path)
    name = _name(key)
    signed = [event for event in events if event.signed_by == name]
    if not signed:
        raise SignatureRejected("no event is signed with this key", where=str(path), got=name)
    for event in events[signed[0].seq - 1 :]:
        if event.signed_by != name:
            _refuse("an event is not signed with the key of those before", event, event.signed_by or "none", name)
        try:
            key.verify(bytes.fromhex(event.signature), bytes.fromhex(event.sha256))
        except (InvalidSignature, ValueError):
            _refuse("the signature is not of this event", event, event.signature[:16] or "none", f"one by {name}")
    return len(signed)


def require_extra(module: str) -> None:
    """Raise ExtraMissing, with the line that installs it, unless the package for signatures is there."""
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise ExtraMissing(
            "signatures need an optional package", got=f"no {module}", hint="pip install 'grinder-lakehouse[signing]'"
        )


def _private(path: Path) -> "Ed25519PrivateKey":
    require_extra("cryptography")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_read(path), password=None)
    except (ValueError, TypeError) as error:
        raise SignatureRejected("this is no private key in PEM, without a password", where=str(path)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SignatureRejected("events are signed with an Ed25519 key", where=str(path), got=type(key).__name__)
    return key


def _public(path: Path) -> "Ed25519PublicKey":
    require_extra("cryptography")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_read(path))
    except ValueError as error:
        raise SignatureRejected("this is no public key in PEM", where=str(path)) from error
    if not isinstance(key, Ed25519PublicKey):
        raise SignatureRejected("events are signed with an Ed25519 key", where=str(path), got=type(key).__name__)
    return key


def _name(key: "Ed25519PublicKey") -> str:
    return sha256_bytes(key.public_bytes_raw())[:16]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SignatureRejected("the key cannot be read", where=str(path), got=str(error.strerror)) from error


def _refuse(what: str, event: Event, got: str, expected: str) -> NoReturn:
    raise SignatureRejected(what, where=f"event {event.seq}, {event.folder}", got=got, expected=expected)
