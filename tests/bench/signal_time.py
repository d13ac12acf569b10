"""What the signals without a transformer cost, next to the static table in the same run, and how that grows with length.

Two bars: on a prompt of 2 kB all of them together, and a static similarity, take at most the static table's own time
and 0.3 ms; and the time grows linearly to 1 MB. Rounds alternate between what is compared, so that a busy machine slows
both. Writes build/bench/signals.json, prints a table, and ends with 1 where a bar is missed.

    python tests/bench/signal_time.py --rounds 300
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import machine
import msgspec

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_decision.compile import compile_policy
from forebay_decision.compiled import CompiledPolicy
from forebay_decision.dialects.openai.view import read
from forebay_decision.policy.facts import Facts
from forebay_decision.request import RequestView
from forebay_decision.work import run_inline
from forebay_models.load import load_encoder

OUT: Final = machine.REPOSITORY / "build" / "bench" / "signals.json"
ENTITIES: Final = [
    "CreditCard",
    "IBAN",
    "Email",
    "Phone",
    "IPAddress",
    "NationalID",
    "Secret",
    "CryptoAddress",
    "URLCredentials",
]
LIGHT: Final[list[dict[str, Any]]] = [
    {"name": "keyword", "keyword": {"any": [f"phrase {n} of many" for n in range(5000)] + ["urgent"]}},
    {"name": "regex", "regex": {"pattern": "[A-Z]{2,}-[0-9]+"}},
    {"name": "pii", "pii": {"entities": ENTITIES}},
    {"name": "language", "language": {"is": ["fr"]}},
    {"name": "structure", "structure": {}},
    {"name": "toolResult", "toolResult": {"scope": "Conversation"}},
    {"name": "reask", "reask": {}},
    {"name": "claims", "claims": {"header": "x-plan", "any": ["gold"]}},
]
STATIC: Final = {
    "name": "static",
    "similarity": {"threshold": 0.5, "labels": [{"name": "code", "examples": ["Fix this traceback"]}]},
}
PROSE: Final = (
    "Please look at the quarterly report of the northern branch and tell me which of the three suppliers was late. "
    "The table on page 12 says 4 days, but Ms Ortega wrote on 3 March that it was closer to a week; her mail is "
    "attached. Then draft a short answer to the board, no more than 200 words, and keep the tone friendly. "
)
SLACK_SECONDS: Final = 0.3e-3
LINEAR: Final = 3.0
"""Times as long per byte at 1 MB as at 64 kB is still called linear: caches are left, chunks begin."""


def policy(*signals: dict[str, Any]) -> CompiledPolicy:
    spec = {
        "signals": list(signals),
        "strategies": [{"name": "all", "direct": {"pools": [{"name": "small"}]}}],
        "default": {"use": "all"},
    }
    pool = {
        "backend": {"addresses": [{"host": "127.0.0.1", "port": 8000}]},
        "placement": {"boundary": "Private"},
        "models": [{"name": "m"}],
    }
    pools = {"default/small": msgspec.convert(pool, PoolSpec)}
    static = load_encoder("Static")
    return compile_policy(
        "default/p", msgspec.convert(spec, PolicySpec), pools, revision="r", encoders=lambda _kind: static
    )


def view_of(letters: int) -> RequestView:
    text = (PROSE * (1 + letters // len(PROSE)))[:letters]
    turns = [("user", "Which supplier was late last year?"), ("assistant", "The second one."), ("user", text)]
    body = {"model": "auto", "messages": [{"role": role, "content": content} for role, content in turns]}
    return read("ChatCompletions", msgspec.json.encode(body)).view


def computing(compiled: CompiledPolicy, view: RequestView) -> Callable[[], None]:
    """Computes every signal of the policy once, as a decision would."""

    def compute() -> None:
        facts = Facts(compiled.vantage, view, {"x-plan": "gold"}, {}, time.perf_counter, time.perf_counter() + 60.0)
        for detector in compiled.vantage.detectors.values():
            run_inline(facts.learn(detector))
        unknown = [name for name, record in facts.records.items() if record.unknown]
        if unknown:
            raise RuntimeError(f"{unknown[0]} is unknown: {facts.records[unknown[0]].unknown}")

    return compute


def medians(*runs: Callable[[], None], rounds: int, clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """Median seconds of each, in alternation; with `time.process_time`, of the processor's time."""
    took: list[list[float]] = [[] for _ in runs]
    for run in runs:
        run()
    for _ in range(rounds):
        for run, seconds in zip(runs, took, strict=True):
            started = clock()
            run()
            seconds.append(clock() - started)
    return [statistics.median(seconds) for seconds in took]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300, help="of the 2 kB prompt; longer ones take fewer")
    rounds = parser.parse_args().rounds
    view = view_of(2000)
    alone = [computing(policy(signal), view) for signal in (*LIGHT, STATIC)]
    together = computing(policy(*LIGHT, STATIC), view)
    *each, static, whole = medians(*alone, together, rounds=rounds)
    light = policy(*LIGHT)
    grown = {
        n: medians(computing(light, view_of(n)), rounds=max(3, rounds * 2000 // n))[0] for n in (64_000, 1_000_000)
    }
    ratio = (grown[1_000_000] / 1_000_000) / (grown[64_000] / 64_000)
    found = {
        "microseconds at 2 kB": dict(zip((s["name"] for s in LIGHT), (round(s * 1e6, 1) for s in each), strict=True)),
        "static table, microseconds at 2 kB": round(static * 1e6, 1),
        "all of them and a static similarity, microseconds at 2 kB": round(whole * 1e6, 1),
        "beyond the static table, milliseconds (at most 0.3)": round((whole - static) * 1e3, 3),
        "milliseconds at 64 kB and 1 MB": [round(seconds * 1e3, 2) for seconds in grown.values()],
        "time per byte, 1 MB over 64 kB (at most 3)": round(ratio, 2),
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    for name, value in found.items():
        print(f"{name}: {value}")
    return int(whole - static > SLACK_SECONDS or ratio > LINEAR)


if __name__ == "__main__":
    sys.exit(main())
