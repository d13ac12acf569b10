"""What all signals of a full policy cost on a single-turn prompt, next to one bare encoder pass in the same run; and what
concurrent requests gain from the lane.

The bars: at 20, 100 and 400 tokens all signals together take at most 1.3 times the encoder's pass over the same text, whose
cap is 256 tokens in both; and 32 callers get at least 1.5 times as many texts a second as without the lane, where each
text goes to one encoder's thread and back by itself.

All signals are computed twice: by the driver, as a data plane does it, with the pass on its own thread while the cheaper
signals are computed (what a request waits for); and one after the other on one thread (what they cost, in processor time). Rounds alternate,
so that a busy machine slows both. Writes build/bench/classifiers.json, prints tables, and ends with 1 where a bar is missed.

    python tests/bench/classifier_time.py --rounds 200
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import machine
import msgspec
import numpy as np
import uvloop
from bodies import words
from signal_time import LIGHT, STATIC, computing, medians

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_decision.compile import compile_policy
from forebay_decision.compiled import CompiledPolicy
from forebay_decision.dialects.openai.view import read
from forebay_decision.policy.facts import Facts
from forebay_decision.policy.rules import judge
from forebay_decision.request import RequestView
from forebay_decision.signals.similarity import EncodeWork
from forebay_extproc.app import SWITCH_SECONDS
from forebay_extproc.driver import Driver
from forebay_extproc.lane import Lane
from forebay_models.encoder import Encoder
from forebay_models.load import load_encoder
from forebay_models.transformer import Transformer

OUT: Final = machine.REPOSITORY / "build" / "bench" / "classifiers.json"
MODELS: Final = (
    "domain", "injection", "difficulty", "task", "risk", "uncertainty", "factuality", "needsRetrieval", "needsTools", "reasoning",
)  # fmt: skip
TOKENS: Final = (20, 100, 400)
BAR: Final = 1.3
CALLERS: Final = 32
SHARING_BAR: Final = 1.5
SHARED_TOKENS: Final = (20, 66, 200)


def full_policy(encoders: dict[str, Encoder]) -> CompiledPolicy:
    meaning = {
        "threshold": 0.5,
        "encoder": "Transformer",
        "labels": [{"name": "code", "examples": ["Fix this traceback"]}],
    }
    signals = [
        *LIGHT,
        STATIC,
        {"name": "meaning", "similarity": meaning},
        *({"name": model, "classifier": {"model": model}} for model in MODELS),
    ]
    spec = {
        "signals": signals,
        "strategies": [{"name": "all", "direct": {"pools": [{"name": "small"}]}}],
        # Asks for every signal, since none of them settles it.
        "rules": [
            {"name": "any", "when": " || ".join(f"signals.{each['name']}.unknown" for each in signals), "use": "all"}
        ],
        "default": {"use": "all"},
    }
    pool = {
        "backend": {"addresses": [{"host": "127.0.0.1", "port": 8000}]},
        "placement": {"boundary": "Private"},
        "models": [{"name": "m"}],
    }
    pools = {"default/small": msgspec.convert(pool, PoolSpec)}
    return compile_policy(
        "default/p", msgspec.convert(spec, PolicySpec), pools, revision="r", encoders=lambda kind: encoders[kind]
    )


def prompt(tokens: int) -> str:
    """A text of so many tokens, frame included."""
    return words(tokens - 2)


def view_of(text: str) -> RequestView:
    # The other kinds ask for an earlier turn and a tool's result; a single turn has neither.
    turns = [{"role": "user", "content": "Which was late?"}, {"role": "assistant", "content": "None."}]
    body = {"model": "auto", "messages": [*turns, {"role": "user", "content": text}]}
    return read("ChatCompletions", msgspec.json.encode(body)).view


def time_all(encoders: dict[str, Encoder], rounds: int) -> list[dict[str, Any]]:
    """One after the other on one thread, in processor time."""
    compiled, transformer = full_policy(encoders), encoders["Transformer"]
    rows = []
    for tokens in TOKENS:
        text = prompt(tokens)

        def bare(text: str = text) -> None:
            transformer.encode((text,))

        whole, alone = medians(computing(compiled, view_of(text)), bare, rounds=rounds, clock=time.process_time)
        rows.append({"tokens": tokens, "all_ms": whole * 1e3, "encoder_ms": alone * 1e3, "ratio": whole / alone})
    return rows


def quickest(seconds: list[float]) -> float:
    """The tenth percentile: what a machine takes that others use, while they do not."""
    return sorted(seconds)[len(seconds) // 10]


async def time_driven(encoders: dict[str, Encoder], rounds: int) -> list[dict[str, Any]]:
    """By the driver, each time another text: those that came before are remembered."""
    compiled, transformer = full_policy(encoders), encoders["Transformer"]
    chance, clock = random.Random(0), time.monotonic
    lane = Lane(clock)
    driver = Driver(lane, clock, lambda _: None, ahead=True)
    rows = []
    for tokens in TOKENS:
        took: list[float] = []
        alone: list[float] = []
        for _ in range(rounds + 1):
            listed = prompt(tokens).split()
            chance.shuffle(listed)
            text = " ".join(listed)
            view = view_of(text)
            started = clock()
            deadline = started + 60.0
            facts = Facts(compiled.vantage, view, {"x-plan": "gold"}, {}, clock, deadline, group=compiled.name)
            steps = judge(compiled.rules, facts, named_model=False, endpoint=view.endpoint)
            await driver.drive(steps, deadline)
            took.append(clock() - started)
            unknown = [name for name, record in facts.records.items() if record.unknown]
            if unknown or len(facts.records) < len(compiled.vantage.detectors):
                raise RuntimeError(f"not every signal is known: {unknown}")
            started = clock()
            transformer.encode((text,))
            alone.append(clock() - started)
        # The first round warms up.
        whole, bare = statistics.median(took[1:]), statistics.median(alone[1:])
        row = {"tokens": tokens, "all_ms": whole * 1e3, "encoder_ms": bare * 1e3, "ratio": whole / bare}
        rows.append(row | {"undisturbed": quickest(took[1:]) / quickest(alone[1:])})
    lane.close()
    return rows


Ask = Callable[[str], Awaitable[object]]


class Shared(msgspec.Struct, frozen=True):
    """What CALLERS got that each wait for their own text before they ask for the next: texts a second, milliseconds of
    processor time a text, and by how many milliseconds the event loop was late (95th percentile)."""

    a_second: float
    cpu_ms: float
    loop_late_ms: float


async def throughput(ask: Ask, texts: list[str], seconds: float) -> Shared:
    """One run of so many seconds."""
    done, late = 0, []
    until = time.monotonic() + seconds

    async def caller(number: int) -> None:
        nonlocal done
        turn = number
        while time.monotonic() < until:
            assert isinstance(await ask(texts[turn % len(texts)]), np.ndarray)
            done += 1
            turn += CALLERS

    async def look() -> None:
        while time.monotonic() < until:
            started = time.monotonic()
            await asyncio.sleep(0.002)
            late.append((time.monotonic() - started - 0.002) * 1e3)

    started, used = time.monotonic(), time.process_time()
    await asyncio.gather(*(caller(number) for number in range(CALLERS)), look())
    used = time.process_time() - used
    return Shared(done / (time.monotonic() - started), used / done * 1e3, sorted(late)[len(late) * 95 // 100])


async def compare_lanes(encoder: Encoder, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Without the lane, with one thread and with two, in alternation: medians."""

    def by(lane: Lane) -> Ask:
        return lambda text: lane.run(EncodeWork(encoder, text, encoder.max_tokens), time.monotonic() + 60)

    def alone(text: str) -> Awaitable[object]:
        return asyncio.get_running_loop().run_in_executor(executor, lambda: encoder.encode((text,))[0])

    rows = []
    for tokens in SHARED_TOKENS:
        texts = [f"{words(tokens - 4)} {number}" for number in range(4096)]
        found: dict[str, list[Shared]] = {}
        for _ in range(rounds):
            lanes = [Lane(time.monotonic, threads) for threads in (1, 2)]
            executor = ThreadPoolExecutor(1)
            ways = {"one by one": alone, "lane, 1 thread": by(lanes[0]), "lane, 2 threads": by(lanes[1])}
            for way, ask in ways.items():
                found.setdefault(way, []).append(await throughput(ask, texts, seconds))
            for lane in lanes:
                lane.close()
            executor.shutdown()
        base = found["one by one"]
        for way, each in found.items():
            pairs = list(zip(each, base, strict=True))
            rows.append(
                {
                    "tokens": tokens,
                    "way": way,
                    "a_second": statistics.median(run.a_second for run in each),
                    "gain": statistics.median(run.a_second / first.a_second for run, first in pairs),
                    "best_gain": max(run.a_second for run in each) / max(run.a_second for run in base),
                    "cpu_gain": statistics.median(first.cpu_ms / run.cpu_ms for run, first in pairs),
                    "loop_late_ms": statistics.median(run.loop_late_ms for run in each),
                }
            )
    return rows


def batch_bound(transformer: Transformer, rounds: int) -> list[dict[str, float]]:
    """The most that batches could give: 16 passes one by one over one pass of as many tokens."""
    found = []
    for tokens in (20, 66):
        one, all_at_once = prompt(tokens), prompt(min(tokens * 16, 512))
        times = 512 // tokens if tokens * 16 > 512 else 16

        def singly(one: str = one, times: int = times) -> None:
            for _ in range(times):
                transformer.encode((one,))

        def together(text: str = all_at_once) -> None:
            transformer.encode((text,), max_tokens=512)

        slow, quick = medians(singly, together, rounds=rounds)
        found.append({"tokens": float(tokens), "texts": float(times), "gain_at_most": slow / quick})
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="of each throughput run, of which there are five a way"
    )
    options = parser.parse_args()
    encoders: dict[str, Encoder] = {"Static": load_encoder("Static"), "Transformer": load_encoder("Transformer")}
    transformer = encoders["Transformer"]
    assert isinstance(transformer, Transformer)
    costs = time_all(encoders, options.rounds)
    sys.setswitchinterval(SWITCH_SECONDS)
    waits = uvloop.run(time_driven(encoders, options.rounds))
    shared = uvloop.run(compare_lanes(transformer, 5, options.seconds))
    report = {"driven": waits, "one_thread": costs, "callers": CALLERS, "shared": shared}
    report["batch_bound"] = batch_bound(transformer, max(options.rounds // 4, 5))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2))
    show: Callable[[str], None] = print
    for title, rows in (("by the driver", waits), ("on one thread", costs)):
        show(f"| tokens | all signals, {title} | one encoder pass | ratio |\n|---|---|---|---|")
        for row in rows:
            show(f"| {row['tokens']} | {row['all_ms']:.2f} ms | {row['encoder_ms']:.2f} ms | {row['ratio']:.2f} |")
    for row in waits:
        show(f"{row['tokens']} tokens, by the driver, undisturbed (tenth percentiles): {row['undisturbed']:.2f} passes")
    show(f"| tokens | {CALLERS} callers | texts a second | gain | of best rounds | a CPU second | loop late, p95 |")
    show("|---|---|---|---|---|---|---|")
    for row in shared:
        late = f"{row['loop_late_ms']:.2f} ms"
        gains = f"{row['gain']:.2f} | {row['best_gain']:.2f} | {row['cpu_gain']:.2f}"
        show(f"| {row['tokens']} | {row['way']} | {row['a_second']:,.0f} | {gains} | {late} |")
    for bound in report["batch_bound"]:
        show(
            f"batches of {bound['texts']:.0f} texts of {bound['tokens']:.0f} tokens could give {bound['gain_at_most']:.2f} times at most"
        )
    slow = [row for row in waits if row["ratio"] > BAR]
    alone = [row for row in shared if row["way"] == "lane, 1 thread" and row["gain"] < SHARING_BAR]
    show(f"all signals, at most {BAR} passes: {'missed' if slow else 'met'}")
    show(f"lane with one thread, at least {SHARING_BAR} times as many: {'missed' if alone else 'met'}")
    return int(bool(slow or alone))


if __name__ == "__main__":
    sys.exit(main())
