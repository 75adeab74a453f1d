"""The end of a worker's process: closed by whoever, forked while it was asked, or left behind by its parent."""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from grinder_resources.inference.child import sealed
from tests.inference.moody_model import FINE, OUTPUTS, literal, moody_model
from tests.inference.test_deadline import ANSWER, LONG_S, code, is_gone, pid, started


def test_closing_waits_for_nobody_for_ever() -> None:
    """A lock that a fork left held, or a call that hangs, is given the deadline and no more."""
    worker = started(deadline_ms=100)
    child = pid(worker)
    worker._lock.acquire()
    began = time.monotonic()
    assert not worker.wait_ready(0.05)
    worker.close()
    assert time.monotonic() - began < 0.5
    assert worker.pid == 0
    assert is_gone(child)
    worker._lock.release()


def test_a_call_that_a_close_overtook_starts_no_process() -> None:
    """It waits for a stopped process, which closing kills; it is told so, and leaves no other process behind."""
    worker = started(deadline_ms=50)
    os.kill(pid(worker), signal.SIGSTOP)
    with ThreadPoolExecutor(1) as threads:
        ready = threads.submit(worker.wait_ready, LONG_S)
        time.sleep(0.05)
        worker.close()
        assert not ready.result()
    assert worker.pid == 0
    assert code(worker.run(FINE)) == "INFERENCE_FAILED"
    worker.close()


def test_a_process_forked_while_a_call_is_on_can_close() -> None:
    """The thread that held the lock is not there to release it; the parent keeps its child."""
    with started(deadline_ms=100) as worker:
        assert worker.wait_ready(LONG_S)
        before = pid(worker)
        with worker._lock:
            forked = os.fork()
            if forked == 0:
                signal.alarm(5)
                refused = worker.run(FINE)
                worker.close()
                os._exit(0 if code(refused) == "DEADLINE" else 1)
            assert os.waitpid(forked, 0)[1] == 0
        assert literal(worker.run(FINE)) == ANSWER
        assert pid(worker) == before


ORPHANED = """
import os, signal, sys, time
from grinder_resources.inference.deadline import DeadlineWorker
worker = DeadlineWorker(sys.stdin.buffer.read(), "input", ["same"], deadline_ms=1000)
assert worker.wait_ready(30)
if os.fork() == 0:
    time.sleep(6)
    os._exit(0)
print(worker.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_child_ends_with_its_parent_though_a_fork_holds_the_socket() -> None:
    """Within some two seconds, while the sibling goes on."""
    with subprocess.Popen([sys.executable, "-c", ORPHANED], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdin.write(moody_model())
        parent.stdin.close()
        child = int(parent.stdout.readline())
        parent.wait()
        began = time.monotonic()
        assert is_gone(child)
        assert time.monotonic() - began < 4


def test_a_child_whose_parent_died_before_it_began_ends() -> None:
    """Its socket is held open, and the process that it finds as its parent is not the one that started it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    model = sealed(moody_model())
    descriptors = (theirs.fileno(), model)
    arguments = [*map(str, descriptors), str(os.getppid()), "1024", "input", *OUTPUTS]
    with ours, theirs:
        module = [sys.executable, "-m", "grinder_resources.inference.worker", *arguments]
        with subprocess.Popen(module, pass_fds=descriptors) as orphan:
            os.close(model)
            ended = is_gone(orphan.pid)
            orphan.kill()
    assert ended
    assert orphan.returncode == 0
