"""Bodies too large, compressed, or broken; and that Envoy words only its own errors."""

from __future__ import annotations

import gzip
import os
import socket
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from forebay_operator.envoy.assemble import assemble
from forebay_operator.envoy.attachment import EDIT_ROOM

from ..builders import inputs, policy, pool
from ..harness import Forward, Immediate, Rig, Upstream, running_rig

pytestmark = pytest.mark.envoy

LIMIT = 1 << 20
GZIP = {"content-encoding": "gzip"}


@pytest.fixture(scope="module")
def started() -> Iterator[Rig]:
    with running_rig() as rig:
        small = rig.upstream()
        made = inputs(
            rig.port,
            (rig.processor.address,),
            {
                "ai/p": policy("small", maxRequestBytes="1Mi"),
            },
            {"ai/small": pool(small.port)},
        )
        rig.start(assemble(made))
        yield rig


@pytest.fixture
def rig(started: Rig) -> Rig:
    started.reset()
    started.processor.decide = lambda _: Forward(cluster="pool/ai/small")
    return started


@pytest.fixture
def small(started: Rig) -> Upstream:
    return started.upstreams[0]


def is_too_large(rig: Rig, body: bytes, **options: object) -> bool:
    answer = rig.chat(body, **options)
    assert not rig.processor.asked or answer.status_code == 200
    if answer.status_code == 200:
        return False
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
    assert answer.headers["content-type"] == "application/json"
    assert rig.chat().status_code == 200
    return True


def test_a_body_at_the_limit_passes_and_one_well_over_it_does_not_reach_the_data_plane(
    rig: Rig, small: Upstream
) -> None:
    assert not is_too_large(rig, b" " * LIMIT)
    assert len(small.last.body) == LIMIT
    rig.processor.asked.clear()
    assert is_too_large(rig, b" " * (LIMIT + EDIT_ROOM + 1))


def test_a_gzip_body_arrives_inflated_everywhere(rig: Rig, small: Upstream) -> None:
    body = b'{"model":"auto"}' + os.urandom(200_000).hex().encode()
    assert rig.chat(gzip.compress(body), headers=GZIP).status_code == 200
    assert rig.processor.asked[0].body == small.last.body == body
    assert "content-encoding" not in rig.processor.asked[0].headers


def test_the_limit_counts_inflated_bytes(rig: Rig) -> None:
    assert is_too_large(rig, gzip.compress(os.urandom(LIMIT).hex().encode()), headers=GZIP)


def test_a_gzip_bomb_is_refused_fast_within_bounded_memory(rig: Rig) -> None:
    """Ten gigabytes in ten megabytes: at most a few hundred megabytes of Envoy's memory, whatever arrives at once."""
    squeeze, zeros = zlib.compressobj(9, zlib.DEFLATED, 31), bytes(1 << 24)
    # Full flushes make equal blocks, so that one of them can be repeated instead of compressed 640 times.
    head, block = (squeeze.compress(zeros) + squeeze.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    bomb = head + block * 639
    before = _resident(rig.pid)
    with socket.create_connection(("127.0.0.1", rig.port), timeout=60) as raw:
        lines = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-encoding: gzip\r\ncontent-type: application/json\r\ncontent-length: {len(bomb)}\r\n\r\n"
        raw.sendall(lines.encode())
        with suppress(OSError):  # refused before it was all sent
            raw.sendall(bomb)
        answer = raw.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413")
    assert _peak(rig.pid) - before < 300 << 20
    assert rig.chat().status_code == 200


def _resident(pid: int) -> int:
    return _status(pid, "VmRSS")


def _peak(pid: int) -> int:
    return _status(pid, "VmHWM")


def _status(pid: int, key: str) -> int:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) << 10


@pytest.mark.parametrize(
    "broken",
    [b"garbage", gzip.compress(os.urandom(5000), mtime=0)[:4000], gzip.compress(b" " * 500_000, mtime=0)],
    ids=["garbage", "truncated", "inflating a thousandfold"],
)
def test_broken_gzip_reaches_the_data_plane_as_what_could_be_inflated(rig: Rig, broken: bytes) -> None:
    """Envoy does not fail on it, so the data plane judges: what is left is no JSON."""
    rig.chat(broken, headers=GZIP)
    assert len(rig.processor.asked) == 1
    assert len(rig.processor.asked[0].body) < 100_000
    assert rig.chat().status_code == 200


def test_an_encoding_that_envoy_does_not_know_is_the_data_planes_to_judge(rig: Rig) -> None:
    rig.processor.decide = lambda _: Immediate(415, b"{}")
    assert rig.chat(b"something", headers={"content-encoding": "zstd"}).status_code == 415
    assert rig.processor.asked[0].headers["content-encoding"] == "zstd"
    assert rig.processor.asked[0].body == b"something"


@pytest.mark.parametrize("status", [400, 403, 404, 413, 429, 503, 504, 200])
def test_what_the_data_plane_answers_is_left_alone(rig: Rig, status: int) -> None:
    rig.processor.decide = lambda _: Immediate(status, b"data: mine\n\n", {"content-type": "text/event-stream"})
    answer = rig.chat()
    assert (answer.status_code, answer.content) == (status, b"data: mine\n\n")
    assert answer.headers["content-type"] == "text/event-stream"


def test_a_body_that_the_data_plane_changes_arrives_changed(rig: Rig, small: Upstream) -> None:
    rig.processor.decide = lambda asked: Forward(cluster="pool/ai/small", body=asked.body + b" " * 5000)
    assert rig.chat(b" " * (LIMIT - 10)).status_code == 200
    assert len(small.last.body) == LIMIT + 4990


def test_a_decision_without_a_cluster_is_an_error_object(rig: Rig) -> None:
    rig.processor.decide = lambda _: Forward(cluster="")
    answer = rig.chat()
    assert (answer.status_code, answer.json()["error"]["type"]) == (503, "service_unavailable_error")


def test_headers_too_large_are_an_error_object(rig: Rig) -> None:
    answer = rig.chat(headers={f"x-{n}": "y" * 8000 for n in range(10)})
    assert answer.status_code == 431


def test_http_1_0_is_an_error_object(rig: Rig) -> None:
    with socket.create_connection(("127.0.0.1", rig.port), timeout=10) as raw:
        raw.sendall(b"GET /v1/models HTTP/1.0\r\n\r\n")
        answer = raw.recv(4096)
    assert answer.startswith(b"HTTP/1.1 426")
    assert b'"code":"http_version"' in answer


def test_a_request_without_a_body_is_decided_on_its_headers(rig: Rig, small: Upstream) -> None:
    assert rig.client.get("/v1/models").status_code == 200
    assert small.last.path == "/v1/models"
