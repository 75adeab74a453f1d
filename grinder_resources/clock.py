"""The one place that reads the wall clock: for labels a person reads, never for a value that is hashed or compared."""

from datetime import UTC, datetime


def utc_now() -> str:
    """Return the current time as `YYYY-MM-DDTHH:MM:SSZ`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: TID251 - this is the place
