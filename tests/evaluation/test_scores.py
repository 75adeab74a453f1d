import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.evaluation.reliability import METRICS as RELIABILITY_METRICS
from grinder_resources.evaluation.scores import (
    METRICS,
    MIN_BLOCKS,
    MIN_ROWS,
    Estimate,
    Scores,
    _block_wins,
    estimate,
    score,
    time_blocks,
)
from grinder_resources.learning.metrics import auc

HOUR_NS = 3_600_000_000_000


def noise(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and answers that have nothing to do with each other."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2, rows).astype(float), rng.random(rows)


def beaten_by(baseline: np.ndarray) -> dict[str, np.ndarray]:
    """Return one baseline for both skills."""
    return {"skill": baseline, "skill_over_base": baseline}


def test_blocks_are_hours_of_all_instruments_together() -> None:
    """Numbered without holes, in time order whatever the order of rows."""
    ts = np.array([5, 0, 1, 9, 5]) * HOUR_NS + np.array([1, 2, 3, 4, 5])
    assert time_blocks(ts).tolist() == [2, 0, 1, 3, 2]
    assert time_blocks(ts, block_ns=5 * HOUR_NS).tolist() == [1, 0, 0, 1, 1]


def test_every_metric_is_declared() -> None:
    """Reports name their metrics from one list."""
    label, answer = noise(100, 0)
    blocks = np.arange(100) // 10
    for regression in (False, True):
        assert set(score(label, answer, beaten_by(answer * 0 + 0.5), blocks, regression=regression).metrics) <= set(
            METRICS
        )


def test_interval_holds_the_value_and_the_counts_are_those_of_the_rows() -> None:
    """Rows, rows of the class, blocks."""
    label, answer = noise(240, 1)
    scores = score(label, answer, beaten_by(np.full(240, 0.5)), np.arange(240) // 10)
    assert (scores.rows, scores.positives, scores.blocks) == (240, int(label.sum()), 24)
    for metric in scores.metrics.values():
        assert metric.low is not None
        assert metric.high is not None
        assert metric.low <= metric.value <= metric.high


def test_calibration_errors_have_intervals_like_any_score() -> None:
    """Each with its bounds; errors and parts are those of the rows, and the parts still add up to the Brier score."""
    label, answer = noise(400, 7)
    metrics = score(label, answer, {}, np.arange(400) // 20).metrics
    assert set(RELIABILITY_METRICS) <= set(metrics)
    for name in RELIABILITY_METRICS:
        assert metrics[name].low is not None
        assert metrics[name].low < metrics[name].high  # type: ignore[operator]
    parts = [metrics[f"brier_{part}"].value for part in ("reliability", "resolution", "uncertainty", "within")]
    assert parts[0] - parts[1] + parts[2] + parts[3] == pytest.approx(metrics["brier"].value, abs=1e-12)
    assert not set(RELIABILITY_METRICS) & set(score(label, answer, {}, np.arange(400) // 20, regression=True).metrics)


def test_the_upper_bound_of_the_calibration_error_can_be_relied_on() -> None:
    """Of 100 made-up studies with a true error of 10 points at most a few have an upper bound below it."""
    rng = np.random.default_rng(8)
    below = 0
    for _ in range(100):
        probability = rng.uniform(0.15, 0.85, 600)
        label = (rng.random(600) < probability + 0.1).astype(float)
        ece = score(label, probability, {}, np.arange(600) // 20).metrics["ece"]
        below += ece.high < 0.1  # type: ignore[operator]
    assert below <= 5


def test_records_are_rows_of_the_report_table() -> None:
    """The key, the metric with its bounds, and the counts behind it."""
    scores = Scores(9, 4, 2, {"brier": Estimate(0.2, 0.1, 0.3), "ece": Estimate(0.05)})
    assert scores.records("rolling", "hit", "yes", 0, "test") == [
        ("rolling", "hit", "yes", 0, "test", "brier", 0.2, 0.1, 0.3, 9, 4, 2),
        ("rolling", "hit", "yes", 0, "test", "ece", 0.05, None, None, 9, 4, 2),
    ]


def test_bounds_are_stretched_to_hold_the_value() -> None:
    """A resampled calibration error is larger on average, and an interval beside its number would puzzle."""
    drawn = np.linspace(0.2, 0.3, 101)
    assert estimate(0.25, drawn) == Estimate(0.25, pytest.approx(0.2025), pytest.approx(0.2975))  # type: ignore[arg-type]
    assert estimate(0.1, drawn).low == 0.1
    assert estimate(0.4, drawn).high == 0.4
    assert estimate(0.1, np.full(4, np.nan)) == Estimate(0.1)
    assert estimate(0.1, None) == Estimate(0.1)


def test_same_seed_gives_the_same_interval() -> None:
    """And another seed another one."""
    label, answer = noise(200, 2)
    blocks, base = np.arange(200) // 10, beaten_by(np.full(200, 0.5))
    assert score(label, answer, base, blocks) == score(label, answer, base, blocks)
    assert score(label, answer, base, blocks) != score(label, answer, base, blocks, seed=1)


def test_repeating_rows_inside_their_blocks_adds_no_certainty() -> None:
    """Twenty copies of a row are one observation: every interval stays where it was."""
    label, answer = noise(200, 3)
    blocks, base = np.arange(200) // 10, np.full(200, 0.4)
    once = score(label, answer, beaten_by(base), blocks).metrics
    label, answer, base, blocks = (np.repeat(column, 20) for column in (label, answer, base, blocks))
    often = score(label, answer, beaten_by(base), blocks).metrics
    for name, metric in once.items():
        assert (often[name].low, often[name].high) == (pytest.approx(metric.low), pytest.approx(metric.high))


def test_too_few_blocks_give_no_interval() -> None:
    """One fewer than the minimum is too few."""
    label, answer = noise(200, 4)
    base = beaten_by(np.full(200, 0.5))
    assert score(label, answer, base, np.arange(200) % (MIN_BLOCKS - 1)).metrics["brier"].low is None
    assert score(label, answer, base, np.arange(200) % MIN_BLOCKS).metrics["brier"].low is not None


@pytest.mark.parametrize("positives", [MIN_ROWS - 1, MIN_ROWS, 200 - MIN_ROWS, 200 - MIN_ROWS + 1])
def test_too_few_rows_of_a_class_give_no_interval(positives: int) -> None:
    """One fewer than the minimum of either class is too few."""
    label = (np.arange(200) * 77 % 200 < positives).astype(float)
    brier = score(label, noise(200, 5)[1], {}, np.arange(200) // 10).metrics["brier"]
    assert (brier.low is not None) == (MIN_ROWS <= positives <= 200 - MIN_ROWS)


@pytest.mark.parametrize("rows", [2 * MIN_ROWS - 1, 2 * MIN_ROWS])
def test_a_regression_needs_twice_as_many_rows(rows: int) -> None:
    """It has no classes to count."""
    label, answer = noise(rows, 6)
    mae = score(label, answer, {}, np.arange(rows) % MIN_BLOCKS, regression=True).metrics["mae"]
    assert (mae.low is not None) == (rows >= 2 * MIN_ROWS)


def test_no_rows_give_no_scores() -> None:
    """And no error."""
    empty = np.empty(0)
    assert score(empty, empty, beaten_by(empty), empty.astype(np.int64)).metrics == {}


def test_auc_of_one_class_is_absent() -> None:
    """The other scores are there."""
    scores = score(np.zeros(100), np.linspace(0, 1, 100), {}, np.arange(100) // 5)
    assert "auc" not in scores.metrics
    assert scores.metrics["base_rate"].value == 0.0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=40))
def test_block_wins_add_up_to_the_auc(rows: list[tuple[bool, int, int]]) -> None:
    """However labels, tied answers and blocks fall."""
    label, answer = np.array([float(hit) for hit, *_ in rows]), np.array([value / 5 for _, value, _ in rows])
    blocks = np.unique([block for *_, block in rows], return_inverse=True)[1]
    pairs = label.sum() * (1 - label).sum()
    expected = auc(label, answer)
    assert (
        np.isnan(expected)
        if pairs == 0
        else _block_wins(label, answer, blocks).sum() / pairs == pytest.approx(expected)
    )


def test_interval_of_a_mean_covers_the_truth_about_95_times_in_100() -> None:
    """Blocks share a common shock, so rows alone would be far too sure; 200 made-up studies."""
    rng = np.random.default_rng(6)
    covered = 0
    for _ in range(200):
        error = np.repeat(rng.normal(size=40), 10) + rng.normal(size=400)
        scores = score(np.zeros(400), error, {}, np.repeat(np.arange(40), 10), regression=True)
        mse = scores.metrics["mse"]
        assert mse.low is not None
        assert mse.high is not None
        covered += mse.low <= 2.0 <= mse.high
    assert 0.85 <= covered / 200 <= 0.99


def test_interval_of_the_auc_of_noise_covers_one_half() -> None:
    """In about 95 of 100 made-up studies, and never claims skill in more than a few."""
    results = [score(*noise(300, seed), {}, np.arange(300) // 10).metrics for seed in range(200)]
    bounds = [(metrics["auc"].low or 1.0, metrics["auc"].high or 0.0) for metrics in results]
    covered = sum(low <= 0.5 <= high for low, high in bounds)
    assert 0.88 <= covered / 200 <= 0.99
    assert sum(low > 0.5 for low, _ in bounds) <= 12
