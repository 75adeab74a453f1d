"""Signed events, and signed artifacts: whoever has no key changes nothing unseen."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from grinder_resources.errors import SignatureRejected
from grinder_resources.registry.events import Event
from grinder_resources.registry.keys import check_signatures, signer_of
from grinder_resources.registry.log import Draft, Registry
from grinder_resources.registry.signing import check_artifact, sign_artifact
from tests.registry.registries import stage, started
from tests.registry.test_log import ARTIFACT

Pair = tuple[Path, Path]


def key_pair(folder: Path, key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> Pair:
    """Return the files of a private key and of its public one."""
    folder.mkdir(parents=True, exist_ok=True)
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private, public = folder / "private.pem", folder / "public.pem"
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    shown = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    public.write_bytes(shown)
    return private, public


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return key_pair(tmp_path / "keys", ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


@pytest.fixture
def registry(tmp_path: Path, pair: Pair) -> Registry:
    """Return a registry of one unsigned event and two that are signed."""
    registry = started(tmp_path / "models")
    for name, signer in (("a", None), ("b", signer_of(pair[0])), ("c", signer_of(pair[0]))):
        draft = Draft("staged", name, "v1.0.0", ARTIFACT, "")
        registry.change(lambda _, draft=draft: [draft], actor="test", at="", signer=signer)  # type: ignore[misc]
    return registry


def test_signatures_are_checked_from_the_first_on(registry: Registry, pair: Pair) -> None:
    """What came before is covered by the first, through the chain."""
    assert check_signatures(registry.read(), pair[1]) == 2
    assert [bool(event.signature) for event in registry.read()] == [False, True, True]


def test_nothing_unsigned_follows_what_is_signed(registry: Registry) -> None:
    """It would stay in the log for ever, and no check of signatures would pass again."""
    draft = Draft("staged", "d", "v1.0.0", ARTIFACT, "")
    with pytest.raises(SignatureRejected, match=r"the newest event is signed.*event 3; got no key"):
        registry.change(lambda _: [draft], actor="test", at="")
    assert registry.change(lambda _: [], actor="test", at="") == ()
    assert len(registry.read()) == 3


Change = Callable[[tuple[Event, ...]], tuple[Event, ...]]
FORGERIES: dict[str, tuple[Change, str]] = {
    "another event": (lambda of: (*of[:2], replace(of[2], actor="eve")), r"not of this event \(event 3, c_v1.0.0"),
    "a signature moved": (lambda of: (*of[:2], of[2].signed(of[1].signature)), r"not of this event \(event 3"),
    "a signature taken away": (lambda of: (*of[:2], of[2].signed("")), r"not of this event \(event 3.*got none"),
    "no signature": (lambda of: (*of, replace(of[2], seq=4, signed_by="")), r"event 4, c_v1.0.0; got none"),
    "no signature at all": (lambda of: of[:1], "no event is signed with this key"),
}


@pytest.mark.parametrize(("forge", "sentence"), FORGERIES.values(), ids=FORGERIES)
def test_what_was_not_signed_is_found(registry: Registry, pair: Pair, forge: Change, sentence: str) -> None:
    """Whatever was done to the chain."""
    with pytest.raises(SignatureRejected, match=sentence):
        check_signatures(forge(registry.read()), pair[1])


def test_another_key_signed_nothing_here(registry: Registry, tmp_path: Path) -> None:
    """A key is known by its public bytes."""
    _, other = key_pair(tmp_path / "other", ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)))
    with pytest.raises(SignatureRejected, match="no event is signed with this key"):
        check_signatures(registry.read(), other)


def test_a_file_that_holds_no_such_key_is_refused(tmp_path: Path, pair: Pair) -> None:
    """Missing, of another kind, the wrong half, or no key at all."""
    curve, _ = key_pair(tmp_path / "curve", ec.generate_private_key(ec.SECP256R1()))
    for path, what in (
        (tmp_path / "none.pem", "the key cannot be read"),
        (curve, "events are signed with an Ed25519 key"),
        (pair[1], "no private key in PEM"),
    ):
        with pytest.raises(SignatureRejected, match=what):
            signer_of(path)


def test_a_signed_artifact_is_the_one_that_was_signed(tmp_path: Path) -> None:
    """By the OpenSSF standard: another key, another byte, or one file more is refused."""
    registry = started(tmp_path / "models")
    stage(registry, b"one")
    folder = tmp_path / "models" / "plain_v1.0.0"
    private, public = key_pair(tmp_path / "mine", ec.generate_private_key(ec.SECP256R1()))
    _, other = key_pair(tmp_path / "theirs", ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(SignatureRejected, match="the artifact is not signed"):
        check_artifact(folder, public)
    assert sign_artifact(folder, private) == tmp_path / "models" / "signatures" / "plain_v1.0.0.sig"
    check_artifact(folder, public)
    with pytest.raises(SignatureRejected, match="not of these files by this key"):
        check_artifact(folder, other)
    (folder / "extra").write_bytes(b"")
    with pytest.raises(SignatureRejected, match="not of these files by this key"):
        check_artifact(folder, public)
