"""Tags on runs that nobody started by hand: why there is such a run, in words and for filters of the UI."""

REASON = "grinder/reason"
"""One of the reasons below."""
DETAIL = "grinder/detail"
"""The numbers behind it."""
DRIFT = "grinder/drift"
"""Models whose drift asked for the run, separated by commas."""

DAY_ENDED, LATE_DATA, NEW_FILES, HOURLY, DUE, DRIFTED = "day_ended", "late_data", "new_files", "hourly", "due", "drift"


def reason(name: str, detail: str = "") -> dict[str, str]:
    """Return the tags of a run that was asked for because of `name`."""
    return {REASON: name, **({DETAIL: detail} if detail else {})}
