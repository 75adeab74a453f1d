"""`grinder prove export ARTIFACT`: compare integer margins of XGBoost and ONNX Runtime; 0 may differ."""

import argparse
import json
import sys
from pathlib import Path

from grinder_resources.arguments import count, counts
from grinder_resources.contracts.artifacts import REPORT_FILE
from grinder_resources.export.verify import VerifiedArtifact, read_artifact
from grinder_resources.progress import shown
from grinder_resources.proofs.table import text_table


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `export`; it sets `run`, a function of the parsed arguments to an exit code."""
    parser = subparsers.add_parser(
        "export",
        help="XGBoost and ONNX Runtime give the same integer margins",
        description="Ask the boosters and the graph of an artifact for the margin of the same rows, with several "
        "numbers of threads and batch sizes. Exit 0: none differs. Exit 1: one line names the first that does.",
    )
    parser.add_argument("artifact_dir", type=Path, metavar="ARTIFACT", help="e.g. models/regime_v1.0.0")
    parser.add_argument("--rows", type=count, default=100_000, help="random rows (default: 100000)")
    parser.add_argument("--threads", type=counts, default=(1, 2, 4), metavar="N,N", help="default: 1,2,4")
    parser.add_argument("--batch", type=counts, default=(1, 7, 4096), metavar="N,N", help="default: 1,7,4096")
    parser.add_argument(
        "--probe-thresholds", type=_probes, default=None, metavar="all|N", help="thresholds to probe (default: all)"
    )
    parser.add_argument("--nan", action="store_true", help="let a tenth of the values be missing")
    parser.add_argument("--seed", type=int, default=0, help="of the random rows (default: 0)")
    parser.set_defaults(run=run)


def _probes(text: str) -> int | None:
    return None if text == "all" else count(text)


def run(arguments: argparse.Namespace) -> int:
    """Print a table and return 0. Raises ProofFailed where an answer differs, ArtifactRejected for a bad artifact."""
    from grinder_resources.proofs.export import proof_rows, prove_export, require_equal

    artifact = read_artifact(arguments.artifact_dir)
    rows, probes = proof_rows(
        artifact, arguments.rows, arguments.probe_thresholds, missing=arguments.nan, seed=arguments.seed
    )
    threads, sizes = (", ".join(map(str, asked)) for asked in (arguments.threads, arguments.batch))
    sys.stdout.write(
        f"{artifact.manifest.folder}: {arguments.rows:,} random rows, {probes:,} at and beside split thresholds"
        f"{', a tenth of the values missing' if arguments.nan else ''}\n"
        f"XGBoost and ONNX Runtime with {threads} threads, batches of {sizes} rows; "
        "single rows are dealt to the numbers of threads in turn\n\n"
    )
    with shown():
        proofs = prove_export(artifact, rows, arguments.threads, arguments.batch)
    table = [(proof.head, proof.rows, proof.comparisons, proof.differing) for proof in proofs]
    sys.stdout.write(text_table(("head", "rows", "comparisons", "differing"), table))
    sys.stdout.write(_snapping(artifact))
    require_equal(proofs)
    return 0


def _snapping(artifact: VerifiedArtifact) -> str:
    """Return what moving leaves to the grid cost on the validation rows, if training recorded it."""
    recorded = json.loads(artifact.files[REPORT_FILE]).get("snapping", [])
    rows = [
        (row["head"], row["metric"], f"{row['before']:.8g}", f"{row['after']:.8g}", f"{row['difference']:+.1e}")
        for row in recorded
    ]
    if not rows:
        return ""
    header = ("head", "metric", "leaves as fitted", "leaves on the grid", "difference")
    return "\nWhat the grid of 2^-16 costs on the validation rows:\n" + text_table(header, rows)
