"""The process behind a deadline: it holds one session, answers row by row, and ends when its parent does.

Started by `child.py` as `python -m grinder_resources.inference.worker SOCKET MODEL MEMORY_MIB INPUT OUTPUT...`, where
SOCKET and MODEL are inherited descriptors: no file is opened by name. It may map MEMORY_MIB of memory, of which Python,
numpy and ONNX Runtime take some 200, leaves no core file, and leaves Ctrl-C to its parent.
"""

import os
import resource
import select
import signal
import socket
import sys
import threading

from grinder_resources.inference.frames import MAX_FRAME_BYTES, READY, pack_answer, pack_error


def main(link: socket.socket, model: int, memory_mib: int, input_name: str, output_names: list[str]) -> None:
    """Answer rows until the parent closes the socket or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(link,), daemon=True).start()
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, memory_mib << 20)
    try:
        _serve(link, model, input_name, output_names)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent is told, and this process ends
        link.send(pack_error(error))


def _serve(link: socket.socket, model: int, input_name: str, output_names: list[str]) -> None:
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


def _end_with_parent(link: socket.socket) -> None:
    """Wait for the other end to be closed, which a model that never ends would not notice; then end at once.

    A sibling that the parent forked keeps that end open, so the parent itself is looked for as well, every second.
    """
    hung_up, parent = select.poll(), os.getppid()
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
    _, link_fd, model_fd, mib, name, *names = sys.argv
    main(socket.socket(fileno=int(link_fd)), int(model_fd), int(mib), name, names)
