"""Every feature group there is, in the order they are computed.

A group that needs another comes after it, so one pass over the list fills everything.
"""

from types import MappingProxyType

from grinder_resources.features.groups.averages import MEAN_REVERSION, SMA_CONTEXT
from grinder_resources.features.groups.barrier import BARRIER_PHYSICS
from grinder_resources.features.groups.confluence import CONFLUENCE
from grinder_resources.features.groups.place import APPROACH_CONTEXT, LEVEL_CONTEXT, SESSION_CONTEXT
from grinder_resources.features.groups.pressure import NET_PRESSURE, PRESSURE_INDICATORS
from grinder_resources.features.groups.rolling import ROLLING
from grinder_resources.features.groups.tape import TAPE_PHYSICS
from grinder_resources.features.groups.trend import ATTEMPT_TREND

GROUPS = MappingProxyType(
    {
        group.name: group
        for group in (
            LEVEL_CONTEXT,
            SESSION_CONTEXT,
            APPROACH_CONTEXT,
            SMA_CONTEXT,
            MEAN_REVERSION,
            CONFLUENCE,
            BARRIER_PHYSICS,
            TAPE_PHYSICS,
            PRESSURE_INDICATORS,
            NET_PRESSURE,
            ATTEMPT_TREND,
            ROLLING,
        )
    }
)

ABSENT_SOURCES = ("options",)
"""Data this lake has no reader for. A group that requires it may be declared; it has no columns, rather than zeros."""
