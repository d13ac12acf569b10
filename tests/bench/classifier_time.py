"""What all signals of a full policy cost on a single-turn prompt, next to one bare encoder pass in the same run; and what
concurrent requests gain from sharing passes.

The bar: at 20, 100 and 400 tokens all signals together take at most 1.3 times the encoder's pass over the same text, whose
cap is 256 tokens in both. Rounds alternate, so that a busy machine slows both. Writes build/bench/classifiers.json, prints
a table, and ends with 1 where a bar is missed.

    python tests/bench/classifier_time.py --rounds 200
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import machine
import msgspec
import numpy as np
from bodies import words
from signal_time import LIGHT, STATIC, computing, medians

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_decision.compile import CompiledPolicy, compile_policy
from forebay_decision.dialects.openai.view import read
from forebay_decision.signals.similarity import EncodeWork
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


def time_all(encoders: dict[str, Encoder], rounds: int) -> list[dict[str, Any]]:
    compiled, transformer = full_policy(encoders), encoders["Transformer"]
    rows = []
    for tokens in TOKENS:
        text = prompt(tokens)
        # The other kinds ask for an earlier turn and a tool's result; a single turn has neither.
        turns = [{"role": "user", "content": "Which was late?"}, {"role": "assistant", "content": "None."}]
        view = read(
            "ChatCompletions",
            msgspec.json.encode({"model": "auto", "messages": [*turns, {"role": "user", "content": text}]}),
        ).view

        def bare(text: str = text) -> None:
            transformer.encode((text,))

        whole, alone = medians(computing(compiled, view), bare, rounds=rounds)
        rows.append(
            {
                "tokens": tokens,
                "all_ms": whole * 1e3,
                "encoder_ms": alone * 1e3,
                "ratio": whole / alone,
                "met": whole / alone <= BAR,
            }
        )
    return rows


async def throughput(encoder: Encoder, texts: list[str], seconds: float) -> float:
    """Passes a second of CALLERS that each wait for their own before they ask for the next."""
    lane = Lane(time.monotonic)
    done = 0
    until = time.monotonic() + seconds

    async def caller(number: int) -> None:
        nonlocal done
        turn = number
        while time.monotonic() < until:
            result = await lane.run(
                EncodeWork(encoder, texts[turn % len(texts)], encoder.max_tokens), time.monotonic() + 60
            )
            assert isinstance(result, np.ndarray)
            done += 1
            turn += CALLERS

    started = time.monotonic()
    await asyncio.gather(*(caller(number) for number in range(CALLERS)))
    lane.close()
    return done / (time.monotonic() - started)


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
    parser.add_argument("--seconds", type=float, default=2.0, help="of each throughput run")
    options = parser.parse_args()
    encoders: dict[str, Encoder] = {"Static": load_encoder("Static"), "Transformer": load_encoder("Transformer")}
    rows = time_all(encoders, options.rounds)
    transformer = encoders["Transformer"]
    assert isinstance(transformer, Transformer)
    different = [f"{words(18)} {number}" for number in range(4096)]
    repeated = [f"{words(18)} {number % 16}" for number in range(4096)]
    report = {
        "all_signals": rows,
        "batch_bound": batch_bound(transformer, max(options.rounds // 4, 5)),
        "callers": CALLERS,
        "passes_a_second": {
            "different texts": asyncio.run(throughput(transformer, different, options.seconds)),
            "16 texts again and again": asyncio.run(throughput(transformer, repeated, options.seconds)),
        },
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2))
    show: Callable[[str], None] = print
    show("| tokens | all signals | one encoder pass | ratio | bar |\n|---|---|---|---|---|")
    for row in rows:
        verdict = "met" if row["met"] else "missed"
        show(
            f"| {row['tokens']} | {row['all_ms']:.2f} ms | {row['encoder_ms']:.2f} ms | {row['ratio']:.2f} | {BAR}: {verdict} |"
        )
    for bound in report["batch_bound"]:
        show(
            f"batches of {bound['texts']:.0f} texts of {bound['tokens']:.0f} tokens could give {bound['gain_at_most']:.2f} times at most"
        )
    for name, rate in report["passes_a_second"].items():
        show(f"{name}, {CALLERS} callers: {rate:,.0f} a second")
    return 0 if all(row["met"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
