"""Eight processes that promote and roll back the same model at once, and a ninth that looks on.

Run by `test_writers.py` in a process of its own, where forking is safe: `python race.py FOLDER`. Prints how many events
the eight were told they had added, how many the log holds, and how often the ninth looked.
"""

import os
import sys
from pathlib import Path

from grinder_resources.errors import GrinderError
from grinder_resources.registry.log import Registry
from tests.registry.registries import MODEL, promote, roll_back, stage, started

WRITERS, TURNS = 8, 9


def write(registry: Registry, number: int, begin: int, told: int) -> None:
    """Promote an own version, then roll back, over and over; tell how many events were added."""
    os.read(begin, 1)
    added = 0
    for turn in range(TURNS):
        try:
            added += len(roll_back(registry) if turn % 3 == 2 else promote(registry, f"v1.0.{number}", despite="race"))
        except GrinderError:
            continue  # another was first
    os.write(told, f"{added}\n".encode())
    os._exit(0)


def looks(registry: Registry, writers: set[int]) -> int:
    """Look until all writers have ended; at each look exactly one version is in production."""
    count = 0
    while writers:
        states = [version.state for version in registry.standings()[MODEL].versions.values()]
        assert states.count("production") == 1, states
        count += 1
        child, status = os.waitpid(-1, os.WNOHANG)
        assert status == 0
        writers.discard(child)
    return count


if __name__ == "__main__":
    shared = started(Path(sys.argv[1]))
    for content in range(WRITERS):
        stage(shared, str(content).encode(), None)
    promote(shared, "v1.0.0", despite="first")
    known = len(shared.read())
    (begin, go), (told, tell) = os.pipe(), os.pipe()
    children = set()
    for number in range(WRITERS):
        child = os.fork()
        if child == 0:
            write(shared, number, begin, tell)
        children.add(child)
    os.write(go, b"!" * WRITERS)
    looked = looks(shared, children)
    os.close(tell)
    with os.fdopen(told) as answers:
        added = sum(int(line) for line in answers)
    sys.stdout.write(f"{added} {len(shared.read()) - known} {looked}\n")
