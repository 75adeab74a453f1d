"""Packing: what was verified, laid out under its manifest, in one file that appears whole or not at all."""

import io
import os
from collections.abc import Callable
from pathlib import Path

from grinder_resources.errors import InputRefused
from grinder_resources.export.durable import sync_folder
from grinder_resources.handover.archive import write_end, write_member
from grinder_resources.handover.manifest import BUNDLE_FILE, Manifest, dump_manifest
from grinder_resources.handover.workspace import Spool, workspace


def pack(out: Path, fill: Callable[[Spool], None]) -> Manifest:
    """Write what `fill` adds to a spool as the bundle `out`; return its manifest.

    Raises what `fill` raises, InputRefused if `out` exists, StorageFull where the disk refuses; then no file appears.
    """
    with workspace(out) as folder:
        if os.path.lexists(out):
            raise _taken(out)
        spool = Spool(folder / "members")
        fill(spool)
        manifest = Manifest(tuple(sorted(spool.members, key=lambda member: member.path)))
        made = folder / "bundle"
        _write(made, manifest, spool)
        try:
            os.link(made, out)
        except FileExistsError as error:
            raise _taken(out) from error
        sync_folder(out.absolute().parent)
    return manifest


def _write(path: Path, manifest: Manifest, spool: Spool) -> None:
    data = dump_manifest(manifest)
    with path.open("xb") as out:
        write_member(out, BUNDLE_FILE, len(data), io.BytesIO(data))
        for member in manifest.members:
            with (spool.folder / member.path).open("rb") as content:
                write_member(out, member.path, member.size_bytes, content)
        write_end(out)
        out.flush()
        os.fsync(out.fileno())


def _taken(path: Path) -> InputRefused:
    return InputRefused("nothing is written over", where=str(path), got="something there", hint="Name another place")
