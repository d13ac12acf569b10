"""What an encoder costs on this machine: time by length and resident memory of a process that holds it.

Times say little without the processor's name, so that is part of the result. The memory is read in a fresh process.
"""

import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from forebay_models.encoder import Encoder, EncoderKind
from forebay_models.transformer import DEFAULT_TOKENS, MODEL, POSITIONS, open_session
from forebay_models.wordpiece import FILE_NAME, FRAME_END, FRAME_START, WordPiece

ROUNDS = 101
TOKENS = (20, 66, 100, DEFAULT_TOKENS, 400, POSITIONS)
CHARACTERS = (88, 528, 3_500, 16_384, 1_000_000)
PROSE = (
    "The quarterly report shows that customers who contacted support twice within a week were more likely to renew, "
    "which surprised the team. Could you explain why that happens, list three experiments we might run next month, "
    "and write a short Python function that groups tickets by account and counts them? Keep it simple, please. "
)
PROBE = """
import sys
from pathlib import Path
from forebay_models import load_encoder
def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024
encoder = load_encoder(sys.argv[1], folder=Path(sys.argv[2]))
text = Path(sys.argv[3]).read_text()
encoder.encode(["a short text"])
short = resident()
encoder.encode([text])
print(short, resident())
"""


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds a call, median over calls; `bare` is the session alone on ready ids."""

    label: str
    encode: float
    bare: float | None


def name_processor() -> str:
    """The processor's model name, as Linux tells it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def time_calls(*calls: Callable[[], object]) -> list[float]:
    """Median milliseconds of each call, the calls taken in turn so that a slow moment hits them alike."""
    times: list[list[float]] = [[] for _ in calls]
    for call in calls:
        call()
    for _ in range(ROUNDS):
        for call, found in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            found.append(time.perf_counter() - start)
    return [median(found) * 1000 for found in times]


def time_transformer(encoder: Encoder, folder: Path) -> list[Timing]:
    session = open_session(folder / MODEL)
    pieces = WordPiece(folder / FILE_NAME).encode(PROSE * 10)
    result = []
    for count in TOKENS:
        ids = np.array([[FRAME_START, *pieces[: count - 2], FRAME_END]], np.int64)
        text = cut_to_tokens(folder, count - 2)

        def encode(text: str = text, count: int = count) -> object:
            return encoder.encode([text], max_tokens=count)

        def run(ids: NDArray[np.int64] = ids) -> object:
            return session.run(None, {"input_ids": ids})

        whole, bare = time_calls(encode, run)
        result.append(Timing(f"{count} tokens", whole, bare))
    return result


def cut_to_tokens(folder: Path, count: int) -> str:
    """The shortest head of the prose, by words, that has at least `count` tokens."""
    wordpiece, words = WordPiece(folder / FILE_NAME), (PROSE * 10).split()
    low, high = 1, len(words)
    while low < high:
        middle = (low + high) // 2
        enough = len(wordpiece.encode(" ".join(words[:middle]))) >= count
        low, high = (low, middle) if enough else (middle + 1, high)
    return " ".join(words[:low])


def time_static(encoder: Encoder) -> list[Timing]:
    result = []
    for count in CHARACTERS:
        text = (PROSE * (count // len(PROSE) + 1))[:count]

        def encode(text: str = text) -> object:
            return encoder.encode([text])

        result.append(Timing(f"{count:,} characters", time_calls(encode)[0], None))
    return result


def measure_memory(kind: EncoderKind, folder: Path, work: Path) -> tuple[float, float]:
    """MiB resident in a bare process: after one short text, and after one at the default cap."""
    text = work / "long.txt"
    text.write_text(PROSE * 60, encoding="utf-8")
    command = [sys.executable, "-c", PROBE, kind, str(folder), str(text)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    short, long = done.stdout.split()
    return float(short), float(long)
