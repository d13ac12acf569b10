"""Several data-plane workers: one that dies is left out at once, and nobody's request fails for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from forebay_operator.envoy.assemble import assemble

from ..builders import inputs, policy, pool
from ..harness import Forward, Rig, running_rig, wait_until

pytestmark = pytest.mark.envoy


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with running_rig(workers=2) as rig:
        small = rig.upstream()
        made = inputs(
            rig.port,
            tuple(worker.address for worker in rig.workers),
            {"ai/p": policy("small")},
            {"ai/small": pool(small.port)},
        )
        rig.start(assemble(made))
        for worker in rig.workers:
            worker.decide = lambda _: Forward(cluster="pool/ai/small")
        yield rig


class Load:
    """Clients that ask without a pause; `statuses` counts what they heard."""

    def __init__(self, rig: Rig, clients: int = 4) -> None:
        self.statuses: list[int] = []
        self._url = f"http://127.0.0.1:{rig.port}/v1/chat/completions"
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def served(self, more: int) -> None:
        goal = len(self.statuses) + more
        wait_until(lambda: len(self.statuses) >= goal, f"{more} more requests")

    def _ask(self) -> None:
        with httpx.Client(timeout=60, trust_env=False) as client:
            while not self._over.is_set():
                self.statuses.append(client.post(self._url, json={"model": "auto"}).status_code)
                time.sleep(0.005)


def healthy(rig: Rig) -> int:
    return next(iter(rig.stats(r"cluster\.data-plane\.membership_healthy$").values()))


def test_both_workers_are_asked(rig: Rig) -> None:
    for _ in range(30):
        assert rig.chat().status_code == 200
    assert all(worker.streams for worker in rig.workers)


def test_a_worker_that_is_gone_costs_no_request_and_comes_back(rig: Rig) -> None:
    """Requests that were with the worker when it left had their answers: it stops as ours does, in-flight first."""
    with Load(rig) as load:
        load.served(50)
        rig.workers[1].stop(grace=1)
        load.served(200)
        wait_until(lambda: healthy(rig) == 1, "one worker left")
        asked = rig.workers[1].streams
        rig.workers[1].start()
        wait_until(lambda: rig.workers[1].streams > asked, "the worker is asked again")
    assert set(load.statuses) == {200}


def test_access_log_entries_keep_coming_from_whoever_is_left(rig: Rig) -> None:
    rig.workers[0].stop()
    logs = rig.workers[1].logs
    before = len(logs)

    def logged() -> bool:
        rig.chat()
        return len(logs) > before

    wait_until(logged, "entries at the other worker")
    rig.workers[0].start()
