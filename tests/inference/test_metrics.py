"""What is counted, and where: buckets by their upper ends, errors beside signals, reasons by name."""

import pytest

from grinder_resources.inference.config import MlConfig
from grinder_resources.inference.decision import Mode
from grinder_resources.inference.metrics import PATHS, Latencies, MlMetrics
from grinder_resources.inference.reasons import MlBlockReason, Refusal, RefusalCode
from tests.inference.test_engine import ACTIVE, SHADOW, engine_of
from tests.inference.toy_model import Script, at

ENDS_US = (50, 100, 250, 500, 1_000, 2_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000)


@pytest.mark.parametrize(("bucket", "end_us"), [*enumerate(ENDS_US)])
def test_a_bucket_holds_its_upper_end(bucket: int, end_us: int) -> None:
    """A latency at the end of a bucket is in it, and one microsecond more is in the next."""
    latencies = Latencies()
    latencies.add(end_us)
    assert [at for at, count in enumerate(latencies.counts) if count] == [bucket]
    latencies.add(end_us + 1)
    assert [at for at, count in enumerate(latencies.counts) if count] == [bucket, bucket + 1]
    assert latencies.sum_us == 2 * end_us + 1


def test_no_latency_is_lost() -> None:
    """Nothing at all is in the first bucket, and an hour is in the last, which has no end."""
    latencies = Latencies()
    for latency_us in (0, 500_001, 3_600_000_000):
        latencies.add(latency_us)
    assert latencies.counts == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]


def test_signals_and_errors_are_counted_apart_and_timed_together() -> None:
    """A snapshot without a signal is no inference, yet somebody waited for it."""
    metrics = MlMetrics()
    metrics.inferred("active", 700)
    metrics.inferred("shadow", 800)
    metrics.failed("active", 10_000)
    assert (metrics.inferences, metrics.errors) == (2, 1)
    assert {path: (sum(found.counts), found.sum_us) for path, found in metrics.latencies.items()} == {
        "shadow": (1, 800),
        "active": (2, 10_700),
    }


def test_blocks_and_refusals_are_counted_by_name() -> None:
    """The ten reasons that block are one counter, every other code is the other one."""
    metrics = MlMetrics()
    for code in (*MlBlockReason, *RefusalCode, MlBlockReason.BAD_ACK, RefusalCode.DEADLINE):
        metrics.refused(code)
    assert metrics.blocks == dict.fromkeys(MlBlockReason, 1) | {"BAD_ACK": 2}
    assert metrics.refusals == dict.fromkeys(RefusalCode, 1) | {"DEADLINE": 2}


def test_a_defect_is_an_error_and_ends_active() -> None:
    """After a defect no signal is in use, and how long it took is not made up."""
    metrics = MlMetrics()
    metrics.active_on = True
    metrics.defect()
    assert (metrics.active_on, metrics.errors, metrics.refusals[RefusalCode.DEFECT]) == (False, 1, 1)
    assert sum(metrics.latencies["active"].counts) == 0


def test_shadow_counts_its_signals() -> None:
    """What is only looked at is an inference too, under its own mode, and nothing is in use."""
    metrics = _after(SHADOW, Script())
    assert (metrics.mode, metrics.active_on, metrics.inferences, metrics.errors) == (Mode.SHADOW, False, 1, 0)
    assert [sum(metrics.latencies[path].counts) for path in PATHS] == [1, 0]


def test_no_signal_in_active_is_an_error_and_scored_once() -> None:
    """A model that has no answer is counted as an error with its code, and is not asked again in shadow."""
    script = Script(refusal=Refusal(RefusalCode.DEADLINE, "late"))
    metrics = _after(ACTIVE, script)
    assert (metrics.active_on, metrics.inferences, metrics.errors, script.asked) == (False, 0, 1, 1)
    assert {code: count for code, count in metrics.refusals.items() if count} == {"DEADLINE": 1}
    assert [sum(metrics.latencies[path].counts) for path in PATHS] == [0, 1]


def test_what_is_off_counts_nothing() -> None:
    """With the defaults no block is counted: nobody asked for signals."""
    metrics = _after(MlConfig(), Script())
    assert (metrics.mode, sum(metrics.blocks.values()), metrics.inferences, metrics.errors) == (Mode.OFF, 0, 0, 0)


def test_what_is_blocked_is_not_scored() -> None:
    """A pulled switch is one block a snapshot, no inference and no error."""
    script = Script()
    metrics = _after(ACTIVE, script, {"ML_KILL_SWITCH": "1"})
    assert {reason: count for reason, count in metrics.blocks.items() if count} == {"KILL_SWITCH_ENV": 1}
    assert (metrics.inferences, metrics.errors, script.asked) == (0, 0, 0)


def test_the_gauge_follows_the_last_snapshot() -> None:
    """Used, blocked, used again: the gauge says 1, 0, 1."""
    environment = {"ML_KILL_SWITCH": "0"}
    seen = []
    with engine_of(Script(), ACTIVE, environment) as engine:
        for ts, switch in enumerate(("0", "1", "0")):
            environment["ML_KILL_SWITCH"] = switch
            engine.decide(at(ts))
            seen.append(engine.metrics.active_on)
    assert seen == [True, False, True]


def _after(config: MlConfig, script: Script, environment: dict[str, str] | None = None) -> MlMetrics:
    """Return the counters of an engine that saw one snapshot."""
    with engine_of(script, config, environment) as engine:
        engine.decide(at(1_700_000_000_000))
    return engine.metrics
