"""Envoy outlives callers who send more than its memory holds."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from forebay_operator.envoy.assemble import assemble
from forebay_operator.envoy.bootstrap import bootstrap

from ..builders import inputs, policy, pool
from ..harness import Forward, Rig, free_port, wait_until

pytestmark = pytest.mark.envoy

HEAP = 200 << 20
BODY = 8 << 20


class SmallRig(Rig):
    def __init__(self) -> None:
        super().__init__()
        self.stats_port = free_port()

    def bootstrap(self) -> Path:
        path = self.folder / "bootstrap.json"
        made = bootstrap(
            operator=f"127.0.0.1:{self.ads.port}",
            admin=f"127.0.0.1:{self.admin_port}",
            node_id="test",
            heap=HEAP,
            stats=f"127.0.0.1:{self.stats_port}",
        )
        path.write_text(json.dumps(made))
        return path


@pytest.fixture(scope="module")
def rig() -> Iterator[SmallRig]:
    made = SmallRig()
    try:
        small = made.upstream()
        made.processor.decide = lambda _: Forward(cluster="pool/ai/small")
        pools = {"ai/small": pool(small.port)}
        made.start(assemble(inputs(made.port, (made.processor.address,), {"ai/p": policy("small")}, pools)))
        yield made
    finally:
        made.stop()


def test_new_requests_are_refused_before_memory_is_full_and_served_again_once_it_is_not(rig: SmallRig) -> None:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {BODY}\r\n\r\n"
    with ExitStack() as held:
        for _ in range(60):
            raw = held.enter_context(socket.create_connection(("127.0.0.1", rig.port), timeout=10))
            with suppress(OSError):  # refused before it was all sent
                raw.sendall(head.encode() + b" " * (BODY - 1))
        assert _peak(rig.pid) < 2 * HEAP, "all of them are 480 MiB"
        answer = rig.chat()
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "overloaded")
        assert httpx.get(f"http://127.0.0.1:{rig.stats_port}/live", trust_env=False).status_code == 200
        assert httpx.get(f"http://127.0.0.1:{rig.stats_port}/ready", trust_env=False).status_code == 200
    wait_until(lambda: rig.chat().status_code == 200, "requests are served again")


def _peak(pid: int) -> int:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) << 10
