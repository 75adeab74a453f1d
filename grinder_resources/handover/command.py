"""`grinder pack corpus | model | all` and `grinder unpack`: a lake's days, or models, for another machine."""

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grinder_resources.addresses import lake_root, models_dir

if TYPE_CHECKING:
    from grinder_resources.handover.manifest import Manifest

_GIB = 1 << 30
_WHATS = {
    "corpus": (
        "days of the lake",
        "Verify days of the lake and pack them. The same rows give the same file, wherever they lie.",
    ),
    "model": (
        "artifacts, with ledger, registry, signatures and adopted settings",
        "Verify artifacts and pack them with all that is known about them.",
    ),
    "all": (
        "both",
        "Verify days of the lake and artifacts and pack both, so that the chain between them can be walked.",
    ),
}


def add_parsers(commands: Any) -> None:
    """Add `grinder pack` and `grinder unpack` to what `ArgumentParser.add_subparsers()` returned."""
    pack = commands.add_parser("pack", help="pack days of the lake, or models, into one file", description=__doc__)
    whats = pack.add_subparsers(title="what", metavar="WHAT", dest="what", required=True)
    for what, (short, text) in _WHATS.items():
        parser = whats.add_parser(what, help=short, description=text)
        if what != "model":
            _add_days(parser)
        if what != "corpus":
            _add_names(parser)
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the bundle will lie")
        parser.set_defaults(run=run_pack)
    _add_unpack(commands)


def _add_days(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tables", nargs="+", default=[], metavar="TABLE", help="or a layer: bronze (default all)")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, metavar="DAY", help="first UTC day")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, metavar="DAY", help="last UTC day")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the lake (default data, or GRINDER_LAKE)")


def _add_names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="regime, or regime_v1.0.0 (default every artifact)")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder of models (default models)")


def _add_unpack(commands: Any) -> None:
    parser = commands.add_parser(
        "unpack",
        help="verify a bundle and make a folder of it",
        description="Account for every byte of a bundle, verify its rows and models, and let the folder appear.",
    )
    parser.add_argument("bundle", type=Path, metavar="FILE", help="what `grinder pack` made")
    parser.add_argument("--into", type=Path, required=True, metavar="DIR", help="a folder that is not there yet")
    parser.add_argument("--root", default="", metavar="SHA256", help="what pack printed: refuse any other bundle")
    parser.add_argument("--limit-gib", type=int, default=64, metavar="N", help="largest bundle to take (default 64)")
    parser.set_defaults(run=run_unpack)


def run_pack(arguments: argparse.Namespace) -> int:
    """Print what was packed and return 0. Raises what verifying it and writing the file raise."""
    from grinder_resources.handover.corpus import add_corpus
    from grinder_resources.handover.models import add_models
    from grinder_resources.handover.pack import pack
    from grinder_resources.handover.workspace import Spool
    from grinder_resources.lake import Lake

    def fill(spool: Spool) -> None:
        if arguments.what != "model":
            lake = Lake(lake_root(arguments.data))
            add_corpus(spool, lake, tables=arguments.tables, first=arguments.first, last=arguments.last)
        if arguments.what != "corpus":
            add_models(spool, models_dir(arguments.models), arguments.names)

    manifest = pack(arguments.out, fill)
    sys.stdout.write(f"{arguments.out}: {_count(manifest)}\nroot {manifest.root}\n")
    return 0


def run_unpack(arguments: argparse.Namespace) -> int:
    """Print what was verified and return 0. Raises what `unpack` raises."""
    from grinder_resources.handover.unpack import Limits, unpack

    limits = Limits(total_bytes=arguments.limit_gib * _GIB)
    unpacked = unpack(arguments.bundle, arguments.into, root=arguments.root, limits=limits)
    sys.stdout.write("".join(f"{line}\n" for line in unpacked.lines))
    sys.stdout.write(f"{unpacked.folder}: {_count(unpacked.manifest)}\nroot {unpacked.manifest.root}\n")
    return 0


def _count(manifest: "Manifest") -> str:
    return f"{len(manifest.members):,} files, {manifest.total_bytes:,} bytes"
