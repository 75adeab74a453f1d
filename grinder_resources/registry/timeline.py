"""The figure of a registry: a row a version, a bar for each state it was in, over time."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from grinder_resources.evaluation.drawing import ACCENT, HAIRLINE, INK, MUTED, empty_figure, png, style
from grinder_resources.registry.events import Event
from grinder_resources.registry.states import Standing, State, after

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Stay = tuple[str, State, datetime, datetime]
"""Version, state, from when, until when."""

_FILLS: dict[State, tuple[str, str]] = {"staged": ("none", MUTED), "production": (ACCENT, ACCENT)}
_MARKS = {"promoted": "^", "rolled_back": "v"}
_LEAST = timedelta(minutes=10)


def timeline_png(events: Sequence[Event]) -> bytes | None:
    """Return the figure of one model's events as PNG; None where there are none."""
    return png(timeline(events)) if events else None


def timeline(events: Sequence[Event]) -> "Figure":
    """Draw when which version was staged (hollow) or in production (full), and each promotion and rollback."""
    versions = list(dict.fromkeys(event.version for event in events))
    with style():
        figure = empty_figure(8.6, 0.8 + 0.32 * max(2, len(versions)), left=0.9, bottom=0.4)
        axes = figure.subplots()
        for version, state, begins, ends in stays(events):
            face, edge = _FILLS[state]
            width = (ends - begins) / timedelta(days=1)
            axes.barh(versions.index(version), width, 0.5, _days(begins), color=face, edgecolor=edge, linewidth=1.0)
        for event in (event for event in events if event.action in _MARKS):
            place = (_days(_time(event.at)), versions.index(event.version))
            axes.plot(*place, marker=_MARKS[event.action], markersize=5, color=INK)
        _label(axes, versions)
    return figure


def stays(events: Sequence[Event]) -> Iterator[Stay]:
    """Yield how long each version was staged or in production; what still is lasts a little beyond the newest event."""
    begun, newest = _time(events[0].at), _time(events[-1].at)
    end = newest + max((newest - begun) / 20, _LEAST)
    standing, since = Standing(events[0].model, {}), dict[str, datetime]()
    for event in events:
        old = standing.versions.get(event.version)
        standing = after(standing, event)
        if old and old.state in _FILLS and old.state != standing.versions[event.version].state:
            yield event.version, old.state, since[event.version], _time(event.at)
        if old is None or old.state != standing.versions[event.version].state:
            since[event.version] = _time(event.at)
    for version in standing.versions.values():
        if version.state in _FILLS:
            yield version.version, version.state, since[version.version], end


def _label(axes: "Axes", versions: Sequence[str]) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set(yticks=range(len(versions)), title="full: in production, hollow: staged; ▲ promoted, ▼ rolled back")
    axes.set_ylim(-0.6, max(2, len(versions)) - 0.4)
    axes.set_yticklabels(versions, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=HAIRLINE, linewidth=0.5)
    axes.set_axisbelow(True)


def _time(at: str) -> datetime:
    return datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _days(time: datetime) -> float:
    """Return a time as matplotlib counts it: days since 1970-01-01 UTC."""
    return time.timestamp() / 86_400
