"""How a refusal of the library looks in Dagster: a failure whose description is the error's one line.

A refusal is never tried again, for it would be the same; only what can pass by itself is.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg

from grinder_resources.errors import CommitConflict, GrinderError

MAX_RETRIES = 2
RETRY_AFTER_S = 5
"""Another writer's commit of the same day takes less than that."""


@contextmanager
def refusals_as_failures() -> Iterator[None]:
    """Turn any refusal inside the block into what Dagster makes of it."""
    try:
        yield
    except GrinderError as error:
        raise in_dagster(error) from error


def in_dagster(error: GrinderError, metadata: Mapping[str, Any] | None = None) -> dg.Failure | dg.RetryRequested:
    """Return a failure, or a retry where another writer's commit came first."""
    if isinstance(error, CommitConflict):
        return dg.RetryRequested(max_retries=MAX_RETRIES, seconds_to_wait=RETRY_AFTER_S)
    return dg.Failure(error.line(), metadata=metadata, allow_retries=False)
