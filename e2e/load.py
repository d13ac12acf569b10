"""Requests in the background while something happens: every answer is kept, so that a test can say none was lost."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import httpx

PAUSE: Final = 0.02


class Load:
    """Answers so far: status codes, and the names of exceptions; and which servers have answered, where they say so."""

    def __init__(self, ask: Callable[[], httpx.Response]) -> None:
        self._ask = ask
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.answers: Counter[str] = Counter()
        self.servers: Counter[str] = Counter()
        self.last = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(15)

    @property
    def failed(self) -> dict[str, int]:
        return {answer: count for answer, count in self.answers.items() if answer != "200"}

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                answer = self._ask()
                told = str(answer.status_code)
                if server := answer.headers.get("x-sim-server"):
                    self.servers[server] += 1
                if told != "200":
                    self.last = answer.text[:300] or f"{told} without a word"
            except httpx.HTTPError as error:
                told = type(error).__name__
            self.answers[told] += 1
            time.sleep(PAUSE)


@contextmanager
def under_load(ask: Callable[[], httpx.Response]) -> Iterator[Load]:
    """Ask again and again while the block runs."""
    load = Load(ask)
    load.start()
    try:
        yield load
    finally:
        load.stop()
