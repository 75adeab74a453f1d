"""Which code made a row: a hash over the source files it depends on, so that nobody has to bump a number."""

import hashlib
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parent


@cache
def code_version(*packages: str) -> str:
    """Return 12 hexadecimal characters over the source and YAML files of sub-packages of this library.

    `packages` are folder names such as "market"; the files' relative paths and bytes count, nothing else does.
    """
    digest = hashlib.sha256()
    for package in sorted(packages):
        for path in sorted((_ROOT / package).rglob("*")):
            if path.suffix in {".py", ".yaml"}:
                digest.update(path.relative_to(_ROOT).as_posix().encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
