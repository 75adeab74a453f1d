"""The log: what is written is read, what was altered is found, and what is missing is never "no models"."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.errors import RegistryRejected
from grinder_resources.registry.events import ACTIONS, AnswerEvidence, Artifact, Event, Evidence
from grinder_resources.registry.lines import parse_event
from grinder_resources.registry.log import Draft, Registry
from tests.registry.registries import BAD, MODEL, promote, stage, started, states

ARTIFACT = Artifact("a" * 64, "b" * 16, "c" * 64, "d" * 16)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return a registry of four events."""
    registry = started(tmp_path)
    stage(registry, b"one")
    promote(registry)
    stage(registry, b"two", BAD)
    stage(registry, b"two")
    return registry


def test_an_event_is_one_line_of_canonical_json(tmp_path: Path) -> None:
    """The same event gives the same bytes anywhere: no host, no path."""
    registry = Registry(tmp_path)
    registry.create()
    draft = Draft("staged", "regime", "v1.0.0", ARTIFACT, "première")
    registry.change(lambda _: [draft], actor="maria", at="2025-01-06T12:00:00Z")
    assert registry.path.read_text() == (
        '{"action":"staged","actor":"maria","artifact":{"chain_root":"' + "c" * 64 + '","data_from":"",'
        '"data_until":"","dataset":"' + "d" * 16 + '","manifest":"' + "a" * 64 + '","model_hash":"' + "b" * 16 + '",'
        '"spec":""},"at":"2025-01-06T12:00:00Z","evidence":null,"gates":[],"model":"regime","previous":"'
        f"{'0' * 64}"
        '","reason":"premi\\u00e8re","seq":1,'
        '"sha256":"abbbc57ae2122856f7727421157e0d4fbada78ec0279eb239cc0ee850feb6219","signature":"","signed_by":"",'
        '"version":"v1.0.0"}\n'
    )


TEXT = st.text(max_size=8)
NUMBER = st.none() | st.integers(-(10**9), 10**9)
ANSWERS = st.builds(
    AnswerEvidence, TEXT, TEXT, st.lists(NUMBER, max_size=3).map(tuple), NUMBER, st.lists(TEXT, max_size=2).map(tuple)
)
EVIDENCE = st.builds(
    Evidence,
    promote=st.booleans(),
    sentence=TEXT,
    codes=st.lists(TEXT, max_size=2).map(tuple),
    answers=st.lists(ANSWERS, max_size=2).map(tuple),
    spec=TEXT,
    dataset=TEXT,
    ledger_count=st.integers(0, 10**9),
    ledger_newest=TEXT,
)
EVENTS = st.builds(
    Event,
    seq=st.integers(1, 10**6),
    action=st.sampled_from(ACTIONS),
    model=TEXT,
    version=TEXT,
    artifact=st.builds(Artifact, *[TEXT] * 7),
    reason=TEXT,
    actor=TEXT,
    at=TEXT,
    evidence=st.none() | EVIDENCE,
    gates=st.lists(TEXT, max_size=2).map(tuple),
    previous=TEXT,
    signed_by=TEXT,
    signature=TEXT,
)


@given(EVENTS)
def test_a_line_is_read_as_the_event_it_holds(event: Event) -> None:
    """Signature and all."""
    read = parse_event(event.line, "line 1")
    assert (read, read.signature) == (event, event.signature)


def test_each_event_names_the_one_before(registry: Registry) -> None:
    """And the chain begins with none."""
    events = registry.read()
    assert [event.seq for event in events] == [1, 2, 3, 4]
    assert [event.previous for event in events] == ["0" * 64, *(event.sha256 for event in events[:-1])]


def test_time_never_runs_backwards(registry: Registry) -> None:
    """A clock that was set back does not put an event before the one it follows."""
    draft = Draft("staged", "other", "v1.0.0", ARTIFACT, "")
    (event,) = registry.change(lambda _: [draft], actor="test", at="2024-12-31T00:00:00Z")
    assert event.at == registry.read()[-2].at


def test_a_registry_is_made_once(registry: Registry, tmp_path: Path) -> None:
    """Making it again reads what is there and changes nothing."""
    before = registry.path.read_bytes()
    assert registry.create() is False
    assert registry.path.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".")} == set()


def test_a_registry_is_made_by_nobody_in_passing(tmp_path: Path) -> None:
    """Neither reading nor writing starts one."""
    registry = Registry(tmp_path)
    for act in (registry.read, lambda: registry.change(lambda _: [], actor="", at="")):
        with pytest.raises(RegistryRejected, match=r"there is no registry.*`grinder registry init`"):
            act()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "what"), [("log.jsonl", "the log is missing"), ("log.head", "the head is missing")])
def test_a_missing_file_is_an_error(registry: Registry, name: str, what: str) -> None:
    """In reading, in writing, and in making it again; nothing is made in its place."""
    (registry.folder / name).unlink()
    for act in (registry.read, registry.create, lambda: promote(registry)):
        with pytest.raises(RegistryRejected, match=what):
            act()
    assert not (registry.folder / name).exists()


Lines = list[str]
ALTERATIONS: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "cut tail": (lambda lines: lines[:-1], r"not the one its head names \(.*got 3 events.*expected 4"),
    "everything cut": (lambda _: [], r"not the one its head names \(.*got 0 events"),
    "removed": (lambda lines: lines[1:], r"removed, repeated or moved \(.*line 1; got event 2"),
    "edited": (lambda lines: [lines[0].replace("test", "eve", 1), *lines[1:]], r"edited \(.*line 1"),
    "reordered": (lambda lines: [lines[1], lines[0], *lines[2:]], r"removed, repeated or moved \(.*line 1"),
    "repeated": (lambda lines: [*lines, lines[-1]], r"removed, repeated or moved \(.*line 5"),
    "torn": (lambda lines: [*lines[:-1], lines[-1][:40]], r"torn \(.*line 4; got 40 characters"),
    "not JSON": (lambda lines: ["what\n", *lines[1:]], r"the line is no event.*line 1"),
    "other JSON": (lambda lines: ["[1]\n", *lines[1:]], r"the line is no event.*line 1"),
    "added field": (lambda lines: [lines[0].replace("{", '{"a":1,', 1), *lines[1:]], r"no event: a field is unknown"),
    "another action": (lambda lines: [lines[0].replace("staged", "sold", 1), *lines[1:]], r"no event: an action is"),
}


@pytest.mark.parametrize(("alter", "sentence"), ALTERATIONS.values(), ids=ALTERATIONS)
def test_what_was_altered_is_found(registry: Registry, alter: Callable[[Lines], Lines], sentence: str) -> None:
    """In reading; and nobody adds to such a log, or mends it."""
    altered = "".join(alter(registry.path.read_text().splitlines(keepends=True)))
    registry.path.write_text(altered)
    with pytest.raises(RegistryRejected, match=sentence):
        registry.read()
    with pytest.raises(RegistryRejected):
        promote(registry)
    assert registry.path.read_text() == altered


@settings(max_examples=40)
@given(st.data())
def test_any_changed_byte_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """In the log or in the head."""
    registry = started(tmp_path_factory.mktemp("models"))
    registry.change(
        lambda _: [Draft("staged", name, "v1.0.0", ARTIFACT, "") for name in ("a", "b")],
        actor="test",
        at="2025-01-06T12:00:00Z",
    )
    path = data.draw(st.sampled_from([registry.path, registry.path.with_suffix(".head")]))
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with pytest.raises(RegistryRejected):
        registry.read()


IMPOSSIBLE = {
    "two in production": [("staged", "v1.0.0"), ("promoted", "v1.0.0"), ("staged", "v1.0.1"), ("promoted", "v1.0.1")],
    "two candidates": [("staged", "v1.0.0"), ("staged", "v1.0.1")],
    "never staged": [("promoted", "v1.0.0")],
    "rolled back from nowhere": [("staged", "v1.0.0"), ("rolled_back", "v1.0.0")],
    "retired at once": [("staged", "v1.0.0"), ("retired", "v1.0.0")],
    "back from retirement": [
        ("staged", "v1.0.0"),
        ("deprecated", "v1.0.0"),
        ("retired", "v1.0.0"),
        ("promoted", "v1.0.0"),
    ],
}


@pytest.mark.parametrize("steps", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_follow_is_not_written(tmp_path: Path, steps: list[tuple[str, str]]) -> None:
    """Whoever asks for it; all that came with it stays out as well."""
    registry = started(tmp_path)
    drafts = [Draft(action, MODEL, version, ARTIFACT, "") for action, version in steps]  # type: ignore[arg-type]
    with pytest.raises(RegistryRejected, match="cannot follow those before"):
        registry.change(lambda _: drafts, actor="test", at="")
    assert registry.read() == ()


def test_a_version_keeps_its_bytes(registry: Registry) -> None:
    """An event with another artifact under the same version is refused."""
    with pytest.raises(RegistryRejected, match="got other bytes under the same version"):
        registry.change(lambda _: [Draft("promoted", MODEL, "v1.0.1", ARTIFACT, "")], actor="test", at="")
    assert states(registry) == {"v1.0.0": "production", "v1.0.1": "staged"}
