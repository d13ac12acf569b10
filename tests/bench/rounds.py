"""The rounds: each system started once, each cell measured once a round, in an order that turns from round to round."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec
from bodies import BODIES
from encoder_time import Timing
from load import Outcome
from proc import busy_seconds, cpu_seconds
from results import Results, Sample, omission
from settings import Pace
from systems import HERE, System, Workplace, ask
from variants import VARIANTS, Cell, system_name

GENERATOR_SECONDS: Final = 60.0
ENCODER_SHARE: Final = 0.2
"""Of a cell's seconds, for each text that the encoders are timed on."""
WARM_UP_REQUESTS: Final = 50


class Clock(msgspec.Struct, frozen=True):
    """Times in seconds: the wall's, and CPU time by role, of the upstream, and of the whole machine."""

    wall: float
    roles: dict[str, float]
    upstream: float
    machine: float

    @classmethod
    def read(cls, system: System, place: Workplace) -> Clock:
        return cls(time.monotonic(), system.cpu_seconds(), cpu_seconds([place.upstream.pid]), busy_seconds())

    def since(self, system: System, place: Workplace) -> Clock:
        """What has passed."""
        now = Clock.read(system, place)
        roles = {role: seconds - self.roles.get(role, 0.0) for role, seconds in now.roles.items()}
        return Clock(now.wall - self.wall, roles, now.upstream - self.upstream, now.machine - self.machine)

    def others(self, generator: float) -> float:
        """The share of the machine that nobody here used. The kernel's own work on our packets is among it."""
        ours = sum(self.roles.values()) + self.upstream + generator
        return max(0.0, self.machine - ours) / (self.wall * len(os.sched_getaffinity(0)))


def run_rounds(
    results: Results,
    cells: list[Cell],
    systems: Mapping[str, System],
    place: Workplace,
    say: Callable[[str], None],
) -> None:
    """Fills `results`. Cells whose system is missing are left out."""
    rounds, pace = results.settings.rounds, results.settings.pace
    bodies = _write_bodies(place.folder)
    present = [cell for cell in cells if system_name(cell) in systems]
    encoders = any(cell.variant == "static" or cell.variant.startswith("minilm") for cell in present)
    for cell in dict.fromkeys(_first_of_each(present)):
        _warm(cell, systems[system_name(cell)], results, say)
    present = [cell for cell in present if omission(cell) not in results.missing]
    began = time.monotonic()
    done, total = 0, rounds * len(present)
    for number in range(1, rounds + 1):
        if encoders:
            results.encoders[number] = _time_encoders(pace.seconds * ENCODER_SHARE)
        # Each round begins elsewhere, so that no variant always follows the same pause.
        offset = (number - 1) * len(present) // rounds
        for cell in [*present[offset:], *present[:offset]]:
            sample = _measure(cell, number, systems[system_name(cell)], bodies, pace, place)
            results.samples.append(sample)
            done += 1
            left = (time.monotonic() - began) / done * (total - done)
            say(f"[{done}/{total}, {left:.0f} s left] round {number}: {_line(sample)}")


def _measure(
    cell: Cell, number: int, system: System, bodies: Mapping[str, Path], pace: Pace, place: Workplace
) -> Sample:
    variant = VARIANTS[cell.variant]
    body = bodies[f"{variant.body}-stream" if cell.stream else variant.body]
    argv = [sys.executable, str(HERE / "load.py"), "--address", f"127.0.0.1:{system.port}", "--body", str(body)]
    argv += ["--host", variant.host or "localhost", "--connections", str(cell.connections)]
    argv += ["--warm-up", str(pace.warm_up), "--seconds", str(pace.seconds)]
    argv += ["--expect", "[DONE]" if cell.stream else '"choices"']
    if variant.rule:
        argv += ["--expect", f"x-forebay-rule: {variant.rule}\r\n"]
    before = system.counters()
    clock = Clock.read(system, place)
    ran = subprocess.run(argv, capture_output=True, timeout=pace.whole + GENERATOR_SECONDS, check=False)
    spent = clock.since(system, place)
    after = system.counters()
    if ran.returncode:
        raise RuntimeError(f"the load generator failed on {cell.label}: {ran.stderr.decode()[-300:]}")
    outcome = msgspec.json.decode(ran.stdout, type=Outcome)
    wrong = [f"{outcome.failed} failed requests ({next(iter(outcome.failures))})"] if outcome.failed else []
    if not outcome.requests:
        wrong.append("no request finished within the time")
    if after.unknown > before.unknown:
        wrong.append(f"{after.unknown - before.unknown:.0f} unknown signals")
    if after.skipped > before.skipped:
        wrong.append(f"{after.skipped - before.skipped:.0f} units of work dropped")
    if not variant.decided and after.decisions > before.decisions:
        wrong.append(f"the data plane was asked {after.decisions - before.decisions:.0f} times")
    return Sample(
        cell=cell,
        round=number,
        outcome=outcome,
        cpu_seconds=spent.roles,
        others=spent.others(outcome.cpu_seconds),
        wrong=tuple(wrong),
    )


def _first_of_each(cells: list[Cell]) -> list[Cell]:
    """One plain cell for each pair of variant and system."""
    found = {(cell.variant, system_name(cell)): cell for cell in reversed(cells) if not cell.stream}
    return [cell for cell in cells if cell in found.values()]


def _warm(cell: Cell, system: System, results: Results, say: Callable[[str], None]) -> None:
    """Ask a few times, and see that the right rule decides: a variant that measures something else is left out."""
    variant = VARIANTS[cell.variant]
    for _ in range(WARM_UP_REQUESTS):
        status, headers = ask(system.port, variant.host, BODIES[variant.body])
        rule = headers.get("x-forebay-rule", "")
        if status != 200 or (variant.rule and rule != variant.rule):
            reason = headers.get("x-forebay-reason", "no reason given")
            results.missing[omission(cell)] = (
                f"on {system.name} a request was answered {status} by rule {rule!r} ({reason}) instead of {variant.rule!r}"
            )
            say(f"{variant.name} is left out: {results.missing[omission(cell)]}")
            return


def _time_encoders(seconds: float) -> dict[str, Timing]:
    argv = [sys.executable, str(HERE / "encoder_time.py"), "--seconds", str(seconds)]
    ran = subprocess.run(argv, capture_output=True, timeout=GENERATOR_SECONDS, check=False)
    if ran.returncode:
        raise RuntimeError(f"timing the encoders failed: {ran.stderr.decode()[-300:]}")
    return msgspec.json.decode(ran.stdout, type=dict[str, Timing])


def _write_bodies(folder: Path) -> dict[str, Path]:
    paths = {name: folder / f"body-{name}.json" for name in BODIES}
    for name, path in paths.items():
        path.write_bytes(BODIES[name])
    return paths


def _line(sample: Sample) -> str:
    outcome = sample.outcome
    text = f"{sample.cell.label}: p50 {outcome.p50:.3f} ms, {outcome.per_second:,.0f}/s"
    return f"{text}  NOT COUNTED: {'; '.join(sample.wrong)}" if sample.wrong else text
