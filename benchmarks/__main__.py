"""Every benchmark in turn, each in a process of its own: `python -m benchmarks [--quick]`."""

import subprocess
import sys

NAMES = ("snapshots", "rolling", "training", "onnx", "signal", "history", "grid", "drift", "run")


def main() -> int:
    """Run them all with the options given; return 1 if one of them failed."""
    failed = []
    for name in NAMES:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.bench_{name}", *sys.argv[1:]], check=False).returncode:  # noqa: S603
            failed.append(name)
        print(flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
