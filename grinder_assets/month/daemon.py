"""The line as it is run for good: a code server, a Dagster daemon, and `grinder` commands, all on the fake clock."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from grinder_assets.in_process import INSTANCE_FILE
from grinder_assets.month.clock import FakeClock
from grinder_resources.errors import RunFailed

_HEARTBEAT_TOLERANCE_S = 10_000_000
"""A jump of a day must not look like a daemon that has been silent for a day."""
_UNDISTURBED = {
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "DAGSTER_DAEMON_HEARTBEAT_TOLERANCE": str(_HEARTBEAT_TOLERANCE_S),
    "GRINDER_ACTOR": "operator",
}
_ADDRESSES = {
    "GRINDER_LAKE": "lake",
    "GRINDER_LANDING": "landing",
    "GRINDER_STAGING": "staging",
    "GRINDER_INSTRUMENTS": "instruments.yaml",
    "GRINDER_WAREHOUSE": "grinder.duckdb",
    "GRINDER_REPORTS": "reports",
    "GRINDER_MODELS": "models",
    "GRINDER_OPERATIONS": "operations.yaml",
    "DAGSTER_HOME": "dagster",
}


class Line:
    """A folder that holds a whole line, and the processes that work on it by the fake clock."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.folder = folder
        self.addresses = {variable: str(folder / name) for variable, name in _ADDRESSES.items()}
        self._workspace = folder / "workspace.yaml"
        self._environment = {**os.environ, **_UNDISTURBED, **self.addresses, **clock.environment()}
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)

    @property
    def landing(self) -> Path:
        """Where the files of a day are dropped."""
        return Path(self.addresses["GRINDER_LANDING"])

    def prepare(self, settings: str) -> None:
        """Make the instance's folder, as `make ui` has it, and the file of operations settings."""
        home = Path(self.addresses["DAGSTER_HOME"])
        home.mkdir(parents=True)
        shutil.copyfile(INSTANCE_FILE, home / INSTANCE_FILE.name)
        Path(self.addresses["GRINDER_OPERATIONS"]).write_text(settings, encoding="utf-8")

    @contextmanager
    def running(self, schedules: Sequence[str], sensors: Sequence[str]) -> Iterator[None]:
        """Run the code server and the daemon inside the block, with the wanted schedules and sensors switched on."""
        port = _free_port()
        self._workspace.write_text(_workspace(port), encoding="utf-8")
        module = ["-m", "grinder_assets.definitions", "--location-name", "grinder"]
        server = self._start("code-server", ["dagster", "api", "grpc", "-p", str(port), *module])
        try:
            _wait_for(port, server)
            for kind, names in (("schedule", schedules), ("sensor", sensors)):
                for name in names:
                    self.command(["dagster", kind, "start", name, "-w", str(self._workspace)])
            daemon = self._start("daemon", ["dagster-daemon", "run", "-w", str(self._workspace)])
            try:
                yield
            finally:
                _stop(daemon)
        finally:
            _stop(server)

    def command(self, words: Sequence[str]) -> tuple[int, str]:
        """Run one command as a person would, by the fake clock; return its exit code and all it printed."""
        done = subprocess.run(  # noqa: S603 - our own commands
            [_tool(words[0]), *words[1:]],
            env=self._environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def _start(self, name: str, words: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own commands
                [_tool(words[0]), *words[1:]], env=self._environment, cwd=self.folder, stdout=log, stderr=log
            )


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _workspace(port: int) -> str:
    return f"load_from:\n  - grpc_server: {{host: localhost, port: {port}, location_name: grinder}}\n"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, server: subprocess.Popen[bytes], tries: int = 240) -> None:
    for _ in range(tries):
        if server.poll() is not None:
            break
        try:
            socket.create_connection(("localhost", port), timeout=0.5).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise RunFailed("the code server did not come up", where="code-server.log", got=f"exit {server.poll()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
