"""Progress bars for work a person waits for; silent unless a command switched them on and a terminal shows them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
_SHOWN: ContextVar[bool] = ContextVar("progress_shown", default=False)


@contextmanager
def shown() -> Iterator[None]:
    """Switch progress bars on inside the block."""
    token = _SHOWN.set(True)
    try:
        yield
    finally:
        _SHOWN.reset(token)


def track(items: Iterable[T], desc: str = "", total: int | None = None) -> Iterable[T]:
    """Return `items` behind a progress bar labelled `desc`, or untouched when bars are off."""
    if not _SHOWN.get():
        return items
    # disable=None: tqdm itself stays silent where standard error is not a terminal.
    return tqdm(items, desc=desc, total=total, leave=False, disable=None, dynamic_ncols=True)
