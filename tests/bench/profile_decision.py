"""Where a decision's time goes: `route` on the 20 rules, in this process, by phase and by function.

The phases are timed without the profiler, which makes small functions look dearer than they are; the profile then says
what is inside them. No encoder, no gRPC, no Envoy.

    python tests/bench/profile_decision.py --decisions 20000
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import random
import statistics
import time
from collections.abc import Callable, Generator
from typing import Any, Final

import bodies
import manifests
import msgspec

import forebay_decision.route as routing
from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_decision.compile import compile_policy
from forebay_decision.compiled import CompiledPolicy
from forebay_decision.request import RequestHead
from forebay_decision.route import Forward, Surroundings, route
from forebay_decision.work import Work, run_inline

BUDGET_SECONDS: Final = 1.0
RANDOM: Final = random.Random(0)
STEPS: Final = {
    "read": "read the body",
    "judge": "signals and rules",
    "select": "filter and pick",
    "edits_for": "edits",
}
"""Names that `route` calls, and what they are for; what is left is the record and its strings."""


def compiled_rules() -> CompiledPolicy:
    """The benchmark's 20 rules."""
    spec = msgspec.convert(manifests.rules_policy()["spec"], PolicySpec)
    pools = {
        f"default/{name}": msgspec.convert(manifests.pool(name, model, 1)["spec"], PoolSpec)
        for name, model in (("small", bodies.NAMED), ("large", "bench-large"))
    }
    return compile_policy("default/rules", spec, pools, revision="bench", encoders=_no_encoder)


def decide(policy: CompiledPolicy, body: bytes) -> Forward:
    """One decision, as the data plane makes it."""
    head = RequestHead("POST", manifests.RULES_HOST, "/v1/chat/completions", {"content-type": "application/json"})
    around = Surroundings(
        id="bench",
        replica="0",
        clock=time.monotonic,
        deadline=time.monotonic() + BUDGET_SECONDS,
        states={},
        in_flight=lambda _pool: 0,
        random=RANDOM,
    )
    made = run_inline(route(policy, head, body, around))
    rule = made.record.rule if made.record is not None else ""
    if not isinstance(made, Forward) or rule != manifests.LAST_RULE:
        raise RuntimeError(
            f"{manifests.LAST_RULE} should have decided, not {rule or 'an error'}: this is not the work to time"
        )
    return made


class Stopwatch:
    """Wraps the steps in `route`'s own module, for the length of a `with` block, and adds up each one's seconds."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(STEPS, 0.0)
        self._kept = {name: getattr(routing, name) for name in STEPS}

    def __enter__(self) -> Stopwatch:
        for name, function in self._kept.items():
            setattr(routing, name, self._generator(name) if name == "judge" else self._function(name, function))
        return self

    def __exit__(self, *_: object) -> None:
        for name, function in self._kept.items():
            setattr(routing, name, function)

    def take(self) -> dict[str, float]:
        """The seconds since it was last asked."""
        taken, self.spent = self.spent, dict.fromkeys(STEPS, 0.0)
        return taken

    def _function(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*args, **named)
            finally:
                self.spent[name] += time.perf_counter() - started

        return call

    def _generator(self, name: str) -> Callable[..., Generator[Work, object, Any]]:
        def call(*args: Any, **named: Any) -> Generator[Work, object, Any]:
            started = time.perf_counter()
            try:
                return (yield from self._kept[name](*args, **named))
            finally:
                self.spent[name] += time.perf_counter() - started

        return call


def phases(policy: CompiledPolicy, body: bytes, decisions: int) -> None:
    """Prints medians in microseconds: of a whole decision, and of each step."""
    whole = []
    for _ in range(decisions):
        started = time.perf_counter()
        decide(policy, body)
        whole.append(time.perf_counter() - started)
    steps: dict[str, list[float]] = {name: [] for name in STEPS}
    rest = []
    with Stopwatch() as watch:
        for _ in range(decisions):
            started = time.perf_counter()
            decide(policy, body)
            took, spent = time.perf_counter() - started, watch.take()
            rest.append(took - sum(spent.values()))
            for name, seconds in spent.items():
                steps[name].append(seconds)
    print(f"a decision: {statistics.median(whole) * 1e6:.1f} us (medians; the least {min(whole) * 1e6:.1f})")
    for name, text in STEPS.items():
        print(f"  {text:<24}{statistics.median(steps[name]) * 1e6:7.1f}")
    print(f"  {'record, reason, the rest':<24}{statistics.median(rest) * 1e6:7.1f}")


def profile(policy: CompiledPolicy, body: bytes, decisions: int, lines: int) -> None:
    """Prints the functions that took most time of their own."""
    profiler = cProfile.Profile()
    with profiler:
        for _ in range(decisions):
            decide(policy, body)
    pstats.Stats(profiler).strip_dirs().sort_stats("tottime").print_stats(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decisions", type=int, default=5000)
    parser.add_argument("--body", choices=("chat", "large"), default="chat")
    parser.add_argument("--lines", type=int, default=25, help="functions shown (%(default)s)")
    options = parser.parse_args(arguments)
    policy, body = compiled_rules(), bodies.BODIES[options.body]
    for _ in range(100):
        decide(policy, body)
    print(f"20 rules, a body of {len(body)} bytes, {options.decisions} decisions")
    phases(policy, body, options.decisions)
    profile(policy, body, options.decisions, options.lines)


def _no_encoder(kind: str) -> Any:
    raise RuntimeError(f"the 20 rules need no encoder, but {kind} was asked for")


if __name__ == "__main__":
    main()
