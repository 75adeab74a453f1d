"""The deadline worker, with real processes: late, killed, hungry, broken, interrupted and forked."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from grinder_resources.export.verify import start_session
from grinder_resources.inference.breaker import Breaker
from grinder_resources.inference.deadline import START_S, DeadlineWorker
from grinder_resources.inference.reasons import Refusal
from tests.inference.moody_model import FINE, HANGS, HUNGRY, OUTPUTS, WRONG_WIDTH, literal, moody_model

ANSWER = [("float32", [[0.0, 3.0]]), ("int32", [3 << 18]), ("int64", [3])]
LONG_S = 20.0


def started(model: bytes = b"", outputs: tuple[str, ...] = OUTPUTS, **settings: object) -> DeadlineWorker:
    facts = {"deadline_ms": 5_000, **settings}
    return DeadlineWorker(model or moody_model(), "input", outputs, **facts)


@pytest.fixture(scope="module")
def shared() -> Iterator[DeadlineWorker]:
    with started() as worker:
        assert worker.wait_ready(LONG_S)
        yield worker


def pid(worker: DeadlineWorker) -> int:
    return worker._child.pid


def code(answer: object) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code.value


def is_gone(process: int) -> bool:
    """Return whether a process ends within some seconds; a zombie that waits for another parent counts as gone."""
    until = time.monotonic() + LONG_S
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.005)
    return False


def test_answers_are_those_of_a_session_in_process(shared: DeadlineWorker) -> None:
    """Values, types, shapes and order of the outputs are the same, whatever names were asked for."""
    session = start_session(moody_model())
    assert literal(shared.run(FINE)) == literal(session.run(OUTPUTS, {"input": FINE})) == ANSWER


def test_a_model_that_raises_lives_on(shared: DeadlineWorker) -> None:
    """A row of another width is refused with what ONNX Runtime says, and the same process answers the next."""
    before = pid(shared)
    refused = shared.run(WRONG_WIDTH)
    assert code(refused) == "INFERENCE_FAILED"
    assert "INVALID_ARGUMENT" in refused.detail
    assert literal(shared.run(FINE)) == ANSWER
    assert pid(shared) == before


def test_ctrl_c_is_for_the_parent_alone(shared: DeadlineWorker) -> None:
    """The process survives the signal that a terminal sends to all."""
    os.kill(pid(shared), signal.SIGINT)
    assert literal(shared.run(FINE)) == ANSWER


def test_threads_get_their_own_answers(shared: DeadlineWorker) -> None:
    """Calls of several threads queue: each gets the answer to its own row."""

    def answers(first: int) -> list[float]:
        rows = [np.array([[0, number]], dtype=np.float32) for number in range(first, first + 3)]
        return [float(shared.run(row)[0][0, 1]) for row in rows]

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(answers, [0, 3, 6, 9])) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]


def test_the_process_sees_no_other_descriptor(shared: DeadlineWorker, tmp_path: Path) -> None:
    """A file that is open in the parent, even an inheritable one, is not open in the child."""
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        with started() as worker:
            assert worker.wait_ready(LONG_S)
            opened = [str(entry.readlink()) for entry in Path(f"/proc/{pid(worker)}/fd").iterdir()]
    assert not [name for name in opened if "secret" in name]
    assert sum("memfd:model" in name for name in opened) == 1
    assert sum(name.startswith("socket:") for name in opened) == 1


def test_a_forked_process_asks_a_child_of_its_own(shared: DeadlineWorker) -> None:
    """Answers never cross between two processes that hold the same worker, and the first keeps its child."""
    before = pid(shared)
    forked = os.fork()
    if forked == 0:
        own = False
        try:
            starts = code(shared.run(FINE)) == "WORKER_STARTING"
            own = starts and shared.wait_ready(LONG_S) and literal(shared.run(FINE)) == ANSWER and pid(shared) != before
            shared.close()
        finally:
            os._exit(0 if own else 1)
    assert os.waitpid(forked, 0)[1] == 0
    assert literal(shared.run(FINE)) == ANSWER
    assert pid(shared) == before


def test_a_hanging_model_ends_at_its_deadline_and_another_process_starts() -> None:
    """DEADLINE within 50 ms of the deadline, then WORKER_STARTING, then answers; the late process is gone."""
    took = []
    with started(deadline_ms=100) as worker:
        for _ in range(2):
            assert worker.wait_ready(LONG_S)
            late = pid(worker)
            began = time.monotonic()
            assert code(worker.run(HANGS)) == "DEADLINE"
            took.append(time.monotonic() - began)
            assert code(worker.run(FINE)) == "WORKER_STARTING"
            assert is_gone(late)
        assert worker.wait_ready(LONG_S)
        assert literal(worker.run(FINE)) == ANSWER
    assert 0.1 <= min(took) < 0.15


def test_a_process_that_was_killed_is_noticed_and_replaced() -> None:
    """INFERENCE_FAILED once, and then answers from another process."""
    with started() as worker:
        assert worker.wait_ready(LONG_S)
        os.kill(pid(worker), signal.SIGKILL)
        assert code(worker.run(FINE)) == "INFERENCE_FAILED"
        assert worker.wait_ready(LONG_S)
        assert literal(worker.run(FINE)) == ANSWER


def test_memory_is_limited() -> None:
    """400 MiB are refused to a process of 512 and granted to one of 1024; the refused one answers small rows again."""
    with started(memory_mib=512) as small, started() as large:
        assert small.wait_ready(LONG_S)
        assert code(small.run(HUNGRY)) == "INFERENCE_FAILED"
        assert literal(small.run(FINE)) == ANSWER
        assert large.wait_ready(LONG_S)
        assert literal(large.run(HUNGRY))[2] == ("int64", [400])


def test_the_breaker_opens_after_three_deaths_and_lets_one_trial_through() -> None:
    """While it is open no process is started; after the window one is, and its first answer closes the breaker."""
    now = [0.0]
    with started(breaker=Breaker(failures=3, window_s=60), clock=lambda: now[0]) as worker:
        for moment in (0.0, 20.0, 40.0):
            now[0] = moment
            os.kill(pid(worker), signal.SIGKILL)
            assert code(until_it_changes(lambda: worker.run(FINE))) == "INFERENCE_FAILED"
        assert code(worker.run(FINE)) == "BREAKER_OPEN"
        now[0] = 99.9
        assert code(worker.run(FINE)) == "BREAKER_OPEN"
        assert worker._child is None
        now[0] = 100.0
        assert code(worker.run(FINE)) == "WORKER_STARTING"
        assert worker.wait_ready(LONG_S)
        assert literal(worker.run(FINE)) == ANSWER


def until_it_changes(ask: Callable[[], object]) -> object:
    """Return the first answer that is not WORKER_STARTING: a kill takes effect a moment later."""
    answer = ask()
    while isinstance(answer, Refusal) and answer.code == "WORKER_STARTING":
        time.sleep(0.005)
        answer = ask()
    return answer


def test_bytes_that_are_no_model_are_refused_with_the_reason() -> None:
    """The process says why it could not start; a breaker of one failure lets no other be started."""
    with started(b"no model", breaker=Breaker(failures=1)) as worker:
        refused = until_it_changes(lambda: worker.run(FINE))
        assert code(refused) == "INFERENCE_FAILED"
        assert "could not start" in refused.detail
        assert "InvalidProtobuf" in refused.detail
        assert code(worker.run(FINE)) == "BREAKER_OPEN"
        assert not worker.wait_ready(LONG_S)


def test_a_process_that_never_becomes_ready_is_replaced() -> None:
    """A stopped process counts as dead after START_S; another one answers."""
    now = [0.0]
    with started(clock=lambda: now[0]) as worker:
        os.kill(pid(worker), signal.SIGSTOP)
        stopped = pid(worker)
        assert code(worker.run(FINE)) == "WORKER_STARTING"
        now[0] = START_S + 1
        assert code(worker.run(FINE)) == "DEADLINE"
        assert is_gone(stopped)
        assert worker.wait_ready(LONG_S)


def test_an_interrupted_call_leaves_no_answer_behind() -> None:
    """Whoever is interrupted while waiting, by Ctrl-C say, never gets the owed answer for the next row."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    with started() as worker:
        assert worker.wait_ready(LONG_S)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            worker.run(HANGS)
        signal.signal(signal.SIGALRM, before)
        assert code(worker.run(FINE)) == "WORKER_STARTING"


def test_closing_or_dropping_a_worker_leaves_no_process() -> None:
    """The process is gone; a closed worker refuses."""
    closed, dropped = started(), started()
    processes = pid(closed), pid(dropped)
    closed.close()
    del dropped
    assert all(is_gone(process) for process in processes)
    assert code(closed.run(FINE)) == "INFERENCE_FAILED"
    assert not closed.wait_ready(LONG_S)


SCRIPT = """
import sys
import numpy as np
from grinder_resources.inference.deadline import DeadlineWorker
worker = DeadlineWorker(sys.stdin.buffer.read(), "input", ["mebibytes"], deadline_ms=60_000)
assert worker.wait_ready(20)
print(worker.run(np.array([[0, 7]], dtype=np.float32))[0].tolist(), worker._child.pid, flush=True)
worker.run(np.array([[1, 0]], dtype=np.float32))
"""


def test_a_script_may_ask_and_a_hanging_child_does_not_outlive_it(tmp_path: Path) -> None:
    """The child never imports the caller's main module; when the caller is killed, even one in an endless loop ends."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    with subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as caller:
        caller.stdin.write(moody_model())
        caller.stdin.close()
        answer, _, child = caller.stdout.readline().decode().rpartition(" ")
        assert answer == "[7]"
        time.sleep(0.05)
        caller.kill()
    assert is_gone(int(child))
