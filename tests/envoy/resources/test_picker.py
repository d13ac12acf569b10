"""An inference pool's endpoint picker: it chooses the server, and what happens without it is the pool's to say."""

from __future__ import annotations

import asyncio
import collections
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from aiohttp import web

from forebay_operator.backends.endpoint import Backend, Endpoint
from forebay_operator.backends.endpoint import Picker as PickerFacts
from forebay_operator.cluster.objects import FailureMode
from forebay_operator.envoy.assemble import assemble
from forebay_operator.resources import Snapshot

from ..builders import inputs, native, policy, pool
from ..harness import Forward, Rig, Seen, Upstream, failing, hanging_up, running_rig, wait_until
from ..picker import DESTINATION, Picker

pytestmark = pytest.mark.envoy

HOPS = "|ai/down=m@|ai/open=m2@10:6:%22second%22|"
BODY = b'{"model": "auto"}'


class Scene:
    """Pools of the same two servers, each with a picker of its own kind; Envoy knows both servers by EDS."""

    def __init__(self, rig: Rig, certificates: Path) -> None:
        self.rig = rig
        self.one, self.two, self.down = rig.upstream(), rig.upstream(), rig.upstream()
        keys = grpc.ssl_server_credentials(
            [((certificates / "self.key").read_bytes(), (certificates / "self.pem").read_bytes())]
        )
        self.picker, self.encrypted = Picker(rig.loop), Picker(rig.loop, credentials=keys)
        self.silent = socket.create_server(("127.0.0.1", 0))
        self.pickers = {
            "open": PickerFacts((local(self.picker.port),), tls=False, failure_mode="FailOpen"),
            "close": PickerFacts((local(self.picker.port),), tls=False),
            "tls": PickerFacts((local(self.encrypted.port),)),
            "away": PickerFacts(failure_mode="FailOpen"),
            "shut": PickerFacts(),
            "frozen": PickerFacts((local(self.silent.getsockname()[1]),), tls=False, failure_mode="FailOpen"),
            "several": PickerFacts((local(1), local(self.picker.port)), tls=False),
        }

    def snapshot(self, *servers: Endpoint) -> Snapshot:
        listed = servers or (local(self.one.port), local(self.two.port))
        resilience = {"requestTimeout": "8s", "retries": 1}
        spec = pool(backend={"inferencePool": {"name": "x"}}, resilience=resilience)
        told = pool(backend={"inferencePool": {"name": "x", "objective": "batch"}}, resilience=resilience)
        pools = {f"ai/{name}": told if name == "tls" else spec for name in self.pickers}
        pools["ai/down"] = pool(self.down.port, resilience={"retries": 0})
        backends = {f"ai/{name}": Backend(listed, picker) for name, picker in self.pickers.items()}
        backends["ai/down"] = Backend((local(self.down.port),))
        return assemble(
            inputs(
                self.rig.port,
                (self.rig.processor.address,),
                {
                    "ai/p": policy(*self.pickers),
                    "ai/c": policy("down", fallback=("open",), attach={"hostnames": ["chain.test"]}),
                    "ai/b": policy(
                        "open", failOpen={"pool": "open", "model": "small"}, attach={"hostnames": ["bypass.test"]}
                    ),
                },
                pools,
                backends=backends,
                pickers={f"ai/{name}": picker.failure_mode for name, picker in self.pickers.items()},
                native={"ai/p": (native("m", "ai/close"),)},
                secrets={"ai/close": "sk-close"},
            )
        )

    def to(self, name: str) -> Rig:
        """The rig, where the data plane sends to this pool."""
        self.rig.processor.decide = lambda _: Forward(cluster=f"pool/ai/{name}")
        return self.rig

    def pick(self, server: Upstream, *others: str) -> None:
        named = ",".join((f"127.0.0.1:{server.port}", *others))
        self.picker.pick = self.encrypted.pick = lambda _: named

    def counts(self) -> tuple[int, int]:
        return len(self.one.seen), len(self.two.seen)


def local(port: int) -> Endpoint:
    return Endpoint("127.0.0.1", port)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("picker")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=picker",
         "-keyout", "self.key", "-out", "self.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    with running_rig() as rig:
        scene = Scene(rig, folder)
        rig.start(scene.snapshot())
        yield scene
        scene.silent.close()
        for picker in (scene.picker, scene.encrypted):
            picker.stop()


@pytest.fixture
def scene(started: Scene) -> Scene:
    started.rig.reset()
    for picker in (started.picker, started.encrypted):
        picker.reset()
        picker.start() if picker.stopped else None
    return started


@pytest.mark.parametrize("name", ["open", "close", "tls"])
def test_the_picker_chooses_the_server(scene: Scene, name: str) -> None:
    rig = scene.to(name)
    for server in (scene.one, scene.two):
        scene.pick(server)
        rig.reset()
        scene.to(name)
        assert [rig.chat().status_code for _ in range(10)] == [200] * 10
        assert len(server.seen) == 10
    assert scene.two.last.json["model"] == "auto"


def test_what_envoy_decides_alone_is_the_pickers_to_place_too(scene: Scene) -> None:
    scene.pick(scene.two)
    assert [scene.rig.chat({"model": "m"}).status_code for _ in range(5)] == [200] * 5
    assert scene.counts() == (0, 5)
    assert scene.rig.processor.streams == 0


def test_a_large_body_reaches_picker_and_server_whole(scene: Scene) -> None:
    scene.pick(scene.two)
    body = {"model": "auto", "x": "a" * 600_000}
    assert scene.to("open").chat(body).status_code == 200
    assert scene.two.last.json == body
    assert len(scene.picker.asked[0].body) == len(scene.two.last.body)
    assert scene.two.last.headers["content-length"] == str(len(scene.two.last.body))


def test_a_hop_of_a_chain_meets_its_pools_picker_with_the_hops_edits(scene: Scene) -> None:
    scene.pick(scene.two)
    scene.down.handler = failing(503)
    scene.rig.processor.decide = lambda _: Forward(cluster="chain/ai/c/main/ai/down", hops=HOPS)
    answer = scene.rig.chat(BODY, headers={"host": "chain.test"})
    assert (answer.status_code, answer.headers["x-forebay-pool"]) == (200, "ai/open")
    assert scene.picker.asked[0].body == b'{"model": "second"}'
    assert (scene.counts(), scene.two.last.json["model"]) == ((0, 1), "second")


def test_a_request_that_is_bypassed_meets_the_picker_too(scene: Scene) -> None:
    scene.pick(scene.two)
    scene.rig.processor.stop()
    try:
        answer = scene.rig.chat(headers={"host": "bypass.test"})
    finally:
        scene.rig.processor.start()
        wait_until(lambda: scene.to("open").chat().status_code == 200, "the data plane is back")
    assert (answer.status_code, answer.headers["x-forebay-decision"]) == (200, "bypassed")
    assert (len(scene.one.seen), scene.two.seen[0].json["model"]) == (0, "small")


def test_a_caller_can_neither_choose_the_server_nor_avoid_the_picker(scene: Scene) -> None:
    scene.pick(scene.two)
    claims = {
        DESTINATION: f"127.0.0.1:{scene.one.port}",
        f"{DESTINATION}-subset": f"127.0.0.1:{scene.one.port}",
        "x-gateway-model-name-rewrite": "other",
        "x-envoy-attempt-count": "2",
        "x-forebay-unpicked": "1",
    }
    assert [scene.to("open").chat(headers=claims).status_code for _ in range(5)] == [200] * 5
    assert scene.counts() == (0, 5)
    assert len(scene.picker.asked) == 5
    assert not claims.keys() & scene.picker.asked[0].headers.keys()
    # Where the picker names nobody, the caller's word counts no more.
    scene.picker.pick = lambda _: ""
    scene.rig.reset()
    assert [scene.to("open").chat(headers=claims).status_code for _ in range(20)] == [200] * 20
    assert min(scene.counts()) > 0


def test_objective_and_fairness_of_the_caller_are_passed_on(scene: Scene) -> None:
    told = {"x-gateway-inference-objective": "urgent", "x-gateway-inference-fairness-id": "tenant-a"}
    scene.pick(scene.one)
    scene.to("open").chat(headers=told)
    assert told.items() <= scene.picker.asked[0].headers.items()


def test_the_pools_own_objective_stands_above_the_callers(scene: Scene) -> None:
    scene.pick(scene.one)
    scene.to("tls").chat(headers={"x-gateway-inference-objective": "urgent"})
    assert scene.encrypted.asked[0].headers["x-gateway-inference-objective"] == "batch"


def test_credentials_reach_neither_picker_nor_server_and_the_pools_own_only_the_server(scene: Scene) -> None:
    scene.pick(scene.one)
    mine = {"authorization": "Bearer mine", "cookie": "a=b", "x-api-key": "k"}
    scene.to("open").chat(headers=mine)
    assert not mine.keys() & (scene.one.last.headers.keys() | scene.picker.asked[0].headers.keys())
    scene.to("close").chat(headers=mine)
    assert scene.one.last.headers["authorization"] == "Bearer sk-close"
    assert "authorization" not in scene.picker.asked[1].headers
    asked = [name for one in scene.picker.asked for name in one.headers]
    assert not [name for name in (*asked, *scene.one.last.headers) if name.startswith(("x-forebay-", "x-envoy-"))]


def test_a_server_that_is_not_the_pools_is_never_asked(scene: Scene) -> None:
    scene.pick(scene.down)
    assert [scene.to("open").chat().status_code for _ in range(10)] == [200] * 10
    assert (sum(scene.counts()), len(scene.down.seen)) == (10, 0)


def test_the_second_server_named_is_tried_when_the_first_fails(scene: Scene) -> None:
    scene.one.handler = hanging_up
    scene.pick(scene.one, f"127.0.0.1:{scene.two.port}")
    assert [scene.to("open").chat().status_code for _ in range(5)] == [200] * 5
    assert scene.counts() == (5, 5)


def test_what_the_picker_answers_itself_is_the_answer(scene: Scene) -> None:
    scene.picker.pick = lambda _: 429
    answer = scene.to("open").chat()
    assert (answer.status_code, answer.text, scene.counts()) == (429, "picker says no", (0, 0))


@pytest.mark.parametrize("size", [10, 600_000])
def test_without_its_picker_a_pool_that_fails_open_serves(scene: Scene, size: int) -> None:
    scene.picker.stop()
    body = {"model": "auto", "x": "a" * size}
    answers = [scene.to("open").chat(body) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert sum(scene.counts()) == 20
    assert scene.two.last.json == body
    assert "x-forebay-unpicked" not in answers[0].headers


@pytest.mark.parametrize("size", [10, 600_000])
def test_without_its_picker_a_pool_that_fails_closed_answers_503(scene: Scene, size: int) -> None:
    scene.picker.stop()
    answers = [scene.to("close").chat({"model": "auto", "x": "a" * size}) for _ in range(5)]
    assert [(a.status_code, a.json()["error"]["code"]) for a in answers] == [(503, "picker_unavailable")] * 5
    assert "x-forebay-unpicked" not in answers[0].headers
    assert scene.counts() == (0, 0)


def test_a_picker_of_which_no_server_is_known_is_a_picker_that_is_away(scene: Scene) -> None:
    assert scene.to("away").chat().status_code == 200
    assert scene.to("shut").chat().json()["error"]["code"] == "picker_unavailable"


def test_a_picker_that_is_frozen_is_noticed_within_seconds(scene: Scene) -> None:
    began = time.monotonic()
    assert scene.to("frozen").chat().status_code == 200
    assert time.monotonic() - began < 20


def test_of_several_pickers_one_that_is_gone_costs_no_request(scene: Scene) -> None:
    scene.pick(scene.one)
    assert collections.Counter(scene.to("several").chat().status_code for _ in range(30)) == {200: 30}


def test_the_picker_knows_of_a_request_until_it_is_answered(scene: Scene) -> None:
    """Its plugins count what is under way."""
    release = threading.Event()

    async def slow(_: web.Request, seen: Seen) -> web.StreamResponse:
        await asyncio.to_thread(release.wait, 60)
        return web.json_response({})

    scene.one.handler = slow
    scene.pick(scene.one)
    client = threading.Thread(target=scene.to("open").chat)
    client.start()
    wait_until(lambda: scene.one.seen, "the server has the request")
    time.sleep(0.3)
    held = scene.picker.open
    release.set()
    client.join(60)
    wait_until(lambda: scene.picker.open == 0, "the picker's stream is closed")
    assert held == 1


def test_the_pickers_choice_counts_for_a_server_that_is_not_ready_yet(scene: Scene) -> None:
    scene.rig.publish(scene.snapshot(local(scene.one.port), Endpoint("127.0.0.1", scene.two.port, ready=False)))
    try:
        unhealthy = r"cluster\.pool/ai/open\.membership_healthy$"
        wait_until(lambda: list(scene.rig.stats(unhealthy).values()) == [1], "one server is not ready")
        scene.pick(scene.two)
        assert scene.to("open").chat().status_code == 200
        assert scene.counts() == (0, 1)
        scene.picker.pick = lambda _: ""
        assert [scene.to("open").chat().status_code for _ in range(10)] == [200] * 10
        assert scene.counts() == (10, 1)
    finally:
        scene.rig.publish(scene.snapshot())
        wait_until(lambda: list(scene.rig.stats(unhealthy).values()) == [2], "both are ready")


def test_a_picker_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebay_operator.envoy.picker.PICK_SECONDS", 1)
    with running_rig() as rig:
        server, picker = rig.upstream(), Picker(rig.loop)
        picker.delay = 20
        asked = (local(picker.port),)
        modes: dict[str, FailureMode] = {"open": "FailOpen", "close": "FailClose"}
        rig.start(
            assemble(
                inputs(
                    rig.port,
                    (rig.processor.address,),
                    {"ai/p": policy(*modes)},
                    {f"ai/{name}": pool(backend={"inferencePool": {"name": "x"}}) for name in modes},
                    backends={
                        f"ai/{name}": Backend((local(server.port),), PickerFacts(asked, tls=False, failure_mode=mode))
                        for name, mode in modes.items()
                    },
                    pickers={f"ai/{name}": mode for name, mode in modes.items()},
                )
            )
        )
        answers = {}
        for name in modes:
            rig.processor.decide = lambda _, name=name: Forward(cluster=f"pool/ai/{name}")
            began = time.monotonic()
            answers[name] = rig.chat()
            assert 0.9 < time.monotonic() - began < 10
        picker.stop()
    assert answers["open"].status_code == 200
    assert answers["close"].status_code == 504
    assert answers["close"].json()["error"]["code"] == "picker_timeout"
