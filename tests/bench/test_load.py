"""The load generator and the upstream agree with each other, and failures are seen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from bodies import BODIES
from load import Outcome
from service import Service

HERE = Path(__file__).parent
SECONDS = 1.0


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory):
    service = Service(
        "upstream",
        [sys.executable, str(HERE / "upstream.py"), "--port", "0"],
        tmp_path_factory.mktemp("upstream") / "log",
    )
    try:
        service.wait_until(lambda: "\n" in service.output(), 60)
        yield int(service.output())
    finally:
        service.stop()


def run(port: int, body: str, connections: int, expect: str, folder: Path) -> Outcome:
    path = folder / "body.json"
    path.write_bytes(BODIES[body])
    argv = [sys.executable, str(HERE / "load.py"), "--address", f"127.0.0.1:{port}", "--body", str(path)]
    argv += ["--connections", str(connections), "--warm-up", "0.05", "--seconds", str(SECONDS), "--expect", expect]
    done = subprocess.run(argv, capture_output=True, timeout=60, check=True)
    return msgspec.json.decode(done.stdout, type=Outcome)


@pytest.mark.parametrize(("body", "expect"), [("chat", '"choices"'), ("chat-stream", "[DONE]"), ("large", '"choices"')])
def test_every_request_is_answered_plain_streamed_and_large(port: int, body: str, expect: str, tmp_path: Path) -> None:
    outcome = run(port, body, 4, expect, tmp_path)
    assert outcome.failed == 0
    assert outcome.requests > 0
    assert outcome.total >= outcome.requests
    assert 0 < outcome.p50 <= outcome.p95 <= outcome.p99


def test_answers_without_the_expected_text_are_failures(port: int, tmp_path: Path) -> None:
    outcome = run(port, "chat", 1, "[DONE]", tmp_path)
    assert outcome.failures == {"an answer lacks the expected text": outcome.failed}
    assert outcome.requests == 0


@pytest.mark.parametrize(("body", "size"), [("chat", 1024), ("named-stream", 1024), ("large", 200_000)])
def test_bodies_have_the_size_that_their_names_promise(body: str, size: int) -> None:
    assert len(BODIES[body]) == size
