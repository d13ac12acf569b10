"""An operator that watches named namespaces, of which its own is none: with the chart's rights and no more."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from .chart import Helm
from .control_plane import ControlPlane
from .gateway.behind import grant_rights
from .manifests import policy, pool
from .process import Process
from .waiting import free_port, wait_until


@pytest.mark.parametrize("more", [(), ("credentialNamespaces={elsewhere}", "configMaps.enabled=true")])
def test_it_becomes_ready_and_judges_what_is_there(
    own_control_plane: ControlPlane, binary: Callable[[str], Path], tmp_path: Path, more: tuple[str, ...]
) -> None:
    kube = own_control_plane.kube
    for namespace in ("forebay", "elsewhere"):
        kube.kubectl("create", "namespace", namespace, check=False)
    helm = Helm(binary("helm"), tmp_path, kube.kubeconfig)
    account = grant_rights(kube, helm, "forebay", "watchNamespaces={elsewhere}", *more)
    reads = ["--credential-namespace", "elsewhere", "--config-maps"] if more else ["--no-credentials"]
    metrics = free_port()
    argv = [
        sys.executable, "-m", "forebay_operator", "--cluster", "--kubeconfig", account, "--namespace", "forebay",
        "--watch-namespace", "elsewhere", *reads, "--data-plane-service", "forebay-data-plane",
        "--listen", f"127.0.0.1:{free_port()}", "--metrics", f"127.0.0.1:{metrics}",
    ]  # fmt: skip
    operator = Process(argv, tmp_path / "operator.log")
    operator.start()
    try:

        def ready() -> bool:
            try:
                return httpx.get(f"http://127.0.0.1:{metrics}/readyz", timeout=5.0, trust_env=False).status_code == 200
            except httpx.TransportError:
                return False

        wait_until(ready, f"it is ready; {operator.tail()}", 90.0)
        kube.apply(pool("small") + policy("first", "small"), namespace="elsewhere")
        told = kube.wait_condition("RoutingPolicy", "elsewhere", "first", "Accepted", seconds=90.0)
        assert told["reason"] == "Accepted"
        assert "403" not in operator.text()
    finally:
        operator.kill()
        kube.kubectl("delete", "routingpolicies,modelpools", "--all", "-n", "elsewhere", check=False)
