"""What the bodies of all requests may take together, and what happens to those beyond."""

from __future__ import annotations

import asyncio
import random
import time
from functools import partial
from pathlib import Path

import pytest

from forebay_extproc.bodies import COPIES, LARGE_SHARE, PATIENT_SECONDS, SMALL, WIDE_COPIES, Bodies, Room, weight
from forebay_extproc.cgroup import LEAST_BYTES, UNLIMITED_BYTES, bytes_for_bodies, memory_limit
from forebay_extproc.options import parse_options

MEBI = 1 << 20
LENGTH = MEBI
"""A large body's."""


class Budget:
    """Bodies with a clock that a test turns, and what was told."""

    def __init__(self, limit: int) -> None:
        self.now = 0.0
        self.reasons: list[str] = []
        self.withdrawn: list[int] = []
        self.bodies = Bodies(limit, lambda: self.now, self.reasons.append)

    def expect(self, length: int, number: int = 0) -> Room | None:
        """As somebody who does not wait."""
        return asyncio.run(self.bodies.room(length, lambda: self.withdrawn.append(number), 0.0))

    def fill(self, most: int = 1000) -> list[Room]:
        """Rooms for large bodies until there is none."""
        found: list[Room] = []
        while len(found) < most and (room := self.expect(LENGTH, len(found))) is not None:
            found.append(room)
        return found


@pytest.fixture
def budget() -> Budget:
    return Budget(64 * MEBI)


def test_large_bodies_get_their_share_and_the_next_is_refused(budget: Budget) -> None:
    rooms = budget.fill()
    assert len(rooms) == int(64 * LARGE_SHARE) // COPIES
    assert budget.bodies.taken == len(rooms) * COPIES * LENGTH
    assert budget.reasons == ["full"]


def test_a_small_body_finds_room_where_no_large_one_does(budget: Budget) -> None:
    budget.fill()
    assert budget.expect(2048) is not None


def test_what_is_released_is_there_for_the_next(budget: Budget) -> None:
    rooms = budget.fill()
    rooms[0].release()
    rooms[0].release()
    assert budget.expect(LENGTH) is not None
    for room in rooms:
        room.release()
    assert budget.bodies.taken == COPIES * LENGTH


def test_room_for_a_body_that_does_not_come_goes_to_whoever_needs_it_the_oldest_first(budget: Budget) -> None:
    rooms = budget.fill()
    assert budget.expect(LENGTH) is None
    budget.now = PATIENT_SECONDS + 0.1
    assert budget.withdrawn == []
    assert budget.expect(LENGTH) is not None
    assert budget.withdrawn == [0]
    assert (rooms[0].withdrawn, rooms[1].withdrawn) == (True, False)
    assert budget.reasons[-1] == "late"


def test_a_body_that_has_come_keeps_its_room_however_long_it_is_read(budget: Budget) -> None:
    for room in budget.fill():
        assert room.hold(b"x" * LENGTH)
    budget.now = 1000.0
    assert budget.expect(LENGTH) is None
    assert budget.withdrawn == []


def test_nobody_loses_room_for_one_that_would_not_fit_all_the_same(budget: Budget) -> None:
    first = budget.expect(LENGTH, 0)
    for room in budget.fill():
        assert room.hold(b"x" * LENGTH)
    budget.now = PATIENT_SECONDS + 0.1
    assert budget.expect(16 * LENGTH) is None
    assert first is not None
    assert budget.withdrawn == []


def test_a_body_larger_than_the_budget_is_let_in_alone(budget: Budget) -> None:
    room = budget.expect(64 * MEBI)
    assert room is not None
    assert budget.expect(64 * MEBI) is None
    room.release()
    assert budget.expect(64 * MEBI) is not None


def test_a_body_whose_text_takes_four_bytes_a_character_counts_more_once_it_is_there(budget: Budget) -> None:
    rooms = budget.fill()
    wide = "\N{GRINNING FACE}".encode() + b"x" * (LENGTH - 4)
    assert not rooms[0].hold(wide)
    for room in rooms[1:6]:
        room.release()
    assert rooms[0].hold(wide)
    assert rooms[0].size == WIDE_COPIES * LENGTH


def test_an_escaped_character_can_be_as_wide_as_a_plain_one() -> None:
    plain = b"x" * LENGTH
    assert weight(plain) == COPIES * LENGTH
    assert weight(b"\\ud83d\\ude00" + plain) > weight(plain) * 2


async def test_who_finds_no_room_waits_for_it_in_turn() -> None:
    bodies = Bodies(64 * MEBI, time.monotonic, lambda _: None)
    rooms = [await bodies.room(24 * LENGTH // COPIES, lambda: None, 0.0) for _ in range(2)]
    assert all(rooms)
    came: list[int] = []

    async def wait(number: int) -> None:
        room = await bodies.room(24 * LENGTH // COPIES, lambda: None, 30.0)
        assert room is not None
        came.append(number)
        assert room.hold(b"{}")
        room.release()

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for number in range(200):
            group.create_task(wait(number))
        await asyncio.sleep(0.01)
        assert came == []
        # Nobody who is small waits for those.
        small = await bodies.room(2048, lambda: None, 0.0)
        assert small is not None
        small.release()
        assert rooms[0] is not None
        rooms[0].hold(b"{}")
    assert came == list(range(200))
    for room in rooms:
        assert room is not None
        room.release()
    assert (bodies.taken, bodies._large, len(bodies._awaited)) == (0, 0, 0)


async def test_who_waits_gets_room_that_others_have_kept_for_too_long() -> None:
    reasons: list[str] = []
    bodies = Bodies(64 * MEBI, time.monotonic, reasons.append)
    withdrawn: list[int] = []
    for number in range(2):
        await bodies.room(9 * LENGTH, partial(withdrawn.append, number), 0.0)
    started = time.monotonic()
    assert await bodies.room(9 * LENGTH, lambda: None, 30.0) is not None
    assert PATIENT_SECONDS * 0.9 < time.monotonic() - started < 10
    assert (withdrawn, reasons) == ([0], ["late"])


async def test_who_stops_waiting_takes_nothing_and_holds_up_nobody() -> None:
    reasons: list[str] = []
    bodies = Bodies(64 * MEBI, time.monotonic, reasons.append)
    first = await bodies.room(18 * LENGTH, lambda: None, 0.0)
    gone = asyncio.create_task(bodies.room(18 * LENGTH, lambda: None, 30.0))
    behind = asyncio.create_task(bodies.room(18 * LENGTH, lambda: None, 30.0))
    await asyncio.sleep(0.01)
    # It leaves in the very moment in which it is let in.
    assert first is not None
    first.release()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    async with asyncio.timeout(10):
        room = await behind
    assert room is not None
    assert bodies.taken == room.size
    assert await bodies.room(18 * LENGTH, lambda: None, 0.05) is None
    assert reasons == ["full"]


async def test_who_leaves_the_line_gets_nothing_of_what_is_free_by_then() -> None:
    budget = Budget(64 * MEBI)
    slow = await budget.bodies.room(18 * LENGTH, lambda: None, 0.0)
    gone = asyncio.create_task(budget.bodies.room(18 * LENGTH, lambda: None, 30.0))
    await asyncio.sleep(0.01)
    # From now on the slow one's room is anybody's, and nobody has looked yet.
    budget.now = PATIENT_SECONDS + 0.1
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert slow is not None
    assert budget.bodies.taken == slow.size


async def test_many_who_wait_take_no_time_of_the_loop() -> None:
    bodies = Bodies(64 * MEBI, time.monotonic, lambda _: None)
    held = await bodies.room(18 * LENGTH, lambda: None, 0.0)
    assert held is not None
    assert held.hold(b"x" * 18 * LENGTH)
    began = time.thread_time()
    found = await asyncio.gather(*(bodies.room(18 * LENGTH, lambda: None, 1.0) for _ in range(1000)))
    assert not any(found)
    assert time.thread_time() - began < 0.3


def test_what_is_taken_is_always_the_sum_of_what_is_held() -> None:
    chance = random.Random(7)
    budget = Budget(8 * MEBI)
    rooms: list[Room] = []
    for _ in range(5000):
        budget.now += chance.random()
        if chance.random() < 0.6 and (room := budget.expect(chance.choice((100, SMALL, LENGTH, 4 * LENGTH)))):
            rooms.append(room)
        if rooms and chance.random() < 0.5:
            room = chance.choice(rooms)
            if not room.withdrawn:
                chance.choice((lambda room: room.hold(b"x" * LENGTH), lambda room: room.answered(LENGTH)))(room)
        if rooms and chance.random() < 0.4:
            rooms.pop(chance.randrange(len(rooms))).release()
        assert budget.bodies.taken == sum(room.size for room in rooms)
        assert budget.bodies._large == sum(room.size for room in rooms if room.size > SMALL)
    for room in rooms:
        room.release()
    assert (budget.bodies.taken, budget.bodies._large, len(budget.bodies._awaited)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("groups", "files", "limit"),
    [
        ("0::/pod/container", {"pod/container/memory.max": "max", "pod/memory.max": str(512 * MEBI)}, 512 * MEBI),
        ("0::/pod/container", {"pod/container/memory.max": "1000", "memory.max": "2000"}, 1000),
        ("0::/somewhere/else", {"memory.max": str(2048 * MEBI)}, 2048 * MEBI),
        ("4:memory:/a\n3:cpuset:/", {"memory/a/memory.limit_in_bytes": "4096"}, 4096),
        ("4:memory:/a", {"memory/a/memory.limit_in_bytes": "9223372036854771712"}, None),
        ("0::/", {}, None),
    ],
)
def test_the_least_limit_of_the_control_groups_counts(
    tmp_path: Path, groups: str, files: dict[str, str], limit: int | None
) -> None:
    (tmp_path / "cgroup").write_text(groups + "\n")
    for name, text in files.items():
        (tmp_path / "mount" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mount" / name).write_text(text + "\n")
    assert memory_limit(tmp_path / "cgroup", tmp_path / "mount") == limit


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert memory_limit(tmp_path / "none", tmp_path) is None


def test_bodies_get_three_eighths_of_a_limit_and_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebay_extproc.cgroup.memory_limit", lambda: 2048 * MEBI)
    assert (bytes_for_bodies(), bytes_for_bodies(2)) == (768 * MEBI, 384 * MEBI)
    monkeypatch.setattr("forebay_extproc.cgroup.memory_limit", lambda: MEBI)
    assert bytes_for_bodies() == LEAST_BYTES
    monkeypatch.setattr("forebay_extproc.cgroup.memory_limit", lambda: None)
    assert bytes_for_bodies() == UNLIMITED_BYTES


def test_the_budget_can_be_said() -> None:
    said = ["--listen", "unix:a", "--operator", "unix:o"]
    assert parse_options([*said, "--body-memory", "1Gi"]).body_memory == 1024 * MEBI
    assert parse_options(said).body_memory >= LEAST_BYTES
