"""A process that the benchmark starts, and whatever that process starts: ended together, and nothing else with them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from proc import tree

STOP_SECONDS: Final = 10.0
_PARENT_DEATH_SIGNAL: Final = 1
_LIBC: Final = ctypes.CDLL(None)


class NotStarted(Exception):
    """A process ended or stayed silent instead of serving; the message ends with what it said last."""


class Service:
    """Runs from construction to `stop`. `log` takes its output. Dies with its parent, whatever ends that."""

    def __init__(self, name: str, argv: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._log = log
        with log.open("wb") as sink:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def tree(self) -> list[int]:
        """This process and its descendants."""
        return tree(self.pid)

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Polls `ready`. Raises NotStarted where the process ends first or the time is over."""
        deadline = time.monotonic() + seconds
        while not ready():
            code = self._process.poll()
            if code is not None:
                raise NotStarted(f"{self.name} ended with status {code}: {self.last_words()}")
            if time.monotonic() > deadline:
                raise NotStarted(f"{self.name} was not ready within {seconds:g} s: {self.last_words()}")
            time.sleep(0.01)

    def output(self) -> str:
        """Everything it has printed."""
        return self._log.read_text(errors="replace")

    def last_words(self) -> str:
        lines = [line.strip() for line in self.output().splitlines() if line.strip()]
        return " | ".join(lines[-3:])[-600:] or "(it printed nothing)"

    def stop(self) -> None:
        """SIGTERM and a grace; then SIGKILL for it and for every descendant that it left behind."""
        family = {pid: _start_time(pid) for pid in self.tree()}
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        for pid, started in family.items():
            # A number may have been given to somebody else's process by now.
            if started and _start_time(pid) == started:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._process.wait()


def free_port() -> int:
    """A TCP port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    """Whether something listens on this port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _start_time(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ""


def _die_with_parent() -> None:
    _LIBC.prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)
