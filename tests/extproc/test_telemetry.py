"""Metrics with bounded labels, the port they are read on, and log lines."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import threading
from collections.abc import AsyncIterator

import pytest
from streams import POLICY, a_config, a_policy, until

from forebay_decision.record import DecisionRecord, SignalRecord
from forebay_extproc.telemetry.exposition import Exposition
from forebay_extproc.telemetry.logs import DECISIONS, JsonLines
from forebay_extproc.telemetry.metrics import MAX_CODES, Metrics
from forebay_extproc.telemetry.tallies import Distribution, Tally
from forebay_extproc.telemetry.vocabulary import Vocabulary, words_of
from forebay_transport import exposition


def samples(part: Tally | Distribution) -> dict[tuple[str, ...], float]:
    return {(sample.name, *sample.labels.values()): sample.value for sample in part.collect().samples}


def test_a_word_that_no_configuration_names_is_counted_as_other() -> None:
    tally = Tally("t", "", ("pool",), Vocabulary(["small"]))
    for pool in ("small", "made-up-1", "made-up-2", "small"):
        tally.add((pool,))
    assert samples(tally) == {("t_total", "small"): 2, ("t_total", "other"): 2}


def test_a_histogram_counts_up_to_each_bound() -> None:
    distribution = Distribution("d", "", (), Vocabulary(), (0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 3.0):
        distribution.observe((), value)
    found = samples(distribution)
    assert (found["d_bucket", "0.1"], found["d_bucket", "1.0"], found["d_bucket", "+Inf"]) == (2, 3, 4)
    assert found["d_sum",] == pytest.approx(3.65)


def test_error_codes_are_bounded_too() -> None:
    metrics = Metrics()
    for number in range(MAX_CODES + 50):
        metrics.error(f"code-{number}")
    assert metrics.registry.get_sample_value("forebay_errors_total", {"code": "other"}) is not None
    assert metrics.registry.get_sample_value("forebay_errors_total", {"code": "code-0"}) == 1


@pytest.mark.parametrize(
    ("record", "result"),
    [
        (SignalRecord(matched=True), "matched"),
        (SignalRecord(matched=False), "unmatched"),
        (SignalRecord(values={"turns": 1}), "measured"),
        (SignalRecord(unknown="deadline"), "unknown"),
    ],
)
def test_a_signal_is_counted_by_what_came_of_it(record: SignalRecord, result: str) -> None:
    spec = a_policy(signals=[{"name": "shape", "structure": {}}])
    policy = a_config({POLICY: spec}).policies[POLICY]
    metrics = Metrics()
    metrics.vocabulary.learn(words_of({POLICY: spec}, {}))
    decision = DecisionRecord(
        id="d", policy=POLICY, revision="r", mode="Enforce", decided_by="DataPlane", rule="default",
        signals={"shape": record},
    )  # fmt: skip
    metrics.decision(decision, policy, 0.001)
    labels = {"policy": POLICY, "signal": "shape", "kind": "structure", "result": result}
    assert metrics.registry.get_sample_value("forebay_signals_total", labels) == 1


class Port:
    def __init__(self) -> None:
        self.why_not = ""
        self.metrics = Metrics()
        self.exposition = Exposition(self.metrics.registry, lambda: self.why_not)
        self.number = 0

    async def get(self, request: str) -> tuple[str, str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.number)
        writer.write(f"{request} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        return head.splitlines()[0].removeprefix("HTTP/1.1 "), body


@pytest.fixture
async def port() -> AsyncIterator[Port]:
    port = Port()
    port.number = await port.exposition.start("127.0.0.1", 0)
    yield port
    await port.exposition.stop()


async def test_metrics_are_served_as_prometheus_text(port: Port) -> None:
    port.metrics.error("no_policy")
    status, body = await port.get("GET /metrics")
    assert status == "200 OK"
    assert 'forebay_errors_total{code="no_policy"} 1.0' in body
    assert "forebay_build_info" in body


async def test_ready_says_why_not(port: Port) -> None:
    port.why_not = "no configuration yet"
    assert await port.get("GET /readyz") == ("503 Service Unavailable", "no configuration yet\n")
    port.why_not = ""
    assert await port.get("GET /readyz?verbose") == ("200 OK", "ok\n")


async def test_health_says_that_the_loop_turns(port: Port) -> None:
    assert await port.get("GET /healthz") == ("200 OK", "ok\n")


async def test_other_paths_and_methods_are_refused(port: Port) -> None:
    assert (await port.get("GET /"))[0] == "404 Not Found"
    assert (await port.get("POST /metrics"))[0] == "405 Method Not Allowed"


async def test_head_has_no_body(port: Port) -> None:
    assert await port.get("HEAD /healthz") == ("200 OK", "")


async def test_a_request_without_end_does_not_disturb_the_next(port: Port) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port.number)
    writer.write(b"GET /metr")
    writer.close()
    await writer.wait_closed()
    assert (await port.get("GET /healthz"))[0] == "200 OK"


async def test_of_too_many_at_once_the_one_that_has_been_silent_for_longest_gives_way(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exposition, "MAX_CONNECTIONS", 2)
    monkeypatch.setattr(exposition, "HEAD_SECONDS", 60.0)
    idle = [await asyncio.open_connection("127.0.0.1", port.number) for _ in range(3)]
    with contextlib.suppress(ConnectionError):
        assert await idle[0][0].read() == b""
    idle[2][1].write(b"GET /healthz HTTP/1.1\r\n\r\n")
    assert (await idle[2][0].read()).startswith(b"HTTP/1.1 200")
    assert port.exposition.connections == 1
    for _, each in idle:
        each.transport.abort()
    await until(lambda: port.exposition.connections == 0)
    assert (await port.get("GET /healthz"))[0] == "200 OK"


async def test_who_says_nothing_or_little_at_a_time_is_left(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposition, "HEAD_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port.number)

    async def drip() -> None:
        for byte in b"GET /healthz HTTP/1.1":
            writer.write(bytes([byte]))
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    dripping.cancel()
    await until(lambda: port.exposition.connections == 0)
    writer.close()


async def test_who_does_not_read_the_answer_keeps_nobody_out(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposition, "MAX_CONNECTIONS", 8)
    greedy = [await asyncio.open_connection("127.0.0.1", port.number, limit=1) for _ in range(50)]
    for _, writer in greedy:
        writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
    for _ in range(5):
        assert (await port.get("GET /healthz"))[0] == "200 OK"
    for _, writer in greedy:
        writer.transport.abort()


async def test_a_page_is_rendered_once_for_all_who_ask_meanwhile(port: Port) -> None:
    rendered = 0
    gate = threading.Event()

    def render() -> tuple[str, bytes]:
        nonlocal rendered
        rendered += 1
        assert gate.wait(30)
        return "text/plain", b"x 1\n"

    port.exposition._page = lambda: render
    asked = [asyncio.create_task(port.get("GET /metrics")) for _ in range(5)]
    await until(lambda: port.exposition.connections == 5 and rendered == 1)
    gate.set()
    assert await asyncio.gather(*asked) == [("200 OK", "x 1\n")] * 5
    assert rendered == 1


def test_a_log_line_is_one_json_object() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("forebay.test.lines")
    logger.addHandler(handler)
    logger.warning("policy refused", extra={"policy": "ai/p", "count": 2})
    line = json.loads(stream.getvalue())
    assert {key: line[key] for key in ("level", "event", "policy", "count")} == {
        "level": "warning",
        "event": "policy refused",
        "policy": "ai/p",
        "count": 2,
    }


def test_decisions_are_not_logged_unless_asked_for() -> None:
    assert not DECISIONS.isEnabledFor(logging.INFO)


def test_results_that_came_back_together_are_counted() -> None:
    metrics = Metrics()
    for results in (1, 1, 5):
        metrics.returned(results)
    value = metrics.registry.get_sample_value
    assert value("forebay_encoder_batch_bucket", {"le": "1"}) == 2
    assert (value("forebay_encoder_batch_count"), value("forebay_encoder_batch_sum")) == (3, 7)
