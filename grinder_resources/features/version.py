"""What a feature version is: which groups and columns it has, and the table that follows from them."""

from dataclasses import dataclass

from grinder_resources.contracts.events import CONTEXT, IDENTITY, LABELS, LEVEL_EVENTS, WATERMARK
from grinder_resources.contracts.table import Column, Table
from grinder_resources.features.moment import Settings
from grinder_resources.features.registry import GROUPS

CANDIDATE = "candidate"
"""Tag of a version on trial: buildable like any other, but no part of the daily tables."""


@dataclass(frozen=True)
class FeatureGroup:
    """A group of a version: which of the registered group's columns it has.

    optional, requires
        An optional group requires data this lake has no reader for (ABSENT_SOURCES); it is declared and has no columns.
    """

    name: str
    description: str
    columns: tuple[str, ...]
    dependencies: tuple[str, ...] = ()
    optional: bool = False
    requires: str | None = None


@dataclass(frozen=True)
class FeatureManifest:
    """One feature version; `parameters` are the numbers its features use, defaults filled in."""

    version: str
    name: str
    description: str
    feature_groups: tuple[FeatureGroup, ...]
    parameters: Settings
    parent_version: str | None = None
    tags: tuple[str, ...] = ()
    notes: str = ""

    @property
    def present(self) -> tuple[FeatureGroup, ...]:
        """Groups that have columns, in the order they are computed."""
        here = {group.name: group for group in self.feature_groups if not group.optional}
        return tuple(here[name] for name in GROUPS if name in here)

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns of the groups that are present."""
        return tuple(
            column for group in self.present for column in GROUPS[group.name].columns if column.name in group.columns
        )

    @property
    def reads_snapshots(self) -> bool:
        """Whether one of its groups asks `silver/snapshots`."""
        return any(GROUPS[group.name].reads_snapshots for group in self.present)

    @property
    def table(self) -> Table:
        """The contract of the version's table: identity, watermark, context, features, labels."""
        return Table(
            name=f"silver/features/{self.version}",
            doc=self.description,
            columns=(*IDENTITY, WATERMARK, *CONTEXT, *self.features, *LABELS),
            sort_by=LEVEL_EVENTS.sort_by,
            key=LEVEL_EVENTS.key,
        )
