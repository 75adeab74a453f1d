"""The process behind a deadline: it holds one session, answers row by row, and ends when its parent does.

Started by `child.py` as `python -m grinder_resources.inference.worker SOCKET MODEL PARENT MEMORY_MIB INPUT OUTPUT...`,
where SOCKET and MODEL are inherited descriptors: no file is opened by name. PARENT is the process to end with. It may
map MEMORY_MIB of memory, of which Python, numpy and ONNX Runtime take some 200, leaves no core file, and leaves Ctrl-C
to its parent.
"""

import os
import resource
import select
import signal
import socket
import sys
import threading

from grinder_resources.inference.frames import MAX_FRAME_BYTES, READY, pack_answer, pack_error


def main(link: socket.socket, model: int, names: list[str], *, parent: int, memory_mib: int) -> None:
    """Answer rows until the process `parent` closes the socket or dies; `names` are the input's and the outputs'."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(link, parent), daemon=True).start()
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, memory_mib << 20)
    try:
        _serve(link, model, *names)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent is told, and this process ends
        link.send(pack_error(error))


def _serve(link: socket.socket, model: int, input_name: str, *output_names: str) -> None:
    import numpy as np

    from grinder_resources.export.verify import start_session

    session = start_session(os.pread(model, os.fstat(model).st_size, 0))
    link.send(READY)
    while frame := link.recv(MAX_FRAME_BYTES):
        try:
            row = np.frombuffer(frame, np.dtype("<f4")).reshape(1, -1)
            answer = pack_answer(session.run(output_names, {input_name: row}))
        except Exception as error:  # noqa: BLE001 - a row that the model cannot take ends neither side
            answer = pack_error(error)
        link.send(answer)


def _end_with_parent(link: socket.socket, parent: int) -> None:
    """Wait for the other end to be closed, which a model that never ends would not notice; then end at once.

    A sibling that the parent forked keeps that end open, so the parent itself is looked for as well, every second.
    Its id was given by itself: the one seen from here is another's already if it died while this process started.
    """
    hung_up = select.poll()
    hung_up.register(link, 0)
    while not hung_up.poll(1_000) and os.getppid() == parent:
        pass
    os._exit(0)


def _limit(what: int, most: int) -> None:
    """Lower a limit for good, or leave a lower one that is there already."""
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    _, link_fd, model_fd, parent_pid, mib, *both = sys.argv
    main(socket.socket(fileno=int(link_fd)), int(model_fd), both, parent=int(parent_pid), memory_mib=int(mib))
