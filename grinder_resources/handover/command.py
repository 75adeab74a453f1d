"""`grinder pack corpus | model` and `grinder unpack`: a lake's days or models for another machine, in one file."""

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grinder_resources.addresses import lake_root, models_dir

if TYPE_CHECKING:
    from grinder_resources.handover.manifest import Manifest

_GIB = 1 << 30


def add_parsers(commands: Any) -> None:
    """Add `grinder pack` and `grinder unpack` to what `ArgumentParser.add_subparsers()` returned."""
    pack = commands.add_parser("pack", help="pack days of the lake, or models, into one file", description=__doc__)
    whats = pack.add_subparsers(title="what", metavar="WHAT", required=True)
    _add_corpus(whats)
    _add_model(whats)
    _add_unpack(commands)


def _add_corpus(whats: Any) -> None:
    parser = whats.add_parser(
        "corpus",
        help="days of the lake",
        description="Verify days of the lake and pack them. The same rows give the same file, wherever they lie.",
    )
    parser.add_argument("--tables", nargs="+", default=[], metavar="TABLE", help="or a layer: bronze (default all)")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, metavar="DAY", help="first UTC day")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, metavar="DAY", help="last UTC day")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the lake (default data, or GRINDER_LAKE)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the bundle will lie")
    parser.set_defaults(run=run_pack_corpus)


def _add_model(whats: Any) -> None:
    parser = whats.add_parser(
        "model",
        help="artifacts, with ledger, registry, signatures and adopted settings",
        description="Verify artifacts and pack them with all that is known about them.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="regime, or regime_v1.0.0 (default every artifact)")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder of models (default models)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the bundle will lie")
    parser.set_defaults(run=run_pack_model)


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


def run_pack_corpus(arguments: argparse.Namespace) -> int:
    """Print what was packed and return 0. Raises what reading the lake and writing the file raise."""
    from grinder_resources.handover.corpus import add_corpus
    from grinder_resources.handover.pack import pack
    from grinder_resources.lake import Lake

    lake = Lake(lake_root(arguments.data))
    days = {"first": arguments.first, "last": arguments.last}
    return _packed(arguments.out, pack(arguments.out, lambda to: add_corpus(to, lake, tables=arguments.tables, **days)))


def run_pack_model(arguments: argparse.Namespace) -> int:
    """Print what was packed and return 0. Raises what verifying the models and writing the file raise."""
    from grinder_resources.handover.models import add_models
    from grinder_resources.handover.pack import pack

    models = models_dir(arguments.models)
    return _packed(arguments.out, pack(arguments.out, lambda to: add_models(to, models, arguments.names)))


def run_unpack(arguments: argparse.Namespace) -> int:
    """Print what was verified and return 0. Raises what `unpack` raises."""
    from grinder_resources.handover.unpack import Limits, unpack

    limits = Limits(total_bytes=arguments.limit_gib * _GIB)
    unpacked = unpack(arguments.bundle, arguments.into, root=arguments.root, limits=limits)
    sys.stdout.write("".join(f"{line}\n" for line in unpacked.lines))
    sys.stdout.write(f"{unpacked.folder}: {_count(unpacked.manifest)}\nroot {unpacked.manifest.root}\n")
    return 0


def _packed(out: Path, manifest: "Manifest") -> int:
    sys.stdout.write(f"{out}: {_count(manifest)}\nroot {manifest.root}\n")
    return 0


def _count(manifest: "Manifest") -> str:
    return f"{len(manifest.members):,} files, {manifest.total_bytes:,} bytes"
