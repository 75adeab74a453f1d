"""`grinder prove graph ARTIFACT`: types, ranges, sums, coherence and the integer reference, on the worst rows."""

import argparse
import sys
from pathlib import Path

from grinder_resources.arguments import count, names
from grinder_resources.export.verify import read_artifact
from grinder_resources.progress import shown
from grinder_resources.proofs.table import text_table


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `graph`; it sets `run`, a function of the parsed arguments to an exit code."""
    parser = subparsers.add_parser(
        "graph",
        help="a graph keeps its promises on any input",
        description="Ask the graph of an artifact for random rows with special values among them, and check types, "
        "ranges, sums, every rule between heads, and that numpy computes the same answers with integers. "
        "Exit 0: all promises kept. Exit 1: one line names the first that is broken.",
    )
    parser.add_argument("artifact_dir", type=Path, metavar="ARTIFACT", help="e.g. models/regime_v1.0.0")
    parser.add_argument("--n", type=count, default=1_000_000, help="rows (default: 1000000)")
    parser.add_argument(
        "--with",
        dest="kinds",
        type=names,
        default=("nan", "inf", "denormal", "extreme"),
        metavar="KIND,KIND",
        help="special values to mix in (default: nan,inf,denormal,extreme)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random rows (default: 0)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print a table and return 0. Raises ProofFailed where a promise is broken, ArtifactRejected for a bad artifact."""
    from grinder_resources.proofs.graph import prove_graph, require_kept

    artifact = read_artifact(arguments.artifact_dir)
    with shown():
        results = prove_graph(artifact, arguments.n, arguments.kinds, seed=arguments.seed)
    kinds = f" with {', '.join(arguments.kinds)} among them" if arguments.kinds else ""
    sys.stdout.write(f"{artifact.manifest.folder}: {arguments.n:,} rows{kinds}\n\n")
    table = [(result.check, result.rows, result.broken) for result in results]
    sys.stdout.write(text_table(("promise", "rows", "broken"), table))
    require_kept(results)
    return 0
