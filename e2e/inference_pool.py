"""An inference pool without a kubelet: Pods whose status is patched, the servers that they would run, and the extension's
real endpoint picker."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from .foreign import INFERENCE_EXTENSION
from .installation import READY, Installation
from .isolation import HOST
from .kube import Kube
from .process import Process
from .waiting import free_port, wait_until

MODEL: Final = "small-model"
REPLICAS: Final = {"replica-a": "192.0.2.11", "replica-b": "192.0.2.12"}
PORT: Final = 8000
PICKER: Final = "small-epp"
PLUGINS: Final = """
apiVersion: inference.networking.x-k8s.io/v1alpha1
kind: EndpointPickerConfig
plugins: [{type: queue-scorer}, {type: kv-cache-utilization-scorer}, {type: max-score-picker}, {type: single-profile-handler}]
schedulingProfiles:
- name: default
  plugins: [{pluginRef: queue-scorer}, {pluginRef: kv-cache-utilization-scorer}, {pluginRef: max-score-picker}]
"""
POOL: Final = """---
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {name: small}
spec:
  backend: {inferencePool: {name: small}}
  models: [{name: small-model}]
  telemetry: {engine: vLLM}
"""
"""Ours over it."""


def extend(kube: Kube) -> None:
    """Make the extension's kinds known to an API server. Skips the test where they were not fetched."""
    if missing := [wanted.path for wanted in INFERENCE_EXTENSION if not wanted.file.exists()]:
        pytest.skip(f"not fetched: {', '.join(missing)}: `make e2e-parts` does, or says why it cannot")
    for wanted in INFERENCE_EXTENSION:
        kube.kubectl("apply", "--server-side", "-f", str(wanted.file))
    kube.kubectl("wait", "--for=condition=Established", "--timeout=120s", "crd", "--all")


def inference_pool(failure: str = "FailClose") -> str:
    """The InferencePool `small` of the two replicas."""
    return f"""---
apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata: {{name: small}}
spec:
  selector: {{matchLabels: {{app: small}}}}
  targetPorts: [{{number: {PORT}}}]
  endpointPickerRef: {{name: {PICKER}, port: {{number: 9002}}, failureMode: {failure}}}
"""


def serve_replicas(made: Installation) -> None:
    """Each replica as its Pod and its process; all have the pool's one port and an address of their own."""
    for name, address in REPLICAS.items():
        _serve(made, name, address)


def start_picker(made: Installation, binary: Path, *extra: str) -> Process:
    """The endpoint picker over InferencePool `small`, and its Service."""
    port, health, metrics = free_port(HOST), free_port(), free_port()
    plugins = made.folder / "plugins.yaml"
    plugins.write_text(PLUGINS)
    argv = [
        str(binary), "--pool-name=small", f"--pool-namespace={made.namespace}", f"--grpc-port={port}",
        f"--grpc-health-port={health}", f"--metrics-port={metrics}", "--metrics-endpoint-auth=false",
        "--tracing=false", f"--config-file={plugins}", *extra,
    ]  # fmt: skip
    process = Process(argv, made.folder / "epp.log", {"KUBECONFIG": str(made.kube.kubeconfig)})
    process.start()
    made.servers[PICKER] = process
    made.service(PICKER, [9002])
    made.slice(PICKER, f"{PICKER}-0", port, {PICKER: (HOST, READY)})
    return process


@contextmanager
def busy(made: Installation, replica: str, requests: int = 6) -> Iterator[None]:
    """Requests that go straight to a replica and keep it busy: one runs, the others wait in its queue. It ends so."""
    url = f"http://{REPLICAS[replica]}:{PORT}"
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Take your time."}]}
    httpx.put(
        f"{url}/sim/faults", json={"mode": "slow", "delay": "60s"}, timeout=30.0, trust_env=False
    ).raise_for_status()
    with httpx.Client(trust_env=False, timeout=90.0) as client:

        def hang() -> None:
            try:
                client.post(f"{url}/v1/chat/completions", json=body)
            except (httpx.HTTPError, RuntimeError):
                return

        for _ in range(requests):
            threading.Thread(target=hang, daemon=True).start()
        wait_until(lambda: _queued(url) >= requests - 1, f"{replica} has a queue")
        yield
        made.servers[replica].kill()


def _serve(made: Installation, name: str, address: str) -> None:
    """A replica as its Pod and, there being no kubelet, its process; every replica has the pool's one port."""
    argv = [
        sys.executable, "-m", "forebay_cli.sim", "--host", address, "--port", str(PORT),
        "--name", name, "--model", MODEL, "--concurrency", "1",
    ]  # fmt: skip
    process = Process(argv, made.folder / f"{name}.log")
    process.start()
    made.servers[name] = process
    wait_until(lambda: _answers(f"http://{address}:{PORT}/v1/models"), f"{name} answers")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "small"}},
        "spec": {"containers": [{"name": "server", "image": "server"}]},
    }
    made.kube.create(pod, made.namespace).raise_for_status()
    status = {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    made.kube.patch("Pod", made.namespace, name, {"status": status}, status=True)


def _queued(url: str) -> int:
    text = httpx.get(f"{url}/metrics", timeout=30.0, trust_env=False).text
    found = [line for line in text.splitlines() if line.startswith("vllm:num_requests_waiting")]
    return int(float(found[0].rpartition(" ")[2])) if found else 0


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=1.0).status_code == 200
    except httpx.TransportError:
        return False
