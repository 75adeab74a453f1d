"""How a refusal of the library looks in Dagster: a failure whose description is the error's one line, never retried."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from grinder_resources.errors import GrinderError


@contextmanager
def refusals_as_failures() -> Iterator[None]:
    """Turn any refusal inside the block into dg.Failure."""
    try:
        yield
    except GrinderError as error:
        raise dg.Failure(error.line(), allow_retries=False) from error
