"""The chain: the logical hashes of every table and day a model comes from, Bronze to Gold, folded with its bytes.

A lake commit names the hashes of the days it was built from, so the days behind a dataset are found by walking from
commit to commit. Nothing of a clock, a host, a path or a file layout enters: two lakes with the same Bronze rows and
the same code give the same root, wherever they lie.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any

from grinder_resources.errors import PartitionMissing
from grinder_resources.hashing import sha256_facts
from grinder_resources.lake import Commit, Lake

Chain = Mapping[str, Mapping[str, str]]
"""Table -> ISO day -> logical sha256. Two hashes, joined by a comma, stand where later days were built on rows of that
day that have been replaced since."""


def chain_of(lake: Lake, *datasets: str) -> dict[str, dict[str, str]]:
    """Return the chain that ends in every committed day of one table or more, the tables themselves included.

    Raises PartitionMissing if a table, or a day that one was built from, was never committed.
    """
    used: dict[str, dict[str, set[str]]] = {}
    waiting: deque[tuple[str, str, str]] = deque()
    for dataset in datasets:
        stamps = lake.stamps(dataset)
        if not stamps:
            raise PartitionMissing("the table has no committed day", where=dataset, hint="Materialise it first")
        waiting.extend((dataset, commit.day, commit.logical_sha256) for commit in stamps.values())
    while waiting:
        table, day, sha256 = waiting.popleft()
        known = used.setdefault(table, {}).setdefault(day, set())
        if sha256 not in known:
            known.add(sha256)
            waiting.extend(_sources(lake, table, day))
    return {table: {day: ",".join(sorted(days[day])) for day in sorted(days)} for table, days in sorted(used.items())}


def chain_facts(chain: Chain, model_sha256: str) -> dict[str, Any]:
    """Return what the root is taken over: `tables`, the chain, and `model`, the sha256 of `model.onnx`."""
    return {"model": model_sha256, "tables": {table: dict(days) for table, days in chain.items()}}


def chain_root(chain: Chain, model_sha256: str) -> str:
    """Return the one hash that stands for a model and everything it was made from."""
    return sha256_facts(chain_facts(chain, model_sha256))


def _sources(lake: Lake, table: str, day: str) -> list[tuple[str, str, str]]:
    """Return table, day and hash of what a day was built from; landing files, which have no table, are left out."""
    commit: Commit | None = lake.stamps(table).get(day)
    if commit is None:
        raise PartitionMissing(
            "a day that others were built from is gone", where=f"{table}/date={day}", hint="Materialise it again"
        )
    pairs = ((source.rpartition("/"), sha256) for source, sha256 in commit.upstream.items())
    return [(name, source_day, sha256) for (name, _, source_day), sha256 in pairs if name]
