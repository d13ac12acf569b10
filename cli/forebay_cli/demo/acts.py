"""The two acts of the demo: requests one by one, then faults under load."""

from __future__ import annotations

from typing import Final

from forebay_cli.demo.admin import credentials_seen
from forebay_cli.demo.ask import CALLER_KEY
from forebay_cli.demo.cases import CASES
from forebay_cli.demo.faults.catalog import FAULTS
from forebay_cli.demo.faults.scene import Fault, Scene
from forebay_cli.demo.latency import Stopwatch
from forebay_cli.demo.load import RATE
from forebay_cli.demo.results import CaseResult, judge
from forebay_cli.demo.show import Show

ADDED: Final = (
    "added: median time to an answer of one token through Forebay, less the same request sent straight to the server"
)


async def send_cases(show: Show, scene: Scene) -> tuple[list[CaseResult], list[str]]:
    """Every case in turn, and what was wrong with more than one of them."""
    show.heading(f"{len(CASES)} requests with the official `openai` client")
    show.say(ADDED, "dim")
    show.case_header()
    stopwatch = Stopwatch(scene.door, scene.fleet, scene.upstream)
    results = []
    try:
        for case in CASES:
            answer = await scene.door.ask(case.request)
            result = judge(case, answer, await stopwatch.added_ms(case.request, answer))
            show.case(result, case.shows)
            results.append(result)
        await stopwatch.settle()
    finally:
        await stopwatch.close()
    leaks = await _leaks(scene)
    if leaks:
        for leak in leaks:
            show.say(leak, "red")
    else:
        show.say("The caller's own API key reached none of the servers; Envoy gave the frontier its key, and only it.")
    return results, leaks


async def _leaks(scene: Scene) -> list[str]:
    """Credentials where they should not be."""
    leaks = []
    for name, seen in (await credentials_seen(scene.fleet)).items():
        if any(CALLER_KEY in value for value in seen):
            leaks.append(f"{name} was sent the caller's own key")
        if "frontier" not in name and any(scene.fleet.key in value for value in seen):
            leaks.append(f"{name} was sent the frontier's key")
    return leaks


async def cause_faults(show: Show, scene: Scene) -> list[Fault]:
    """Every fault in turn, and the table of what the load saw."""
    show.heading(f"Under a steady load of {RATE:g} requests a second, half of them streamed")
    faults = []
    for doing, fault in FAULTS.items():
        with show.working(doing):
            told = await fault(scene)
        show.fault(told)
        faults.append(told)
    show.say("")
    show.faults(faults)
    return faults
