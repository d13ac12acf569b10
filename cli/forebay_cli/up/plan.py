"""The plan of one machine: which processes run, how they find each other, and where their files are."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from forebay_cli.up.child import Command
from forebay_extproc.cgroup import bytes_for_bodies


class Addresses(msgspec.Struct, frozen=True):
    """Where everything listens; sockets are in the run directory, out of other users' reach."""

    listeners: tuple[str, ...]
    admin: str
    operator: str
    data_planes: tuple[str, ...]
    metrics: tuple[int, ...]


class Plan(msgspec.Struct, frozen=True):
    """What `forebay up` runs for one directory. `secret_variables` are the environment variables that hold secrets: the
    operator reads them, and no other process has them. `taken_ports` are those that a listener wanted and somebody has."""

    directory: Path
    run: Path
    addresses: Addresses
    listener_ports: tuple[int, ...]
    log: str = "warning"
    secret_variables: frozenset[str] = frozenset()
    taken_ports: tuple[int, ...] = ()

    @property
    def workers(self) -> int:
        return len(self.addresses.data_planes)

    @property
    def logs(self) -> Path:
        return self.run / "logs"

    def operator(self) -> Command:
        argv = [
            sys.executable, "-m", "forebay_operator",
            "--directory", str(self.directory),
            "--listen", self.addresses.operator,
            "--listener-ports", ",".join(map(str, self.listener_ports)),
            "--expect-envoy", "envoy/local",
        ]  # fmt: skip
        for index, address in enumerate(self.addresses.data_planes):
            argv += ["--data-plane", f"{worker_id(index)}={address}"]
        return Command("operator", argv, self.logs / "operator.log")

    def worker(self, index: int) -> Command:
        argv = [
            sys.executable, "-m", "forebay_extproc",
            "--listen", self.addresses.data_planes[index],
            "--operator", self.addresses.operator,
            "--node-id", worker_id(index),
            "--replica", str(index),
            "--metrics-port", str(self.addresses.metrics[index]),
            "--last-good", str(self.run / f"last-good-{index}.msgpack"),
            "--artifacts", str(self.directory),
            "--body-memory", str(bytes_for_bodies(self.workers)),
            "--log", self.log,
        ]  # fmt: skip
        for peer, address in enumerate(self.addresses.data_planes):
            if peer != index:
                argv += ["--peers", f"{peer}={address}"]
        log = self.logs / f"dataplane-{index}.log"
        return Command(f"data plane {index}", argv, log, withheld=self.secret_variables)

    def envoy(self, binary: str, bootstrap: Path) -> Command:
        argv = [binary, "-c", str(bootstrap), "--concurrency", "2", "--disable-hot-restart", "--log-level", "warning",
                "--file-flush-interval-msec", "500"]  # fmt: skip
        return Command("envoy", argv, self.logs / "envoy.log", withheld=self.secret_variables)


def worker_id(index: int) -> str:
    """The xDS node id of a local data-plane worker."""
    return f"dataplane/{index}"
