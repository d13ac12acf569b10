"""`make bench`: what Forebay costs, measured against baselines in the same run. Writes build/bench/results.{json,md}.

python tests/bench/run.py --quick
python tests/bench/run.py --only rules,native --rounds 3
python tests/bench/run.py --profile
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import litellm_peer
import machine
import manifests
import proc
import profile_decision
import report
import systems
from bars import judge
from bodies import BODIES
from results import ABSENT, Results
from rounds import run_rounds
from service import NotStarted
from settings import Pace, Settings
from systems import System, Workplace
from variants import ALONE, VARIANTS, cells, closure, system_name

OUT: Final = machine.REPOSITORY / "build" / "bench"
FULL, QUICK = Pace(0.3, 2.0), Pace(0.2, 0.8)
STARTS, QUICK_STARTS = 3, 1


def say(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    arguments = _parser().parse_args()
    if arguments.profile:
        profile_decision.main([])
        return
    pace = QUICK if arguments.quick else FULL
    settings = Settings(
        variants=closure(arguments.only or [*VARIANTS, *ALONE]),
        rounds=arguments.rounds or (1 if arguments.quick else 5),
        workers=sorted(set(arguments.workers)),
        pace=Pace(pace.warm_up, arguments.seconds or pace.seconds),
        starts=QUICK_STARTS if arguments.quick else STARTS,
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped by SIGTERM"))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        _bench(settings, Path(folder), arguments.out)


def _bench(settings: Settings, folder: Path, out: Path) -> None:
    began = time.monotonic()
    chosen = cells(settings.variants, settings.workers)
    results = Results(machine=machine.describe(), settings=settings)
    expected = settings.rounds * (len(chosen) * settings.pace.whole + 3) + 60
    say(f"{len(chosen)} cells in {settings.rounds} rounds: about {expected / 60:.0f} minutes")
    with contextlib.ExitStack() as stack:
        upstream, small, large = systems.start_upstream(folder)
        stack.callback(upstream.stop)
        place = Workplace(folder, upstream, small, large)
        if "start" in settings.variants:
            _time_starts(results, place, settings.starts)
        running = _start_all(results, {system_name(cell) for cell in chosen}, place, out, stack)
        try:
            run_rounds(results, chosen, running, place, say)
            if "memory" in settings.variants:
                _weigh(results, running, place, stack)
        finally:
            # What an interrupted run has measured so far is worth keeping.
            report.write(results, out)
    say(f"\nwrote results.json and results.md to {out} after {time.monotonic() - began:.0f} s\n")
    _summarise(results)


def _start_all(
    results: Results, wanted: set[str], place: Workplace, out: Path, stack: contextlib.ExitStack
) -> dict[str, System]:
    """Every system that a cell needs; for the others `results.missing` says why not."""
    running: dict[str, System] = {}
    for name in sorted(wanted):
        say(f"starting {name}")
        try:
            system = _starter(name, place, out)()
        except (NotStarted, litellm_peer.PeerMissing, subprocess.SubprocessError) as error:
            say(f"{name} is missing: {error}")
            results.missing[name] = str(error)
            continue
        stack.callback(system.stop)
        running[name] = system
    return running


def _starter(name: str, place: Workplace, out: Path) -> Callable[[], System]:
    kind, _, workers = name.partition("-")
    if kind == "envoy":
        return lambda: systems.start_envoy(place)
    if kind == "noop":
        return lambda: systems.start_noop(place, int(workers))
    if kind == "litellm":
        return lambda: systems.start_litellm(place, litellm_peer.install(out / "litellm-venv"))
    return lambda: _start_forebay(place, int(workers))


def _start_forebay(place: Workplace, workers: int) -> System:
    # `forebay up` keeps its sockets and logs in the directory, so each one has a directory of its own.
    directory = place.folder / f"manifests-{workers}"
    manifests.write_manifests(directory, place.small, place.large)
    return systems.start_forebay(place, directory, workers, manifests.RULES_HOST)


def _time_starts(results: Results, place: Workplace, count: int) -> None:
    """`forebay up` to the first routed request; the first start warms the files and does not count."""
    for number in range(count + 1):
        began = time.monotonic()
        try:
            system = _start_forebay(place, 1)
        except NotStarted as error:
            say(f"forebay up did not start: {error}")
            results.missing["start"] = str(error)
            return
        took = time.monotonic() - began
        system.stop()
        say(f"forebay up to the first routed request: {took:.2f} s{'' if number else ' (not counted)'}")
        if number:
            results.start_seconds.append(round(took, 3))


def _weigh(results: Results, running: dict[str, System], place: Workplace, stack: contextlib.ExitStack) -> None:
    """Resident memory of a worker that has the encoders loaded and has served the run."""
    system = running.get(f"forebay-{results.settings.first}")
    if system is None:
        try:
            system = _start_forebay(place, results.settings.first)
        except NotStarted as error:
            results.missing["memory"] = str(error)
            return
        stack.callback(system.stop)
    status, _ = systems.ask(system.port, manifests.TRANSFORMER_HOST, BODIES["tokens-100"])
    if status != 200:
        results.missing["memory"] = f"the policy on the encoder answers {status}, so the encoder may not be loaded"
        return
    for index, pid in enumerate(system.workers()):
        results.memory_mib |= {
            f"rss-{index}": proc.memory_mib(pid),
            f"peak-{index}": proc.memory_mib(pid, "VmHWM"),
        }


def _summarise(results: Results) -> None:
    for bar in judge(results):
        if bar.found is None and bar.why == ABSENT:
            continue
        found = f"{bar.found.median:.3g} {bar.unit}".strip() if bar.found else bar.why[:90]
        say(f"{bar.verdict:>12}  {bar.name}: {found} (limit {bar.limit:g} {bar.unit})".replace(" )", ")"))


def _parser() -> argparse.ArgumentParser:
    known = ", ".join([*VARIANTS, *ALONE])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=_names, metavar="A,B", help=f"variants, with their baselines: {known}")
    parser.add_argument("--rounds", type=_positive, help="5, or 1 with --quick")
    parser.add_argument(
        "--seconds", type=float, help=f"measured a cell: {FULL.seconds}, or {QUICK.seconds} with --quick"
    )
    parser.add_argument("--workers", type=_counts, default=[1, 2], metavar="N,M", help="data-plane processes (1,2)")
    parser.add_argument("--quick", action="store_true", help="about two minutes: to see that all works, not to quote")
    parser.add_argument("--profile", action="store_true", help="say where a decision's time goes, and nothing else")
    parser.add_argument("--out", type=Path, default=OUT, help="where the results go (build/bench)")
    return parser


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in VARIANTS and name not in ALONE]:
        raise argparse.ArgumentTypeError(f"no such variant: {', '.join(unknown)}")
    return names


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _counts(text: str) -> list[int]:
    return [_positive(part) for part in text.split(",")]


if __name__ == "__main__":
    main()
