"""Staging, promoting and rolling back: what follows from each, and what is refused."""

from pathlib import Path

import pytest

from grinder_resources.errors import PromotionRefused, RegistryRejected
from grinder_resources.registry.log import Registry
from tests.registry.registries import BAD, MODEL, promote, roll_back, said, stage, started, states


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return started(tmp_path)


def test_a_candidate_takes_the_place_of_the_one_before(registry: Registry) -> None:
    """There is one staged version at most, and it is the newest."""
    assert said(stage(registry, b"one")) == ["staged v1.0.0"]
    assert said(stage(registry, b"two")) == ["deprecated v1.0.0", "staged v1.0.1"]
    assert registry.read()[1].reason == "superseded by v1.0.1"


def test_the_same_artifact_with_the_same_evidence_is_no_news(registry: Registry) -> None:
    """However often training runs; other evidence is an event, and it is the newest that counts."""
    stage(registry, b"one")
    assert stage(registry, b"one") == ()
    assert said(stage(registry, b"one", BAD)) == ["staged v1.0.0"]
    staged = registry.standings()[MODEL].staged
    assert staged is not None
    assert staged.evidence is not None
    assert staged.evidence.promote is False


def test_a_promotion_deprecates_what_was_in_production(registry: Registry) -> None:
    """In the same breath: the log never holds two, nor none in between."""
    stage(registry, b"one")
    assert said(promote(registry)) == ["promoted v1.0.0"]
    stage(registry, b"two")
    assert said(promote(registry)) == ["deprecated v1.0.0", "promoted v1.0.1"]
    assert states(registry) == {"v1.0.0": "deprecated", "v1.0.1": "production"}


def test_what_is_in_production_or_deprecated_is_not_staged_again(registry: Registry) -> None:
    """Training that makes the same bytes again brings back nothing that was taken out."""
    stage(registry, b"one")
    promote(registry)
    assert stage(registry, b"one", BAD) == ()
    stage(registry, b"two")
    promote(registry)
    roll_back(registry)
    assert stage(registry, b"two", BAD) == ()
    assert states(registry) == {"v1.0.0": "production", "v1.0.1": "deprecated"}


def test_a_rollback_goes_back_step_by_step(registry: Registry) -> None:
    """To the version before, then to the one before that, and past versions that were rolled back."""
    for content in (b"one", b"two", b"three"):
        stage(registry, content)
        promote(registry)
    assert said(roll_back(registry)) == ["rolled_back v1.0.2", "promoted v1.0.1"]
    assert said(roll_back(registry)) == ["rolled_back v1.0.1", "promoted v1.0.0"]
    with pytest.raises(RegistryRejected, match=r"no version to go back to \(plain; got none before"):
        roll_back(registry)


def test_a_rollback_may_name_another_version(registry: Registry) -> None:
    """Such as one further back."""
    for content in (b"one", b"two", b"three"):
        stage(registry, content)
        promote(registry)
    assert said(roll_back(registry, to="v1.0.0")) == ["rolled_back v1.0.2", "promoted v1.0.0"]


def test_a_rollback_to_an_artifact_that_was_altered_is_refused(registry: Registry) -> None:
    """And what is in production stays there."""
    stage(registry, b"one")
    promote(registry)
    stage(registry, b"two")
    promote(registry)
    (registry.folder.parent / "plain_v1.0.0" / "model.onnx").write_bytes(b"own")
    with pytest.raises(PromotionRefused, match=r"cannot be used \(plain_v1.0.0; got ARTIFACT_REJECTED"):
        roll_back(registry)
    assert states(registry) == {"v1.0.0": "deprecated", "v1.0.1": "production"}


def test_gates_hold_a_version_back_unless_someone_says_why(registry: Registry) -> None:
    """The refusal names the codes; the override keeps them in the log, with the reason."""
    stage(registry, b"one", BAD)
    with pytest.raises(PromotionRefused, match=r"\(plain v1.0.0; got NO_PROMOTION CALIBRATION_ABOVE_GATE\)"):
        promote(registry)
    (event,) = promote(registry, despite="shadow only")
    assert (event.reason, event.gates) == ("shadow only", ("NO_PROMOTION", "CALIBRATION_ABOVE_GATE"))
    stage(registry, b"two")
    (_, event) = promote(registry, despite="not needed")
    assert event.gates == ()


def test_no_reason_puts_an_unverified_artifact_into_production(registry: Registry) -> None:
    """What does not verify is never served."""
    stage(registry, b"one")
    (registry.folder.parent / "plain_v1.0.0" / "h.ubj").write_bytes(b"own")
    with pytest.raises(PromotionRefused, match="got ARTIFACT_REJECTED"):
        promote(registry, despite="whatever")
    assert states(registry) == {"v1.0.0": "staged"}


def test_a_deprecated_version_can_be_promoted_by_name(registry: Registry) -> None:
    """By its version; what is in production, or not there, cannot."""
    stage(registry, b"one")
    stage(registry, b"two")
    assert said(promote(registry, "v1.0.0")) == ["promoted v1.0.0"]
    with pytest.raises(RegistryRejected, match=r"only what is staged or deprecated.*v1.0.0 is production"):
        promote(registry, "v1.0.0")
    with pytest.raises(RegistryRejected, match=r"no such version \(plain; got v9.0.0; expected v1.0.0 production"):
        promote(registry, "v9.0.0")


@pytest.mark.parametrize(
    ("keep", "retired"), [(4, []), (3, ["retired v1.0.1"]), (1, ["retired v1.0.1", "retired v1.0.2"])]
)
def test_the_oldest_deprecated_versions_are_retired(registry: Registry, keep: int, retired: list[str]) -> None:
    """Beyond `keep` versions, and never the one a rollback returns to, here the very first."""
    stage(registry, b"zero")
    promote(registry)
    stage(registry, b"one")
    stage(registry, b"two")
    stage(registry, b"three")
    assert said(promote(registry, keep=keep)) == ["deprecated v1.0.0", "promoted v1.0.3", *retired]
    assert said(roll_back(registry)) == ["rolled_back v1.0.3", "promoted v1.0.0"]


def test_staging_retires_as_well(registry: Registry) -> None:
    """So that candidates nobody promotes do not pile up; what is retired cannot come back."""
    stage(registry, b"one")
    stage(registry, b"two")
    assert said(stage(registry, b"three", keep=2)) == ["deprecated v1.0.1", "staged v1.0.2", "retired v1.0.0"]
    with pytest.raises(RegistryRejected, match=r"v1\.0\.0 is retired"):
        promote(registry, "v1.0.0")
