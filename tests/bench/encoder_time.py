"""The encoders' own time, without any server: what the `similarity` bars are computed from. Prints JSON.

In a process of its own, so that neither the libraries nor their memory touch what else is measured.

    python tests/bench/encoder_time.py --seconds 0.4
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

import msgspec
from bodies import BODIES, user_text
from variants import ENCODER_SIZES

from forebay_models.encoder import Encoder
from forebay_models.load import load_encoder


class Timing(msgspec.Struct, frozen=True):
    """Milliseconds of one pass over one text."""

    median: float
    least: float
    passes: int


def measure(encoder: Encoder, text: str, seconds: float) -> Timing:
    """Passes one after the other for so long, with the cap that the data plane uses."""
    for _ in range(3):
        encoder.encode((text,), max_tokens=encoder.max_tokens)
    took = []
    until = time.perf_counter() + seconds
    while (started := time.perf_counter()) < until:
        encoder.encode((text,), max_tokens=encoder.max_tokens)
        took.append((time.perf_counter() - started) * 1e3)
    return Timing(statistics.median(took), min(took), len(took))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0.4, help="for each text")
    seconds = parser.parse_args().seconds
    static, transformer = load_encoder("Static"), load_encoder("Transformer")
    found = {"static": measure(static, user_text(BODIES["chat"]), seconds)}
    for tokens in ENCODER_SIZES:
        found[f"minilm-{tokens}"] = measure(transformer, user_text(BODIES[f"tokens-{tokens}"]), seconds)
    sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")


if __name__ == "__main__":
    main()
