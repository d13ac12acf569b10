"""Events: of what has changed, once, and in words that the API takes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from forebay_api.status import Condition
from forebay_operator.cluster.change import Identity
from forebay_operator.cluster.connection import ApiError
from forebay_operator.cluster.events import MOST_WAITING, EventPoster, Transition, event, transitions
from forebay_operator.cluster.leading.fence import NotLeading

IDENTITY = Identity("ai", "small", "uid-1")
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def condition(text: str) -> Condition:
    """``Ready=True/Ready``."""
    type_, _, rest = text.partition("=")
    status, _, reason = rest.partition("/")
    return Condition(type_, status, reason, f"about {type_}")  # type: ignore[arg-type]


def told(before: str, now: str) -> list[str]:
    found = transitions(
        "ModelPool", IDENTITY, [condition(t) for t in before.split()], [condition(t) for t in now.split()]
    )
    return [f"{t.condition.type}={t.condition.status}/{t.condition.reason}{'!' if t.warns else ''}" for t in found]


WELL = "Ready=True/Ready Accepted=True/Accepted ResolvedRefs=True/ResolvedRefs Programmed=True/Programmed"
TABLE = [
    ("nothing new", WELL, WELL, []),
    ("a new object that is well", "", WELL, ["Ready=True/Ready"]),
    ("a new object that is refused", "", "Ready=False/NotReady Accepted=False/Invalid Stalled=True/Invalid", ["Accepted=False/Invalid!"]),
    ("a wait", WELL, "Ready=False/Pending Programmed=False/Pending", []),
    ("the end of a wait", "Ready=False/Pending Programmed=False/Pending", "Ready=True/Ready Programmed=True/Programmed", ["Ready=True/Ready", "Programmed=True/Programmed"]),
    ("a refusal by Envoy", "Ready=False/Pending Programmed=False/Pending", "Ready=False/NotReady Programmed=False/Rejected", ["Programmed=False/Rejected!"]),
    ("refused for another reason", "Accepted=False/Invalid", "Accepted=False/Conflicted", ["Accepted=False/Conflicted!"]),
    ("mended", "Accepted=False/Invalid Stalled=True/Invalid", "Accepted=True/Accepted", ["Accepted=True/Accepted"]),
    ("no endpoint is left", "Ready=True/Ready", "Ready=False/NoReadyEndpoints", ["Ready=False/NoReadyEndpoints!"]),
    ("saturated", "Saturated=False/BelowThreshold", "Saturated=True/QueueDepth", ["Saturated=True/QueueDepth!"]),
    ("not saturated any more", "Saturated=True/QueueDepth", "Saturated=False/BelowThreshold", ["Saturated=False/BelowThreshold"]),
    ("a new pool that is not saturated", "", "Saturated=False/BelowThreshold", []),
    ("load that is too old", "Saturated=False/BelowThreshold", "Saturated=Unknown/TelemetryStale", ["Saturated=Unknown/TelemetryStale!"]),
]  # fmt: skip


@pytest.mark.parametrize(("before", "now", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_transitions_are_told_and_waits_are_not(before: str, now: str, expected: list[str]) -> None:
    assert told(before, now) == expected


def test_an_event_says_which_object_of_which_incarnation_and_fits_the_api() -> None:
    long = Condition("Programmed", "False", "Rejected", "x" * 5000)
    made = event(Transition("ModelPool", Identity("ai", "n" * 253, "uid-1"), long), "operator-" + "0" * 200, NOW)
    assert made["regarding"]["uid"] == "uid-1"
    assert made["eventTime"] == "2026-01-01T12:00:00.000000Z"
    assert len(made["metadata"]["name"]) <= 253
    assert len(made["reportingInstance"]) <= 128
    assert len(made["note"]) <= 1024
    assert made["type"] == "Warning"


def test_two_events_of_one_moment_have_different_names() -> None:
    transition = Transition("ModelPool", IDENTITY, condition("Ready=True/Ready"))
    assert event(transition, "o", NOW)["metadata"]["name"] != event(transition, "o", NOW)["metadata"]["name"]


class ScriptedApi:
    def __init__(self) -> None:
        self.posted: list[str] = []
        self.failures = 0

    async def create(self, path: str, body: Mapping[str, Any]) -> Any:
        if self.failures:
            self.failures -= 1
            raise ApiError(403, "Forbidden", "namespace is being terminated")
        self.posted.append(f"{path} {body['reason']}")
        return body


async def test_one_that_is_refused_is_dropped_and_the_next_one_posted() -> None:
    api = ScriptedApi()
    api.failures = 1
    poster = EventPoster(api, "operator-0")  # type: ignore[arg-type]
    for reason in ("Invalid", "Conflicted"):
        poster.post(Transition("ModelPool", IDENTITY, condition(f"Accepted=False/{reason}")))
    running = asyncio.create_task(poster.run())
    async with asyncio.timeout(30):
        while not api.posted:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    running.cancel()
    assert api.posted == ["/apis/events.k8s.io/v1/namespaces/ai/events Conflicted"]


async def test_what_becomes_of_each_is_counted_also_where_leadership_is_lost_meanwhile() -> None:
    results: list[str] = []
    script = [ApiError(403, "Forbidden", "no"), NotLeading(), None]

    class Api:
        async def create(self, path: str, body: Mapping[str, Any]) -> Any:
            if (error := script.pop(0)) is not None:
                raise error

    poster = EventPoster(Api(), "operator-0", on_result=results.append)  # type: ignore[arg-type]
    for _ in range(3):
        poster.post(Transition("ModelPool", IDENTITY, condition("Accepted=False/Invalid")))
    running = asyncio.create_task(poster.run())
    async with asyncio.timeout(30):
        while len(results) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    running.cancel()
    assert results == ["refused", "dropped", "posted"]


def test_what_waits_is_bounded_and_what_is_dropped_is_counted() -> None:
    results: list[str] = []
    poster = EventPoster(ScriptedApi(), "operator-0", on_result=results.append)  # type: ignore[arg-type]
    for _ in range(MOST_WAITING + 3):
        poster.post(Transition("ModelPool", IDENTITY, condition("Accepted=False/Invalid")))
    assert results == ["dropped"] * 3
