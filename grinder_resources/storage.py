"""One border for the many ways libraries and the operating system say "the disk is full"."""

from collections.abc import Iterator
from contextlib import contextmanager

from grinder_resources.errors import GrinderError, StorageFull

_SIGNS = (
    "No space left",
    "os error 28",
    "File too large",
    "os error 27",
    "Disk quota",
    "database or disk is full",
    "disk I/O error",
    "Permission denied",
    "Read-only file system",
)


def is_storage_full(error: BaseException) -> bool:
    """Return whether an error, or one it was raised from, says that the store takes no more bytes."""
    while error is not None:
        if any(sign in str(error) for sign in _SIGNS):
            return True
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return False


@contextmanager
def storage_errors(where: str) -> Iterator[None]:
    """Raise StorageFull for any error inside the block that says so; every other error passes."""
    try:
        yield
    except GrinderError:
        raise
    except Exception as error:
        if not is_storage_full(error):
            raise
        raise StorageFull(
            "the store takes no more bytes", where=where, got=str(error)[:160], hint="Free space, then run it again"
        ) from error
