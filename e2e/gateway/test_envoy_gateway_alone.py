"""Envoy Gateway by itself, so that what fails further on is not its set-up."""

from __future__ import annotations

from pathlib import Path

import httpx

from ..installation import installed
from ..isolation import HOST
from ..waiting import free_port, wait_until
from .envoy_gateway import EnvoyGateway
from .manifests import backend, gateway, route


def test_a_users_own_route_and_backend_are_served(envoy_gateway: EnvoyGateway, room: str, tmp_path: Path) -> None:
    kube, port = envoy_gateway.kube, free_port()
    with installed(kube, room, tmp_path) as made:
        at = made.add_server("theirs", "their-model")

        kube.apply(
            gateway("web", port) + backend("theirs", HOST, at) + route("theirs", "web", "backend/theirs"),
            namespace=room,
        )

        def answer() -> httpx.Response | None:
            try:
                got = httpx.get(f"http://127.0.0.1:{port}/v1/models", trust_env=False, timeout=2.0)
            except httpx.TransportError:
                return None
            return got if got.status_code == 200 else None

        assert wait_until(answer, "the route is served", 30).json()["data"][0]["id"] == "their-model"
        assert not Path("/certs").exists(), "Envoy Gateway's certificates are in its own root alone"
