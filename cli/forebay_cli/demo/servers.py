"""The demo's simulated inference servers: processes of their own, so that killing one is really killing one."""

from __future__ import annotations

import asyncio
import secrets
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
import trustme

from forebay_api.pool import ModelPool
from forebay_cli.demo.manifests import Places
from forebay_cli.sim.process import SimProcess

COPIES: Final = 2
PACE: Final = ("--tokens", "32", "--per-token", "8ms")
"""A quarter of a second an answer: time enough to be killed in the middle of one."""
CONCURRENCY: Final = {"small": 8, "large": 24, "frontier": 48}


class Server(msgspec.Struct, frozen=True):
    """One server: `name` stands in its answers' ``x-sim-server``."""

    name: str
    pool: str
    arguments: tuple[str, ...]


class Fleet:
    """Two servers a pool. Those of an `external` pool speak TLS behind one port, as a provider's load balancer has it,
    and refuse who does not bring the pool's key."""

    def __init__(self, pools: Sequence[ModelPool], directory: Path) -> None:
        self.hostname = loopback_name()
        self.key = f"demo-{secrets.token_hex(12)}"
        self.ca_file = directory / "ca.pem"
        self._certificate = directory / "server.pem"
        self._pools = pools
        self._running: dict[str, SimProcess] = {}
        self._ports: dict[str, int] = {}
        self.servers = {server.name: server for pool in pools for server in self._of(pool)}

    async def start(self) -> None:
        """Start all and wait until each listens. Raises RuntimeError where one does not start."""
        self._make_certificate()
        shared = [pool.metadata.name for pool in self._pools if pool.spec.backend.external]
        followers = [s.name for pool in shared for s in self.of(pool)[1:]]
        try:
            async with asyncio.TaskGroup() as starting:
                for name in self.servers:
                    if name not in followers:
                        starting.create_task(self._start(name, 0))
        except* RuntimeError as failed:
            raise RuntimeError(str(failed.exceptions[0])) from None
        for pool in shared:
            first, *others = self.of(pool)
            for server in others:
                await self._start(server.name, self._ports[first.name])

    def of(self, pool: str) -> list[Server]:
        return [server for server in self.servers.values() if server.pool == pool]

    def places(self) -> Places:
        """Where they listen, as the manifests want it."""
        private = [
            self._ports[s.name] for p in self._pools if p.spec.backend.addresses for s in self.of(p.metadata.name)
        ]
        bought = next(p.metadata.name for p in self._pools if p.spec.backend.external)
        return Places(tuple(private), self.hostname, self._ports[self.of(bought)[0].name])

    def url(self, name: str) -> str:
        """Base address of one server, by the name that its certificate holds."""
        tls = "--tls-cert" in self.servers[name].arguments
        return f"{'https' if tls else 'http'}://{self.hostname if tls else '127.0.0.1'}:{self._ports[name]}"

    def trust(self) -> ssl.SSLContext:
        """What a client needs to talk to the TLS servers directly."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    async def kill(self, *names: str) -> None:
        """SIGKILL, all at once."""
        await asyncio.gather(*(self._running[name].kill() for name in names))

    async def revive(self, *names: str) -> None:
        """Start killed servers again where they were."""
        await asyncio.gather(*(self._start(name, self._ports[name]) for name in names))

    async def stop(self) -> None:
        await asyncio.gather(*(process.stop() for process in self._running.values()), return_exceptions=True)

    async def _start(self, name: str, port: int) -> None:
        process = SimProcess(*self.servers[name].arguments, "--port", str(port))
        await process.start()
        self._running[name] = process
        self._ports[name] = urlsplit(process.url).port or 0

    def _of(self, pool: ModelPool) -> list[Server]:
        name = pool.metadata.name
        models = [option for model in pool.spec.models for option in ("--model", model.upstream_name or model.name)]
        arguments = [*PACE, *models, "--concurrency", str(CONCURRENCY.get(name, 24))]
        if pool.spec.backend.external:
            arguments += ["--reuse-port", "--require-key", self.key]
            arguments += ["--tls-cert", str(self._certificate), "--tls-key", str(self._certificate)]
        named = [f"{name}-{index}" for index in range(COPIES)]
        return [Server(one, name, (*arguments, "--name", one)) for one in named]

    def _make_certificate(self) -> None:
        authority = trustme.CA(organization_name="Forebay demo, thrown away afterwards")
        authority.cert_pem.write_to_path(str(self.ca_file))
        self._certificate.touch(mode=0o600)
        authority.issue_cert(self.hostname).private_key_and_cert_chain_pem.write_to_path(str(self._certificate))


def loopback_name() -> str:
    """A host name that leads to 127.0.0.1 on this machine, or that address itself."""
    for name in ("frontier.localhost", "localhost"):
        try:
            found = {entry[4][0] for entry in socket.getaddrinfo(name, None, socket.AF_INET)}
        except OSError:
            continue
        if found == {"127.0.0.1"}:
            return name
    return "127.0.0.1"
