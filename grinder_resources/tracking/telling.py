"""Telling of an artifact where it was made, so that a store that is down cannot stop a model from being made."""

from dataclasses import dataclass
from pathlib import Path

from grinder_resources.errors import TrackingFailed
from grinder_resources.export.commit import head_commit
from grinder_resources.lake import Lake
from grinder_resources.tracking.address import Store
from grinder_resources.tracking.facts import run_facts
from grinder_resources.tracking.runs import TrackedRun, track
from grinder_resources.tracking.walk_forward import fold_scores


@dataclass(frozen=True)
class Told:
    """Whether the store has the run, and a line that says which, or why not."""

    tracked: bool
    sentence: str


def tell(folder: Path, store: Store, lake: Lake) -> TrackedRun:
    """Tell a store all that is known of an artifact. Raises TrackingFailed, and what reading the artifact raises."""
    return track(store, run_facts(folder, fold_scores(folder, lake), git_sha=head_commit()))


def tell_if_possible(folder: Path, store: Store, lake: Lake) -> Told:
    """Tell a store of an artifact; a store that is down is a line to be shown, not an error."""
    try:
        return Told(True, tell(folder, store, lake).sentence)
    except TrackingFailed as error:
        return Told(False, error.line())
