"""docs/install.md as a newcomer follows it: every command of Helm and kubectl in it, in its order.

Images are not built and requests do not go through port-forward; the pods' processes run without a container engine.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from .chart import ROOT
from .control_plane import running_control_plane
from .kube import Kube
from .kubeconfig import kubectl
from .kubelet import Kubelet, why_not
from .waiting import wait_until

DOCUMENT = ROOT / "docs/install.md"
NOT_HERE = ("docker ", "kind ", "curl ", "kubectl -n forebay port-forward")
COMMAND_SECONDS = 150


@pytest.fixture(scope="module")
def kube(control_plane_binaries: dict[str, Path]) -> Iterator[Kube]:
    if "kube-controller-manager" not in control_plane_binaries:
        pytest.skip("there is no kube-controller-manager to make pods of Deployments: `make e2e-parts`")
    if problem := why_not():
        pytest.skip(problem)
    with running_control_plane(control_plane_binaries) as made:
        yield made.kube


@pytest.fixture(scope="module")
def kubelet(kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubelet]:
    made = Kubelet(kube, ["forebay", "ai"], tmp_path_factory.mktemp("pods"))
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shell(kube: Kube, binary: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], None]:
    """Runs a command of the document in the repository's root."""
    home = tmp_path_factory.mktemp("home")
    (home / "bin").mkdir()
    (home / "bin/helm").symlink_to(binary("helm"))
    (home / "bin/kubectl").symlink_to(kubectl())
    environment = {"PATH": f"{home}/bin:{os.environ['PATH']}", "HOME": str(home), "KUBECONFIG": str(kube.kubeconfig)}

    def run(command: str) -> None:
        done = subprocess.run(
            ["bash", "-euc", command],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stderr or done.stdout}"

    return run


def _commands(section: str) -> list[str]:
    """The commands under a heading; lines that end with a backslash or hold a document go with the next ones."""
    text = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    assert text is not None, f"docs/install.md has no section {section!r}"
    blocks = re.findall(r"^```sh\n(.*?)^```", text[1], re.MULTILINE | re.DOTALL)
    found = [command for block in blocks for command in _split(block)]
    assert found, f"{section}: no commands"
    return [command for command in found if not command.startswith(NOT_HERE)]


def _split(block: str) -> Iterator[str]:
    lines: list[str] = []
    until = ""
    for line in block.splitlines():
        lines.append(line)
        if here := re.search(r"<<'(\w+)'", line):
            until = here[1]
        elif until:
            until = "" if line == until else until
        if not until and not line.endswith("\\"):
            yield "\n".join(lines)
            lines = []


def _ask(kubelet: Kubelet) -> httpx.Response | None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
    (envoy,) = kubelet.of("envoy")
    try:
        return httpx.post(f"http://{envoy.address}:10080/v1/chat/completions", json=body, timeout=10, trust_env=False)
    except httpx.TransportError:
        return None


def test_following_the_document_gets_an_answer(kube: Kube, kubelet: Kubelet, shell: Callable[[str], None]) -> None:
    for section in ("2. Install", "3. Something to route to", "4. A pool and a policy"):
        for command in _commands(section):
            shell(command)

    def served() -> httpx.Response | None:
        answer = _ask(kubelet)
        return answer if answer is not None and answer.status_code == 200 else None

    answer = wait_until(served, "the first request is served")
    assert answer.headers["x-forebay-pool"] == "ai/small"
    assert answer.headers["x-forebay-reason"]

    for section in ("A pool with a credential", "Upgrade", "Remove"):
        for command in _commands(section):
            shell(command)
        if section == "Upgrade":
            wait_until(served, "requests are served after an upgrade", 30.0)
    assert "forebay.dev" not in kube.kubectl("api-resources", "-o", "name").stdout


def test_every_command_that_is_left_out_here_is_one_that_needs_an_engine_or_a_node() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    commands = [command for block in blocks for command in _split(block)]

    assert all(command.startswith(("helm ", "kubectl ", *NOT_HERE)) for command in commands)
