"""Windows of other projects' documentation, programs and data, as tools give them back: of many kinds, since what has not been
trained on is what a head errs about. Frozen in `documents.jsonl.gz`; `documents.md` names the sources and their licences.
"""

import csv
import gzip
import json
import random
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

LONGEST: Final = 480
LEAST: Final = 80
WHOLE: Final = 0.6
"""Of windows that are as long as they may be."""
ANSWERS: Final = 520
SUMS: Final = 90


class Document(msgspec.Struct, frozen=True):
    """`kind` says what it was cut from: `go`, `licence`, `manual-cmake` and so on."""

    text: str
    kind: str
    source: str
    licence: str


def read_documents() -> list[Document]:
    content = gzip.decompress(files("forebay_models.build.corpora").joinpath("documents.jsonl.gz").read_bytes())
    return [msgspec.json.decode(line, type=Document) for line in content.split(b"\n") if line]


def read_answers(folder: Path, seed: int) -> list[str]:
    """Windows of what models answered: RouteLLM's MT-Bench, GSM8K."""
    table = folder / "RouteLLM"
    spoken: list[str] = []
    for name in ("unify", "martian"):
        with (table / f"benchmarks/mt-bench/{name}.jsonl").open(encoding="utf-8") as file:
            spoken += [turn for line in file for choice in json.loads(line)["choices"] for turn in choice["turns"]]
    with (table / "routellm/evals/gsm8k/gsm8k_responses.csv").open(encoding="utf-8", newline="") as file:
        sums = [text for row in csv.DictReader(file) for column, text in row.items() if column.endswith("_response")]
    chance = random.Random(seed)
    return [*cut(spoken, ANSWERS, chance), *cut(sums, SUMS, chance)]


def cut(texts: Sequence[str], count: int, chance: random.Random) -> list[str]:
    """At most `count` windows of as many texts, `LEAST` to `LONGEST` letters each."""
    windows = []
    for text in (chance.choice(texts) for _ in range(count)):
        size = LONGEST if chance.random() < WHOLE else chance.randint(LEAST + 10, LONGEST)
        start = chance.randint(0, max(len(text) - size, 0))
        if len(text[start : start + size].strip()) >= LEAST:
            windows.append(text[start : start + size])
    return windows
