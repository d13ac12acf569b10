"""What of many routes was there and accepted when, and what processor time it took."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import Final

from ..kube import Kube
from .team import NAMESPACE

LOOK_SECONDS: Final = 2.0
"""Between two looks at everything, so that looking is not what is measured."""


class Milestones:
    """When the last of the routes, and of what is written for each, was there and was accepted: seconds from `started`,
    by a look every LOOK_SECONDS."""

    def __init__(self, kube: Kube, count: int, started: float) -> None:
        self._kube = kube
        self._count = count
        self._started = started
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.reached: dict[str, float] = {}

    def __enter__(self) -> Milestones:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._look()
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        routes = self._kube.list("HTTPRoute", NAMESPACE)
        extensions = self._kube.list("EnvoyExtensionPolicy", NAMESPACE)
        theirs = [found for found in routes if found["metadata"]["name"].startswith("route-")]
        ours = [found for found in routes if found["metadata"]["name"].startswith("forebay-route-")]
        for name, found, judged in (
            ("routesAccepted", theirs, "parents"),
            ("ourRoutesWritten", ours, ""),
            ("ourRoutesAccepted", ours, "parents"),
            ("extensionsWritten", extensions, ""),
            ("extensionsAccepted", extensions, "ancestors"),
        ):
            there = [entry for entry in found if not judged or entry.get("status", {}).get(judged)]
            if len(there) >= self._count:
                self.reached.setdefault(name, round(time.monotonic() - self._started, 1))


def cpu_seconds() -> dict[str, float]:
    """Processor time of every process below this one, by what it is."""
    found: dict[str, float] = {}
    ours = {os.getpid()}
    stats = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            argv = (folder / "cmdline").read_text().split("\0")
            stats[int(folder.name)] = (int(fields[1]), sum(map(int, fields[11:13])), argv)
    for pid, (parent, ticks, argv) in sorted(stats.items()):
        if parent in ours:
            ours.add(pid)
            name = next((part for part in argv if part.startswith("forebay_")), Path(argv[0]).name)
            found[name] = found.get(name, 0.0) + ticks / os.sysconf("SC_CLK_TCK")
    return found
