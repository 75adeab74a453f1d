from dataclasses import replace
from pathlib import Path

import pytest

from grinder_resources.errors import BadDeclaration
from grinder_resources.learning.adopted import Adopted, adopted_path, in_force, read_adopted
from grinder_resources.learning.model_spec import BoosterParams
from grinder_resources.learning.specs import SPECS

REGIME = SPECS["regime"]
BETTER = Adopted("regime", BoosterParams(max_depth=3, eta=0.0312), "study", 7, 1200, 400, "ab" * 32)


def put(models: Path, data: bytes) -> None:
    path = adopted_path("regime", models)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)


def test_the_adopted_settings_are_in_force(tmp_path: Path) -> None:
    """In place of the spec's own, in all that decides a model; everything else of the spec stays."""
    put(tmp_path, BETTER.encoded())
    assert in_force(REGIME, tmp_path) == replace(REGIME, params=BoosterParams(max_depth=3, eta=0.0312))
    assert read_adopted("regime", tmp_path) == BETTER


def test_without_a_file_a_spec_has_its_own_settings(tmp_path: Path) -> None:
    """Nothing was adopted; and for another spec nothing was, either."""
    assert in_force(REGIME, tmp_path) is REGIME
    put(tmp_path, BETTER.encoded())
    assert in_force(SPECS["toxicity"], tmp_path) is SPECS["toxicity"]


@pytest.mark.parametrize("length", [0, 1, 100, len(BETTER.encoded()) - 1])
def test_a_torn_file_is_an_error(tmp_path: Path, length: int) -> None:
    """Never "nothing adopted": the next model would silently be another one."""
    put(tmp_path, BETTER.encoded()[:length])
    with pytest.raises(BadDeclaration, match="remove it"):
        in_force(REGIME, tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"0.0312", b"0.0313"),
        (b'"max_depth":3', b'"max_depth":3.0'),
        (b'"max_depth":3', b'"max_depth":true'),
        (b'"max_depth":3', b'"deepest":3'),
        (b'"facts"', b' "facts"'),
        (b'"trial":7', b'"trial":7,"trial":7'),
    ],
)
def test_an_edited_file_is_an_error(tmp_path: Path, old: bytes, new: bytes) -> None:
    """A number, a type, a name, a space or a repeated key."""
    put(tmp_path, BETTER.encoded().replace(old, new))
    with pytest.raises(BadDeclaration):
        in_force(REGIME, tmp_path)


def test_settings_of_another_spec_are_refused(tmp_path: Path) -> None:
    """A file that was copied under another name."""
    put(tmp_path, replace(BETTER, spec="toxicity").encoded())
    with pytest.raises(BadDeclaration, match="another spec's"):
        in_force(REGIME, tmp_path)
