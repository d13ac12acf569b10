"""Work: how the core asks its driver to compute something, and hears that it was not done.

Routing is a generator. It yields a Work and is sent the result of ``run()`` or a Skipped. Who runs it, where and until
when is the driver's business, so that the core has no thread, queue or clock of its own.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import ClassVar, Protocol, TypeVar

import msgspec

T = TypeVar("T")


class Work(Protocol):
    """A pure computation. `expected_seconds` is an estimate for this input; `inline` says that it is cheap enough to be
    run where it is asked for (tens of microseconds), otherwise it belongs on an executor. `run` holds no locks and may
    run on any thread. Work whose result depends on its input alone may have a `key`: equal keys, equal results."""

    @property
    def label(self) -> str: ...
    @property
    def inline(self) -> bool: ...
    @property
    def expected_seconds(self) -> float: ...
    def run(self) -> object: ...


class Ahead(msgspec.Struct, frozen=True):
    """Work with a key that this request will ask for if it is like most of its `group`. A driver with a thread to spare may
    begin it and send True at once; whoever just runs it, does nothing."""

    group: str
    work: Work

    label: ClassVar[str] = "ahead"
    inline: ClassVar[bool] = True
    expected_seconds: ClassVar[float] = 0.0

    def run(self) -> None:
        """Nothing: the work is asked for when it is needed."""


class Skipped(msgspec.Struct, frozen=True):
    """Sent back in place of a result: why there is none."""

    reason: str


def run_inline(steps: Generator[Work, object, T]) -> T:
    """Run every unit of work on the spot, whatever it costs: for `explain`, tests and offline replay."""
    result: object = None
    while True:
        try:
            work = steps.send(result)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        result = work.run()
