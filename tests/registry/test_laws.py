"""Whatever is done in whatever order: one candidate and one version in production, and the log says how."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.errors import PromotionRefused, RegistryRejected
from grinder_resources.registry.log import Registry
from grinder_resources.registry.states import standings
from tests.registry.registries import BAD, GOOD, MODEL, promote, roll_back, stage, started, states

CONTENT = st.integers(0, 4).map(lambda number: str(number).encode())
KEEP = st.integers(1, 4)
STEPS: st.SearchStrategy[Callable[[Registry], object]] = st.one_of(
    st.builds(
        lambda content, answer, keep: lambda to: stage(to, content, answer, keep=keep),
        CONTENT,
        st.sampled_from([GOOD, BAD, None]),
        KEEP,
    ),
    st.builds(lambda keep: lambda to: promote(to, keep=keep), KEEP),
    st.builds(
        lambda patch, keep: lambda to: promote(to, f"v1.0.{patch}", despite="so", keep=keep), st.integers(0, 4), KEEP
    ),
    st.just(roll_back),
)


@settings(max_examples=20)
@given(st.lists(STEPS, min_size=4, max_size=9))
def test_one_candidate_and_one_in_production(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Callable[[Registry], object]]
) -> None:
    """After every step, from the first promotion on; what is refused changes nothing."""
    registry = started(tmp_path_factory.mktemp("models"))
    promoted = False
    for step in steps:
        before = registry.path.read_bytes()
        try:
            step(registry)
        except (PromotionRefused, RegistryRejected):
            assert registry.path.read_bytes() == before
        events = registry.read()
        promoted = promoted or any(event.action == "promoted" for event in events)
        found = list(states(registry).values()) if events else []
        assert found.count("production") == int(promoted)
        assert found.count("staged") <= 1
        before_it = standings(events)[MODEL].before if events else ()
        assert all(states(registry)[version] == "deprecated" for version in before_it[:1])
