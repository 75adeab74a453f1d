"""What an artifact holds beside its graph is read as strictly, and has to agree with the manifest."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xgboost  # noqa: TID253 - the reference
from hypothesis import given, settings
from hypothesis import strategies as st

from grinder_resources.contracts.calibration import AtLeast, AtMost, Calibration, Either, Spacing, StepTable
from grinder_resources.errors import ArtifactRejected, ManifestRejected, ModelFault
from grinder_resources.export.boosters import booster_ubj, read_heads
from grinder_resources.export.calibration_file import dump_calibration, parse_calibration
from grinder_resources.export.verify import read_artifact
from tests.export.rewriting import edit_json, rewrite
from tests.export.small_models import CALIBRATION, Heads

head = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)


@st.composite
def step_tables(draw: st.DrawFn) -> StepTable:
    """Any step table."""
    cuts = sorted(draw(st.sets(st.integers(-(1 << 24), 1 << 24), max_size=5)))
    values = sorted(draw(st.lists(st.integers(0, 10_000), min_size=len(cuts) + 1, max_size=len(cuts) + 1)))
    method = draw(st.sampled_from(["isotonic", "logistic"]))
    return StepTable(tuple(cuts), tuple(values), method, draw(st.integers(0, 9)))


calibrations = st.builds(
    Calibration,
    tables=st.dictionaries(head, st.lists(step_tables(), max_size=3).map(tuple), max_size=3),
    rules=st.lists(
        st.builds(AtMost, head, st.lists(head).map(tuple))
        | st.builds(AtLeast, head, st.lists(head).map(tuple))
        | st.builds(Either, head, st.tuples(head, head))
    ).map(tuple),
    spacing=st.none() | st.builds(Spacing, head, st.lists(st.integers(0, 99)).map(tuple)),
)


@given(calibrations)
@settings(max_examples=30, deadline=None)
def test_parse_undoes_dump(calibration: Calibration) -> None:
    """A calibration is read back as it was written, and the bytes are canonical."""
    data = dump_calibration(calibration)
    assert parse_calibration(data) == calibration
    assert dump_calibration(parse_calibration(data)) == data


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b'{"tables": {}}', "a field is missing (calibration.json"),
        (b'{"tables": [], "coherence": [], "spacing": null}', "an object is needed here (tables"),
        (b'{"tables": {"h": [{}]}, "coherence": [], "spacing": null}', "a field is missing (tables['h'][0]"),
        (b'{"tables": {}, "tables": {}}', "a key appears twice (calibration.json"),
        (b'{"tables": {}, "coherence": [{"head": "h"}], "spacing": null}', "a text is needed here (coherence[0].rule"),
    ],
)
def test_hostile_calibrations_are_refused_by_name(data: bytes, rule: str) -> None:
    """The document or the field is named."""
    with pytest.raises(ManifestRejected) as refusal:
        parse_calibration(data)
    assert rule in refusal.value.line()


def test_a_table_that_falls_is_refused() -> None:
    """What a step table cannot be, a file cannot make it."""
    data = dump_calibration(Calibration({"h": (StepTable((0,), (1, 2), "isotonic", 9),)}))
    with pytest.raises(ManifestRejected, match=r"values of a step table never fall \(tables\['h'\]\[0\]"):
        parse_calibration(data.replace(b"2\n", b"0\n"))


def test_an_artifact_carries_its_calibration(artifact: Path) -> None:
    """Reading it gives the very tables, rules and multipliers it was made with."""
    assert read_artifact(artifact).calibration == CALIBRATION


def drop_table(document: Any) -> None:
    del document["tables"]["t2_60s"]


def other_rows(document: Any) -> None:
    document["tables"]["t2_60s"][0]["rows"] += 1


def drop_rule(document: Any) -> None:
    document["coherence"].pop()


def drop_spacing(document: Any) -> None:
    document["spacing"] = None


@pytest.mark.parametrize("change", [drop_table, other_rows, drop_rule, drop_spacing])
def test_a_calibration_that_is_not_the_manifests_is_refused(artifact: Path, change: Callable[[Any], None]) -> None:
    """Even where all hashes fit."""
    edit_json(artifact, "calibration.json", change)
    with pytest.raises(ArtifactRejected, match=r"are not the manifest's \(level_signals_v1.0.0/calibration.json"):
        read_artifact(artifact)


def test_a_chain_of_another_model_or_of_other_tables_is_refused(artifact: Path) -> None:
    """The chain ends in this model's bytes, and its hash is the root."""
    edit_json(artifact, "chain.json", lambda chain: chain["tables"]["silver/snapshots"].clear())
    with pytest.raises(ArtifactRejected, match="the chain's hash is not the manifest's root"):
        read_artifact(artifact)
    edit_json(artifact, "chain.json", lambda chain: chain.update(model="0" * 64))
    with pytest.raises(ArtifactRejected, match="the chain ends in another model"):
        read_artifact(artifact)


def test_boosters_come_back_as_they_were_written(artifact: Path, heads: Heads) -> None:
    """The binary form loses nothing: the same JSON, and the same bytes when written again."""
    read = read_heads(read_artifact(artifact))
    assert read == heads
    assert [booster_ubj(head) for head in read] == [(artifact / f"{head.name}.ubj").read_bytes() for head in heads]


def test_a_booster_that_does_not_match_is_refused(artifact: Path, heads: Heads) -> None:
    """Another head's booster, one of another kind, one of fewer columns, and bytes that are none."""
    narrow = xgboost.train({"nthread": 1}, xgboost.DMatrix([[0.0], [1.0]], [0, 1], nthread=1), 1)
    cases: list[tuple[bytes, str]] = [
        (booster_ubj(heads[3]), "columns or margin bound are not the manifest's"),
        (booster_ubj(heads[1]), "booster, objective and targets must be"),
        (bytes(narrow.save_raw("ubj")), "booster, objective and targets must be"),
        (b"{}", "this is no XGBoost model"),
    ]
    for data, rule in cases:
        rewrite(artifact, "tradeable_2.ubj", data)
        with pytest.raises(ModelFault, match=rf"^ARTIFACT_REJECTED: .*{rule}.*v1.0.0/tradeable_2.ubj") as error:
            read_heads(read_artifact(artifact))
        assert "\n" not in error.value.line()
