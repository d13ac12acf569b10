"""What goes wrong, one thing after the other, under a steady load; and what the load saw of it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final

import msgspec

from forebay_cli.demo.admin import retries
from forebay_cli.demo.ask import Answer, Door
from forebay_cli.demo.cases import BATCH, chat
from forebay_cli.demo.load import Count, Load, Sample, count
from forebay_cli.demo.manifests import NEW_RULE, add_rule
from forebay_cli.demo.servers import Fleet
from forebay_cli.up.supervisor import NotReady, Supervisor

SMALL: Final = "small"
QUIET_SECONDS: Final = 1.0
"""How long a state is watched once it is reached."""
PATIENCE_SECONDS: Final = 15.0
"""How long is waited for something to happen that must happen."""
LIVE_SECONDS: Final = 1.0
"""An edit has to be live within this."""
NEIGHBOURS: Final = 28
"""Requests that somebody else keeps under way on each server of the saturated pool."""
READERS: Final = 8
"""Callers who are reading a stream when their server is killed."""
TALK: Final = (
    chat("Suggest three names for a friendly grey cat."),
    chat("What should I cook for six friends tonight?", stream=True),
)
JOBS: Final = (chat("Classify this ticket: the printer is on fire.", prefix=BATCH),)
LIGHTHOUSE: Final = chat("How tall is the tallest lighthouse?")


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What happened: a title, plain sentences, the counts, and the seconds from the end of the cause (of the fault
    itself, where its cause ends by itself) to the first request that was served as before."""

    title: str
    story: tuple[str, ...]
    count: Count
    retried: int
    recovered_seconds: float | None
    mismatches: tuple[str, ...]


class Scene(msgspec.Struct, frozen=True):
    """Everything that a fault can be done to. `upstream` gives each model's own name."""

    fleet: Fleet
    supervisor: Supervisor
    door: Door
    upstream: Mapping[str, str]


class Findings:
    """What must hold and did not."""

    def __init__(self) -> None:
        self.mismatches: list[str] = []

    def require(self, holds: object, otherwise: str) -> None:
        if not holds:
            self.mismatches.append(otherwise)


def healthy(answer: Answer) -> bool:
    """Served by the first choice, as if nothing had happened."""
    return answer.status == 200 and answer.complete and answer.pool == SMALL


async def saturate(scene: Scene) -> Fault:
    """Fill the small pool's queues from elsewhere."""
    found = Findings()
    before = await retries(scene.supervisor)
    async with Load(scene.door, TALK) as load:
        await load.first(0.0, healthy, PATIENCE_SECONDS)
        began = time.monotonic()
        async with _neighbours(scene):
            moved = await load.first(began, _left_out("saturated"), PATIENCE_SECONDS)
            await asyncio.sleep(QUIET_SECONDS)
        eased = time.monotonic()
        back = await load.first(eased, healthy, PATIENCE_SECONDS)
    found.require(moved, "no request was rerouted with the reason `saturated`")
    found.require(back, "the small pool was not used again")
    tally = count(load.samples, SMALL)
    found.require(tally.failed == 0, f"{tally.failed} requests failed while the pool was saturated{_why(load.samples)}")
    story = [f"{2 * NEIGHBOURS} requests of somebody else fill the queues of both small servers, past queueDepth 4."]
    if moved is not None:
        story.append(
            f"The operator read it in the servers' metrics; {moved.answer.ended - began:.1f} s later the first request "
            f"was answered by {moved.answer.pool}, because: {_left(moved.answer)}."
        )
    return _told("a pool is saturated", story, tally, await retries(scene.supervisor) - before, eased, back, found)


async def kill_one(scene: Scene) -> Fault:
    """Kill one of the two small servers while callers read streams from it."""
    found = Findings()
    before = await retries(scene.supervisor)
    victim = scene.fleet.of(SMALL)[0].name
    async with Load(scene.door, TALK) as load:
        await load.first(0.0, healthy, PATIENCE_SECONDS)
        for _ in range(READERS):
            load.send(TALK[1])
        await asyncio.sleep(0.1)
        await scene.fleet.kill(victim)
        killed = time.monotonic()
        await load.first(killed, healthy, PATIENCE_SECONDS)
        await asyncio.sleep(QUIET_SECONDS)
        await scene.fleet.revive(victim)
        revived = time.monotonic()
        back = await load.first(revived, lambda answer: healthy(answer) and answer.server == victim, PATIENCE_SECONDS)
    tally = count(load.samples, SMALL)
    found.require(tally.failed == 0, f"{tally.failed} requests that had received no byte failed{_why(load.samples)}")
    found.require(back, f"{victim} was not used again after its restart")
    story = [
        f"{victim} is killed (SIGKILL) while {READERS} callers and the steady load read from both servers.",
        "Whoever had received no byte yet was asked again at the other server and noticed nothing.",
        f"{tally.broken} streams were cut short and told their callers so: half an answer cannot be taken back.",
    ]
    retried = await retries(scene.supervisor) - before
    return _told("a server is killed", story, tally, retried, revived, back, found)


async def kill_pool(scene: Scene) -> Fault:
    """Kill both small servers."""
    found = Findings()
    before = await retries(scene.supervisor)
    victims = [server.name for server in scene.fleet.of(SMALL)]
    async with Load(scene.door, TALK) as load:
        await load.first(0.0, healthy, PATIENCE_SECONDS)
        await scene.fleet.kill(*victims)
        killed = time.monotonic()
        moved = await load.first(killed, _left_out("no endpoint is ready"), PATIENCE_SECONDS)
        await asyncio.sleep(QUIET_SECONDS)
        await scene.fleet.revive(*victims)
        revived = time.monotonic()
        back = await load.first(revived, healthy, PATIENCE_SECONDS)
    tally = count(load.samples, SMALL)
    found.require(moved, "no request was rerouted with the reason `no endpoint is ready`")
    found.require(tally.failed == 0, f"{tally.failed} requests that had received no byte failed{_why(load.samples)}")
    found.require(back, "the small pool was not used again after its restart")
    walked = sum(s.answer.pool == "large" and not _left_out("")(s.answer) for s in load.samples if s.fate == "ok")
    story = [
        "Both small servers are killed.",
        f"{walked} requests were still sent there: Envoy walked on to the next pool of the strategy, with that pool's "
        "own model name in the body.",
    ]
    if moved is not None:
        story.append(
            f"After {moved.answer.started - killed:.1f} s decisions leave the pool out: {_left(moved.answer)}."
        )
    retried = await retries(scene.supervisor) - before
    return _told("a whole pool is killed", story, tally, retried, revived, back, found)


async def kill_data_plane(scene: Scene) -> Fault:
    """Kill every data-plane worker at once."""
    found = Findings()
    before = await retries(scene.supervisor)
    async with Load(scene.door, (TALK[0], JOBS[0])) as load:
        await load.first(0.0, healthy, PATIENCE_SECONDS)
        for worker in scene.supervisor.workers:
            worker.signal(signal.SIGKILL)
        killed = time.monotonic()
        refused = await load.first(killed, lambda answer: answer.status == 503, PATIENCE_SECONDS)
        since = refused.answer.started if refused else killed
        back = await load.first(since, healthy_door, PATIENCE_SECONDS)
        await asyncio.sleep(QUIET_SECONDS / 2)
    at_door = [s for s in load.samples if not s.request.prefix]
    at_batch = [s for s in load.samples if s.request.prefix]
    tally = count(load.samples, SMALL)
    bypassed = [s.answer for s in at_batch if s.answer.decided.get("decision") == "bypassed"]
    turned_away = [s.answer for s in at_door if s.fate == "failed"]
    found.require(bypassed, "no request at /batch was answered by the bypass")
    found.require(
        all(s.fate == "ok" for s in at_batch), f"requests at {BATCH} failed although it has failOpen{_why(at_batch)}"
    )
    found.require(turned_away, "no request at / was refused, so the data plane was hardly dead")
    found.require(
        all(answer.status == 503 and answer.code for answer in turned_away),
        f"an error at / was no 503 with an OpenAI-style error object{_why(at_door)}",
    )
    found.require(back, "the data plane did not come back")
    found.require(await _live_again(scene), "the configuration was not live again after the restart")
    code = turned_away[0].code if turned_away else "-"
    story = [
        "Both data-plane workers are killed; `forebay up` starts them again.",
        f"{len(bypassed)} jobs at {BATCH} were answered meanwhile: its policy refuses nothing, so it says failOpen, and "
        "Envoy wrote the model into the body by itself (x-forebay-decision: bypassed).",
        f"{len(turned_away)} requests at / got 503 ({code}): a policy with a reject rule never lets a request past it.",
    ]
    tally = msgspec.structs.replace(tally, rerouted=0)
    retried = await retries(scene.supervisor) - before
    return _told("the data plane is killed", story, tally, retried, killed, back, found)


async def edit_policy(scene: Scene) -> Fault:
    """Add a rule to the policy's file."""
    found = Findings()
    before = await retries(scene.supervisor)
    async with Load(scene.door, TALK) as load:
        await load.first(0.0, healthy, PATIENCE_SECONDS)
        add_rule(scene.supervisor.plan.directory)
        written = time.monotonic()
        live = None
        while live is None and time.monotonic() - written < PATIENCE_SECONDS:
            load.send(LIGHTHOUSE)
            live = await load.first(written, _by_rule(NEW_RULE), 0.05)
        await asyncio.sleep(QUIET_SECONDS)
    tally = count(load.samples, SMALL)
    took = live.answer.first_byte - written if live is not None and live.answer.first_byte is not None else None
    found.require(took is not None and took <= LIVE_SECONDS, f"the new rule was not live within {LIVE_SECONDS:g} s")
    found.require(tally.failed == 0, f"{tally.failed} requests failed during the edit{_why(load.samples)}")
    found.require(await _live_again(scene), "not every replica has acknowledged the edit")
    stale = [s for s in load.samples if s.request is LIGHTHOUSE and live and s.answer.started > live.answer.ended]
    found.require(all(_by_rule(NEW_RULE)(s.answer) for s in stale), "a worker still decided by the old policy")
    story = [f"The rule {NEW_RULE} is written into assistant.yaml."]
    if took is not None:
        story.append(f"{1000 * took:.0f} ms after the save a request was decided by it, in Envoy and both workers.")
    retried = await retries(scene.supervisor) - before
    fault = _told("the policy is edited", story, tally, retried, written, None, found)
    return msgspec.structs.replace(fault, recovered_seconds=took, count=msgspec.structs.replace(tally, rerouted=0))


def healthy_door(answer: Answer) -> bool:
    """Decided by the data plane and answered."""
    return (
        answer.status == 200 and answer.decided.get("decision") == "DataPlane" and "default" in answer.decided["rule"]
    )


def _told(
    title: str,
    story: list[str],
    tally: Count,
    retried: int,
    since: float,
    back: Sample | None,
    found: Findings,
) -> Fault:
    found.require(tally.silent == 0, f"{tally.silent} streams ended short without telling the caller")
    return Fault(
        title=title,
        story=tuple(story),
        count=tally,
        retried=retried,
        recovered_seconds=None if back is None else max(0.0, (back.answer.first_byte or back.answer.ended) - since),
        mismatches=tuple(found.mismatches),
    )


def _left_out(because: str) -> Callable[[Answer], bool]:
    """Whether an answer's reason says that the small pool was left out, and why."""

    def wanted(answer: Answer) -> bool:
        reason = answer.decided.get("reason", "")
        return answer.status == 200 and f"{SMALL} left out" in reason and because in reason

    return wanted


def _left(answer: Answer) -> str:
    """Of the reason, what it says of the pool that was left out."""
    return answer.decided.get("reason", "").partition("; ")[2] or answer.decided.get("reason", "")


def _by_rule(rule: str) -> Callable[[Answer], bool]:
    return lambda answer: answer.decided.get("rule") == rule


def _why(samples: list[Sample]) -> str:
    """What the first failed request was told."""
    for sample in samples:
        if sample.fate == "failed":
            answer = sample.answer
            return f"; the first: {answer.status or 'no status'} {answer.code} {answer.said}"[:300]
    return ""


async def _live_again(scene: Scene) -> bool:
    try:
        await scene.supervisor.wait_programmed(PATIENCE_SECONDS)
    except NotReady:
        return False
    return True


@contextlib.asynccontextmanager
async def _neighbours(scene: Scene) -> AsyncIterator[None]:
    """Somebody else's jobs on both small servers, past Forebay, as a shared cluster has them."""
    request = chat("Somebody else's long job.", model=scene.upstream["qwen-small"])

    async def press(door: Door) -> None:
        while True:
            answer = await door.ask(request)
            if answer.status != 200:
                await asyncio.sleep(0.05)

    doors = [Door(scene.fleet.url(server.name)) for server in scene.fleet.of(SMALL)]
    tasks = [asyncio.create_task(press(door)) for door in doors for _ in range(NEIGHBOURS)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(door.close() for door in doors))


FAULTS: Final[tuple[Callable[[Scene], Awaitable[Fault]], ...]] = (
    saturate,
    kill_one,
    kill_pool,
    kill_data_plane,
    edit_policy,
)
"""In this order: each leaves behind what the next one needs."""
