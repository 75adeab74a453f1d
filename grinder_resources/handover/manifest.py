"""The manifest of a bundle: the first member of the file, which says what every other member is, and what it weighs.

    {"members": [{"kind", "path", "sha256", "size_bytes", "what"}, ...], "root": sha256, "schema_version": 1}

It is canonical, members sorted by path: the same members always give the same bytes, and other bytes are refused.
`root` is over the members, and so is a name for the whole file that fits on one line.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from typing import NoReturn

from grinder_resources.errors import BundleRejected, ManifestRejected
from grinder_resources.export.strict_json import integer, items, json_bytes, record, strict_json, text
from grinder_resources.hashing import sha256_facts

BUNDLE_FILE = "bundle.json"
"""Name of the manifest, in the file and where it is unpacked."""

SCHEMA_VERSION = 1
MAX_MANIFEST_BYTES = 64 << 20

LAKE, MODELS = "lake", "models"
"""The two folders of a bundle; it has one of them, or both."""

KINDS: Mapping[str, str] = {
    "rows": rf"{LAKE}/.+\.parquet",
    "delta_log": rf"{LAKE}/.+/_delta_log/\d{{20}}\.json",
    "artifact": rf"{MODELS}/[^/]+_v[^/]+/[^/]+",
    "ledger": rf"{MODELS}/ledger\.(jsonl|head)",
    "registry": rf"{MODELS}/registry/log\.(jsonl|head)",
    "signature": rf"{MODELS}/signatures/[^/]+\.sig",
    "adopted": rf"{MODELS}/adopted/[^/]+\.json",
}
"""What a member can be, and where such a member lies."""

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=-]{0,99}")
_MAX_PATH, _MAX_PARTS = 200, 12
_SHA256 = re.compile(r"[0-9a-f]{64}")
_WHAT = re.compile(r"[ -~]{1,200}")
_FIELDS = ("kind", "path", "sha256", "size_bytes", "what")


@dataclass(frozen=True)
class Member:
    """One file of a bundle.

    path
        Where it lies, starting at the folder the bundle is unpacked into, parts separated by slashes.
    what
        A few words for a person.
    """

    path: str
    size_bytes: int
    sha256: str
    kind: str
    what: str

    def __post_init__(self) -> None:
        parts = self.path.split("/")
        plain = all(_PART.fullmatch(part) for part in parts)
        if not plain or len(self.path) > _MAX_PATH or len(parts) > _MAX_PARTS:
            _reject("a member's name is a relative path of plain parts", repr(self.path)[:100])
        if self.kind not in KINDS or not re.fullmatch(KINDS[self.kind], self.path):
            _reject("a member does not lie where its kind does", f"{self.kind[:40]} {self.path}", ", ".join(KINDS))
        if self.size_bytes < 0 or not _SHA256.fullmatch(self.sha256) or not _WHAT.fullmatch(self.what):
            _reject("a member has a size, a sha256 and a line that says what it is", self.path)


@dataclass(frozen=True)
class Manifest:
    """The members of a bundle, at least one, sorted by path."""

    members: tuple[Member, ...]

    def __post_init__(self) -> None:
        paths = [member.path for member in self.members]
        if not paths:
            _reject("a bundle holds something", "no member")
        if paths != sorted(set(paths)):
            _reject("members are sorted by path, each named once", _first_unsorted(paths))
        _require_one_spelling(paths)

    @property
    def root(self) -> str:
        """The sha256 over all members: one name for everything in the bundle."""
        return sha256_facts([asdict(member) for member in self.members])

    @property
    def total_bytes(self) -> int:
        """Bytes of all members together."""
        return sum(member.size_bytes for member in self.members)


def dump_manifest(manifest: Manifest) -> bytes:
    """Return the canonical bytes of a manifest."""
    members = [asdict(member) for member in manifest.members]
    return json_bytes({"schema_version": SCHEMA_VERSION, "members": members, "root": manifest.root})


def parse_manifest(data: bytes) -> Manifest:
    """Return the manifest in `data`. Raises BundleRejected for anything but the canonical bytes of one."""
    try:
        top = record(strict_json(data, BUNDLE_FILE, MAX_MANIFEST_BYTES), ("members", "root", "schema_version"), "top")
        if top["schema_version"] != SCHEMA_VERSION:
            _reject("this bundle's schema_version has no reader", repr(top["schema_version"])[:40], f"{SCHEMA_VERSION}")
        manifest = Manifest(items(top["members"], _member, "members"))
    except ManifestRejected as error:
        raise BundleRejected(
            error.what, where=f"{BUNDLE_FILE}, {error.where}", got=error.got, expected=error.expected
        ) from error
    if dump_manifest(manifest) != data:
        _reject("the manifest is not in the one form it is written in", f"root {top['root']}"[:80], manifest.root)
    return manifest


def _member(value: object, where: str) -> Member:
    fields = record(value, _FIELDS, where)
    texts = {name: text(fields[name], f"{where}.{name}") for name in _FIELDS if name != "size_bytes"}
    return Member(size_bytes=integer(fields["size_bytes"], f"{where}.size_bytes"), **texts)


def _first_unsorted(paths: list[str]) -> str:
    return next(after for before, after in pairwise(paths) if after <= before)


def _require_one_spelling(paths: Iterable[str]) -> None:
    """Refuse names that one file system keeps apart and another does not, and files that are folders of others."""
    files, spellings = set(paths), dict[str, str]()
    for path in sorted(files):
        for folder in (parent.as_posix() for parent in PurePosixPath(path).parents):
            if folder in files:
                _reject("a member is a file and a folder", folder)
        for name in (path, *(parent.as_posix() for parent in PurePosixPath(path).parents)):
            known = spellings.setdefault(name.casefold(), name)
            if known != name:
                _reject("two names differ only in upper and lower case", name, known)


def _reject(rule: str, got: str, expected: str = "") -> NoReturn:
    raise BundleRejected(rule, where=BUNDLE_FILE, got=got, expected=expected)
