"""The whole data plane over a real gRPC channel, spoken to as Envoy speaks to it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import grpc.aio
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from streams import (
    POLICY,
    POOLS,
    Envoy,
    a_placed_policy,
    a_plane,
    a_policy,
    body,
    came_by,
    chat,
    headers,
    log_entry,
    metric,
    said,
    set_headers,
    until,
)

from forebay_extproc.configuration import Encoders
from forebay_extproc.outcomes.peers import METHOD
from forebay_extproc.plane import DataPlane
from forebay_extproc.server import EXT_PROC, AddressInUse

DIMENSIONS = 8
PATIENCE = 60.0


class GatedEncoder:
    """An encoder that is as slow as a test wants: it waits for `gate` once `slow` is set."""

    name = "Transformer"
    digest = "sha256:test"
    dimensions = DIMENSIONS
    max_tokens = 128

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.slow = False
        self.calls = 0

    def encode(self, texts: Sequence[str], *, max_tokens: int | None = None) -> Any:
        self.calls += 1
        if self.slow:
            assert self.gate.wait(PATIENCE)
        return np.ones((len(texts), DIMENSIONS), np.float32) / np.sqrt(np.float32(DIMENSIONS))


def similar(budget: str = "20s", **fields: Any) -> Any:
    """A policy that asks the encoder, with time enough for one that has to wait for a core."""
    return a_policy(
        decisionBudget={"time": budget},
        signals=[
            {
                "name": "code",
                "similarity": {
                    "encoder": "Transformer",
                    "threshold": 0.5,
                    "labels": [{"name": "code", "examples": ["fix this"]}],
                },
            }
        ],
        rules=[{"name": "coding", "when": "signals.code.matched", "use": "all"}],
        **fields,
    )


async def test_a_chat_request_goes_to_its_pool_with_the_upstreams_model_name(tmp_path: Path) -> None:
    async with a_plane(tmp_path) as (plane, envoy):
        data = chat("hello", seed=1)
        reply = await envoy.ask(data)
        common = reply.request_body.response
        assert set_headers(common.header_mutation)["x-forebay-cluster"] == "pool/ai/small"
        assert common.body_mutation.body == data.replace(b'"auto"', b'"up/qwen"')
        assert said(reply)["replica"] == "r0"
        labels = {"policy": POLICY, "rule": "default", "strategy": "all", "pool": "ai/small", "model": "qwen"}
        assert metric(plane, "forebay_decisions_total", decided_by="DataPlane", **labels) == 1


async def test_the_model_list_is_answered_at_the_headers(tmp_path: Path) -> None:
    async with a_plane(tmp_path) as (_, envoy):
        reply = await envoy.send(headers("/v1/models", "GET", end=True))
        assert reply.immediate_response.status.code == 200
        assert [model["id"] for model in json.loads(reply.immediate_response.body)["data"]] == ["auto", "qwen"]


@pytest.mark.parametrize(
    ("messages", "status", "code"),
    [
        ([headers(end=True)], 400, "invalid_json"),
        ([headers(), body(b"")], 400, "invalid_json"),
        ([headers(), body(b'{"model": "auto"')], 400, "invalid_json"),
        ([headers(), body(b"[" * 100_000)], 400, None),
        ([headers(), body(b'{"model": "auto", "messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")], 400, None),
        ([headers(), body(b"\xff\xfe")], 400, "invalid_utf8"),
        ([headers(), body(chat(model="nobody"))], 404, "model_not_found"),
        ([headers("/v1/nothing"), body()], 404, "unknown_url"),
        ([headers("/v1/models", "DELETE", end=True)], 405, "method_not_allowed"),
        ([headers(content_type="multipart/form-data"), body()], 415, "unsupported_media_type"),
        ([headers(content_length="99999999")], 413, "request_too_large"),
    ],
)
async def test_a_bad_request_gets_an_error_object_and_the_next_one_works(
    tmp_path: Path, messages: list[Any], status: int, code: str | None
) -> None:
    async with a_plane(tmp_path) as (plane, envoy):
        answer = (await envoy.send(*messages)).immediate_response
        assert answer.status.code == status
        error = json.loads(answer.body)["error"]
        assert code is None or error["code"] == code
        assert metric(plane, "forebay_errors_total", code=error["code"]) == 1
        assert (await envoy.ask()).HasField("request_body")


async def test_a_body_of_eight_mebibytes_fits_through(tmp_path: Path) -> None:
    async with a_plane(tmp_path, {POLICY: a_policy(maxRequestBytes="9Mi")}) as (_, envoy):
        answer = (await envoy.ask(chat("word " * 1_600_000))).immediate_response
        assert json.loads(answer.body)["error"]["code"] != "request_too_large"


async def test_without_a_policy_for_the_host_the_answer_is_404(tmp_path: Path) -> None:
    policies = {POLICY: a_policy(attach={"hostnames": ["api.example.com"]})}
    async with a_plane(tmp_path, policies) as (_, envoy):
        answer = (await envoy.send(headers())).immediate_response
        assert answer.status.code == 404
        assert (await envoy.ask(host="API.example.com:443")).HasField("request_body")


async def failure(call: Any, *messages: Any, half_close: bool = False) -> grpc.StatusCode:
    """The gRPC error that a stream ends with, at the latest after these messages."""
    try:
        for message in messages:
            await call.write(message)
        if half_close:
            await call.done_writing()
        while await call.read() is not grpc.aio.EOF:
            pass
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
        # Also a write meets the end of a stream that is left at once.
        pass
    return await call.code()


async def test_a_stream_that_ends_early_is_left_with_an_error(tmp_path: Path) -> None:
    async with a_plane(tmp_path) as (plane, envoy):
        call = envoy.open()
        assert await failure(call, headers(), half_close=True) is grpc.StatusCode.CANCELLED
        assert metric(plane, "forebay_streams_failed_total", status="CANCELLED") == 1


async def test_a_body_before_its_headers_is_left_with_an_error(tmp_path: Path) -> None:
    async with a_plane(tmp_path) as (_, envoy):
        call = envoy.open()
        assert await failure(call, body()) is grpc.StatusCode.FAILED_PRECONDITION


async def test_before_the_first_configuration_nothing_is_served(tmp_path: Path) -> None:
    async with a_plane(tmp_path, configured=False) as (plane, envoy):
        health = health_pb2_grpc.HealthStub(envoy.channel)
        request = health_pb2.HealthCheckRequest(service=EXT_PROC)
        assert (await health.Check(request)).status == health_pb2.HealthCheckResponse.NOT_SERVING
        async with asyncio.timeout(PATIENCE):
            # It is left before it has said anything: a write would race with that, see `refusal`.
            assert await envoy.open().code() is grpc.StatusCode.UNAVAILABLE
        await plane.configure("r1", {POLICY: a_policy()}, POOLS)
        assert (await health.Check(request)).status == health_pb2.HealthCheckResponse.SERVING
        assert (await envoy.ask()).HasField("request_body")


async def test_a_new_configuration_is_live_for_the_next_request(tmp_path: Path) -> None:
    async with a_plane(tmp_path) as (plane, envoy):
        to_big = a_policy(strategies=[{"name": "all", "direct": {"pools": [{"name": "big"}]}}])
        assert not await plane.configure("r2", {POLICY: to_big}, POOLS)
        answer = said(await envoy.ask())
        assert (answer["pool"], answer["revision"]) == ("ai/big", "r2")


async def test_a_request_by_a_rule_that_is_about_to_be_told_waits_for_that(tmp_path: Path) -> None:
    async with a_plane(tmp_path, {POLICY: a_placed_policy(0)}) as (plane, envoy):
        asking = asyncio.create_task(envoy.send(came_by(1, headers()), body()))
        await until(lambda: plane._processor.waiting == 1)
        await plane.configure("r2", {POLICY: a_placed_policy(0)}, POOLS)
        await plane.configure("r3", {POLICY: a_placed_policy(0, 1)}, POOLS)

        assert said(await asking)["revision"] == "r3"
        assert plane._processor.waiting == 0


@pytest.mark.parametrize(("most", "seconds"), [(256, 0.01), (0, 60.0)])
async def test_a_request_waits_not_for_ever_and_not_among_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, seconds: float
) -> None:
    monkeypatch.setattr("forebay_extproc.processor.MAX_WAITING", most)
    monkeypatch.setattr("forebay_extproc.processor.TOLD_SECONDS", seconds)
    async with a_plane(tmp_path, {POLICY: a_placed_policy(0)}) as (plane, envoy):
        answer = (await envoy.send(came_by(1, headers()))).immediate_response

        assert (answer.status.code, json.loads(answer.body)["error"]["code"]) == (404, "no_policy")
        assert plane._processor.waiting == 0


async def test_a_policy_that_does_not_compile_keeps_its_last_good_version(tmp_path: Path) -> None:
    async with a_plane(tmp_path) as (plane, envoy):
        broken = a_policy(rules=[{"name": "typo", "when": "requst.model == 'x'", "use": "all"}])
        other = a_policy(attach={"hostnames": ["other"]})
        errors = await plane.configure("r2", {POLICY: broken, "ai/other": other}, POOLS)
        assert "spec.rules[0].when" in errors[POLICY]
        assert said(await envoy.ask())["policy"] == POLICY
        assert said(await envoy.ask(host="other"))["policy"] == "ai/other"


async def test_a_request_is_under_way_until_its_access_log_entry_comes(tmp_path: Path) -> None:
    async with a_plane(tmp_path) as (plane, envoy):
        decision = said(await envoy.ask())["decision-id"]
        assert metric(plane, "forebay_inflight", pool="ai/small", model="qwen") == 1
        await envoy.log(log_entry(decision, "r0", ttfb_us="300000"))
        assert metric(plane, "forebay_inflight", pool="ai/small", model="qwen") == 0
        assert metric(plane, "forebay_ttfb_seconds_sum", pool="ai/small") == pytest.approx(0.3)


async def test_an_entry_that_reaches_another_replica_finds_its_way(tmp_path: Path) -> None:
    peers = {name: f"unix:{tmp_path}/{name}.sock" for name in ("r0", "r1")}
    async with (
        a_plane(tmp_path, replica="r0", peers=peers) as (here, envoy),
        a_plane(tmp_path, replica="r1", peers=peers) as (_, elsewhere),
    ):
        decision = said(await envoy.ask())["decision-id"]
        await elsewhere.log(log_entry(decision, "r0"))
        await until(lambda: len(here.ledger) == 0)


async def test_a_report_that_is_no_report_is_refused(tmp_path: Path) -> None:
    async with a_plane(tmp_path) as (_, envoy):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await envoy.channel.unary_unary(METHOD)(b"\xc1")
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_an_encoder_past_the_budget_leaves_its_signal_unknown(tmp_path: Path) -> None:
    encoder = GatedEncoder()
    encoders = Encoders(lambda _: encoder)
    async with a_plane(tmp_path, {POLICY: similar()}, encoders=encoders) as (plane, envoy):
        assert said(await envoy.ask())["rule"] == "coding"
        encoder.slow = True
        await plane.configure("r2", {POLICY: similar("30ms")}, POOLS)
        # A text that came before would not be encoded again.
        assert said(await envoy.ask(chat("something else")))["rule"] == "default"
        await plane.configure("r3", {POLICY: similar()}, POOLS)
        # What came before is remembered, so that no encoder is waited for: it still waits for its gate.
        assert said(await envoy.ask())["rule"] == "coding"
        encoder.gate.set()
        labels = {"policy": POLICY, "signal": "code", "kind": "similarity"}
        assert metric(plane, "forebay_signals_total", result="unknown", **labels) == 1
        assert metric(plane, "forebay_work_skipped_total", reason="deadline") == 1


async def test_a_pass_that_is_begun_ahead_is_the_one_that_is_asked_for(tmp_path: Path) -> None:
    encoder = GatedEncoder()
    meaning = {"encoder": "Transformer", "threshold": 0.5, "labels": [{"name": "code", "examples": ["fix this"]}]}
    policy = a_policy(
        decisionBudget={"time": "20s"},
        signals=[{"name": "word", "keyword": {"any": ["magic"]}}, {"name": "code", "similarity": meaning}],
        rules=[{"name": "either", "when": "signals.word.matched || signals.code.matched", "use": "all"}],
    )
    encoders = Encoders(lambda _: encoder)
    async with a_plane(tmp_path, {POLICY: policy}, encoders=encoders, encoder_threads=2) as (plane, envoy):
        before = encoder.calls
        for text in ("one", "two"):
            assert said(await envoy.ask(chat(text)))["rule"] == "either"
        assert encoder.calls == before + 2
        assert metric(plane, "forebay_encoder_batch_sum") == 2


async def test_examples_are_embedded_once_over_all_configurations(tmp_path: Path) -> None:
    encoder = GatedEncoder()
    async with a_plane(tmp_path, {POLICY: similar()}, encoders=Encoders(lambda _: encoder)) as (plane, _):
        await plane.configure("r2", {POLICY: similar(), "ai/more": similar(attach={"hostnames": ["b"]})}, POOLS)
        assert encoder.calls == 1


async def test_more_decisions_than_allowed_are_refused_at_once(tmp_path: Path) -> None:
    encoder = GatedEncoder()
    async with a_plane(tmp_path, {POLICY: similar()}, encoders=Encoders(lambda _: encoder)) as (plane, envoy):
        encoder.slow = True
        plane.limit_decisions(1)
        first = asyncio.ensure_future(envoy.ask())
        await until(lambda: metric(plane, "forebay_deciding") == 1)
        answer = (await envoy.ask()).immediate_response
        assert answer.status.code == 503
        assert json.loads(answer.body)["error"]["code"] == "overloaded"
        encoder.gate.set()
        assert said(await first)["rule"] == "coding"


async def test_a_caller_who_leaves_takes_the_decision_along(tmp_path: Path) -> None:
    encoder = GatedEncoder()
    async with a_plane(tmp_path, {POLICY: similar()}, encoders=Encoders(lambda _: encoder)) as (plane, envoy):
        encoder.slow = True
        call = envoy.open()
        await call.write(headers())
        await call.read()
        await call.write(body())
        await until(lambda: metric(plane, "forebay_deciding") == 1)
        call.cancel()
        await until(lambda: metric(plane, "forebay_deciding") == 0)
        encoder.gate.set()
        assert len(plane.ledger) == 0


async def refusal(envoy: Envoy) -> grpc.StatusCode:
    """How a new stream is refused, once streams are. Nothing is written to them: a write that meets the end of its stream
    would hide the status of that behind INTERNAL."""
    for tenths in (1, 2, 4, 8, 16, 32, 64, 128):
        call = envoy.open()
        try:
            async with asyncio.timeout(tenths / 10):
                return cast("grpc.StatusCode", await call.code())
        except TimeoutError:
            call.cancel()  # it was taken on: streams were not refused yet
    raise AssertionError("streams are still taken on")


async def test_a_stop_lets_decisions_finish_and_refuses_new_streams(tmp_path: Path) -> None:
    encoder = GatedEncoder()
    async with a_plane(tmp_path, {POLICY: similar()}, encoders=Encoders(lambda _: encoder)) as (plane, envoy):
        encoder.slow = True
        first = asyncio.ensure_future(envoy.ask())
        await until(lambda: metric(plane, "forebay_deciding") == 1)
        stopping = asyncio.ensure_future(plane.stop(60.0))
        assert await refusal(envoy) in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
        encoder.gate.set()
        assert said(await first)["rule"] == "coding"
        await stopping


async def test_a_stop_does_not_wait_for_access_log_streams(tmp_path: Path) -> None:
    async with a_plane(tmp_path) as (plane, envoy):
        call = envoy.channel.stream_unary("/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs")()
        await call.write(b"")
        await envoy.ask()
        async with asyncio.timeout(PATIENCE):
            await plane.stop(2 * PATIENCE)


@pytest.mark.parametrize(("pool", "result"), [("small", "agrees"), ("big", "differs")])
async def test_a_shadow_decides_beside_and_changes_nothing(tmp_path: Path, pool: str, result: str) -> None:
    strategies = [{"name": "other", "direct": {"pools": [{"name": pool}]}}]
    shadow = a_policy(mode="Shadow", strategies=strategies, default={"use": "other"})
    async with a_plane(tmp_path, {POLICY: a_policy(), "ai/shadow": shadow}) as (plane, envoy):
        assert said(await envoy.ask())["pool"] == "ai/small"
        await until(lambda: metric(plane, "forebay_shadow_decisions_total", policy="ai/shadow", result=result) == 1)
        assert metric(plane, "forebay_inflight", pool="ai/small", model="qwen") == 1


async def test_an_address_that_is_taken_is_named(tmp_path: Path) -> None:
    async with a_plane(tmp_path, replica="r0"):
        other = DataPlane("r1")
        addresses = await other.start(("127.0.0.1:0",), "127.0.0.1", None)
        third = DataPlane("r2")
        with pytest.raises(AddressInUse, match=addresses.grpc[0]):
            await third.start(addresses.grpc, "127.0.0.1", None)
        await third.stop(0)
        await other.stop(0)


async def test_tcp_serves_as_unix_does() -> None:
    plane = DataPlane("r0")
    addresses = await plane.start(("127.0.0.1:0",), "127.0.0.1", None)
    await plane.configure("r1", {POLICY: a_policy()}, POOLS)
    async with grpc.aio.insecure_channel(addresses.grpc[0]) as channel:
        assert said(await Envoy(channel).ask())["pool"] == "ai/small"
    await plane.stop(0.5)
