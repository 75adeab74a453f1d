import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from grinder_resources.learning.fold_store import FoldResult, FoldStore
from grinder_resources.learning.folds import ANSWERS, data_sha256, present_folds, run_folds
from grinder_resources.learning.ledger import Ledger
from grinder_resources.learning.model_spec import BoosterParams, ModelSpec
from grinder_resources.learning.specs import level_signals
from grinder_resources.learning.splits import Split, walk_forward
from tests.learning.level_rows import level_rows

ROWS = level_rows(days=5, per_day=120)
DAYS = sorted(ROWS["date"].unique())
HEADS = {"tradeable_2", "direction", "strength"}
LEVEL = level_signals("stage_b", "full")
SPEC = replace(
    LEVEL,
    heads=tuple(head for head in LEVEL.heads if head.name in HEADS),
    params=BoosterParams(rounds=8, early_stopping=4),
    reference=("dist_to_vwap_x1000",),
)
Folds = dict[Split, FoldResult]


class Bench:
    """A store and a ledger in one folder, and a run over them."""

    def __init__(self, folder: Path) -> None:
        self.store, self.ledger = FoldStore(folder / "folds"), Ledger(folder / "ledger.jsonl")

    def run(
        self, rows: pl.DataFrame = ROWS, spec: ModelSpec = SPEC, code_version: str = "1", workers: int = 2
    ) -> Folds:
        """Return the folds of a walk-forward over the rows."""
        splits = walk_forward(rows["date"].to_list())
        return run_folds(
            spec, rows, splits, store=self.store, ledger=self.ledger, code_version=code_version, workers=workers
        )

    def folders(self) -> list[Path]:
        """Return where the folds lie, by test day."""
        return sorted((self.store.root / SPEC.name).iterdir())


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the three folds of ROWS."""
    folder = tmp_path_factory.mktemp("fitted")
    Bench(folder).run()
    return folder


@pytest.fixture
def bench(fitted: Path, tmp_path: Path) -> Bench:
    """Return a copy of them to change."""
    return Bench(Path(shutil.copytree(fitted, tmp_path / "copy")))


def trained(folds: Folds) -> list[bool]:
    return [fold.trained for fold in folds.values()]


def same(left: Folds, right: Folds) -> bool:
    """Return whether two runs gave the same in everything but who was fitted."""

    def facts(fold: FoldResult) -> list[object]:
        return [fold.key, fold.split, fold.in_sample, fold.reasons, fold.boosters, fold.sha256]

    pairs = list(zip(left.values(), right.values(), strict=True))
    return all(facts(one) == facts(two) and one.answers.equals(two.answers) for one, two in pairs)


def test_answers_hold_every_test_row_of_every_fitted_head(bench: Bench) -> None:
    """Labelled or not: direction is asked of tradeable rows alone and answers them all."""
    fold = next(iter(bench.run().values()))
    assert dict(fold.answers.schema) == dict(ANSWERS)
    assert fold.answers.group_by("head").len().sort("head").rows() == [(head, 120) for head in sorted(HEADS)]
    direction = fold.answers.filter(pl.col("head") == "direction")
    tradeable = ROWS.filter(pl.col("date") == fold.split.test[0], pl.col("tradeable_2") == 1)
    assert direction["label"].is_not_null().sum() == tradeable.height < 120
    assert direction["prediction"].null_count() == 0


def test_label_end_is_the_rows_own_time_where_it_has_none(tmp_path: Path) -> None:
    """So that every answer has one."""
    rows = ROWS.with_columns(label_end_ns=pl.when(pl.col("ts_ns") % 2 == 0).then("label_end_ns"))
    for fold in Bench(tmp_path).run(rows).values():
        even = pl.col("ts_ns") % 2 == 0
        assert (fold.answers.filter(~even).select(pl.col("label_end_ns") == pl.col("ts_ns")).to_series()).all()
        assert (fold.answers.filter(even).select(pl.col("label_end_ns") > pl.col("ts_ns")).to_series()).all()


def test_nothing_new_trains_nothing(bench: Bench, tmp_path: Path) -> None:
    """What was fitted is read back bit for bit, in any order of rows, and is no new trial."""
    first, trials = Bench(tmp_path / "again").run(), len(bench.ledger.read())
    second = bench.run(ROWS.sample(fraction=1.0, shuffle=True, seed=2))
    assert trained(first) == [True] * 3
    assert trained(second) == [False] * 3
    assert same(first, second)
    assert len(bench.ledger.read()) == trials == 3 * 2 * len(HEADS)


def test_a_new_day_trains_one_fold(bench: Bench) -> None:
    """Earlier folds do not know it."""
    later = level_rows(days=6, per_day=120, seed=9).filter(pl.col("date") > DAYS[-1])
    assert trained(bench.run(pl.concat([ROWS, later]))) == [False, False, False, True]


@pytest.mark.parametrize(
    ("day", "expected"), [(0, [True] * 3), (2, [True] * 3), (3, [False, True, True]), (4, [False, False, True])]
)
def test_a_changed_day_trains_the_folds_that_saw_it(bench: Bench, day: int, expected: list[bool]) -> None:
    """To train on, to stop by or to test; one changed value of one row is enough."""
    row = (pl.col("date") == DAYS[day]) & (pl.int_range(pl.len()).over("date") == 7)
    changed = ROWS.with_columns(pl.when(row).then(1).otherwise("spot_half_ticks").alias("spot_half_ticks"))
    assert trained(bench.run(changed)) == expected


@pytest.mark.parametrize(
    "spec",
    [
        replace(SPEC, params=replace(SPEC.params, eta=0.06)),
        replace(SPEC, params=replace(SPEC.params, seed=43)),
        replace(SPEC, reference=("approach_velocity_x1000",)),
        replace(SPEC, reference=()),
        replace(SPEC, heads=SPEC.heads[:2]),
        replace(SPEC, select=level_signals("stage_a", "ta").select),
    ],
    ids=["eta", "seed", "reference", "no reference", "heads", "inputs"],
)
def test_another_spec_trains_every_fold(bench: Bench, spec: ModelSpec) -> None:
    """Settings, seed, reference, heads and inputs decide a fold."""
    assert trained(bench.run(spec=spec)) == [True] * 3


def test_another_code_version_or_library_trains_every_fold(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The arithmetic is XGBoost's and numpy's."""
    import numpy as np
    import xgboost

    assert trained(bench.run(code_version="2")) == [True] * 3
    for library in (np, xgboost):
        with monkeypatch.context() as patched:
            patched.setattr(library, "__version__", "0.0")
            assert trained(bench.run()) == [True] * 3
    assert trained(bench.run()) == [False] * 3


def test_any_number_of_workers_gives_the_same_folds(tmp_path: Path) -> None:
    """In answers, boosters, scores and hashes."""
    one, three = (Bench(tmp_path / str(workers)).run(workers=workers) for workers in (1, 3))
    assert same(one, three)


def test_one_or_two_threads_give_the_same_boosters(tmp_path: Path) -> None:
    """Byte for byte, and so the same answers; the key tells them apart all the same."""
    specs = [replace(SPEC, params=replace(SPEC.params, nthread=nthread)) for nthread in (1, 2)]
    one, two = (Bench(tmp_path / str(number)).run(spec=spec) for number, spec in enumerate(specs))
    for left, right in zip(one.values(), two.values(), strict=True):
        assert left.boosters == right.boosters
        assert left.answers.equals(right.answers)
        assert left.key != right.key


def flipped(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def forged(path: Path) -> None:
    """Change a reason and keep the old hash."""
    described = json.loads(path.read_text())
    described["facts"]["reasons"]["direction"] = "too hard"
    path.write_text(json.dumps(described))


DAMAGE: dict[str, Callable[[Path], None]] = {
    "answers bit": lambda folder: flipped(folder / "answers.parquet", 900),
    "answers cut": lambda folder: (folder / "answers.parquet").write_bytes(b"PAR1"),
    "answers gone": lambda folder: (folder / "answers.parquet").unlink(),
    "facts bit": lambda folder: flipped(folder / "fold.json", 300),
    "facts forged": lambda folder: forged(folder / "fold.json"),
    "facts of nothing": lambda folder: (folder / "fold.json").write_text("[]"),
    "facts gone": lambda folder: (folder / "fold.json").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_fold_is_fitted_again(bench: Bench, damage: Callable[[Path], None]) -> None:
    """It counts as missing, and what replaces it is the same fold."""
    sound = bench.run()
    damage(bench.folders()[1])
    again = bench.run()
    assert trained(again) == [False, True, False]
    assert same(again, sound)
    assert trained(bench.run()) == [False] * 3


def test_a_fold_under_another_name_is_not_believed(bench: Bench) -> None:
    """Its key says what it is."""
    first, second, _ = bench.folders()
    for name in ("fold.json", "answers.parquet"):
        (first / name).write_bytes((second / name).read_bytes())
    assert trained(bench.run()) == [True, False, False]


def test_leftovers_of_a_killed_writer_are_swept(bench: Bench) -> None:
    """A half folder has no fold's name; the next writer removes it."""
    leftover = bench.store.root / SPEC.name / ".tmp-half"
    leftover.mkdir()
    assert trained(bench.run()) == [False] * 3
    bench.run(code_version="2")
    assert not leftover.exists()


def test_sweep_keeps_what_it_is_told_to(bench: Bench) -> None:
    """And nothing else of the model."""
    kept = list(bench.run(code_version="2").values())
    assert len(bench.folders()) == 6
    bench.store.sweep(SPEC.name, kept)
    assert len(bench.folders()) == 3
    assert trained(bench.run(code_version="2")) == [False] * 3


def test_present_folds_are_those_a_run_would_read(bench: Bench) -> None:
    """Not those of other rows or of other code."""
    assert len(present_folds(SPEC, ROWS, bench.store, "1")) == 3
    assert present_folds(SPEC, ROWS, bench.store, "2") == []
    shorter = ROWS.filter(pl.col("date") != DAYS[3])
    assert [fold.split.test[0] for fold in present_folds(SPEC, shorter, bench.store, "1")] == [DAYS[2]]


def test_data_hash_covers_every_row_in_any_order() -> None:
    """Equal rows, equal hash."""
    shuffled = ROWS.sample(fraction=1.0, shuffle=True, seed=4)
    assert data_sha256(SPEC, shuffled) == data_sha256(SPEC, ROWS) != data_sha256(SPEC, ROWS[1:])
