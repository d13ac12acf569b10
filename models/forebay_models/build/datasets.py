"""Labelled texts to measure on, read where they lie; none of them trains an artefact."""

import csv
import json
import os
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = "FOREBAY_DATA"
DEFAULT = Path("../shared/data")


@dataclass(frozen=True, slots=True)
class Split:
    """Texts and their labels, row by row."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A published train/test split; `outside` holds texts of no label (empty where the set has none)."""

    name: str
    train: Split
    test: Split
    outside: tuple[str, ...]


def find_data() -> Path:
    """$FOREBAY_DATA, or ../shared/data from the working directory. Raises FileNotFoundError where it is no folder."""
    folder = Path(os.environ.get(ENVIRONMENT, DEFAULT))
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder; set {ENVIRONMENT} to where CLINC150 and BANKING77 lie")
    return folder


def read_clinc150(folder: Path) -> Dataset:
    """`data_full.json`: 15,000 train and 4,500 test texts of 150 intents, 1,000 out-of-scope test texts."""
    content = json.loads((folder / "CLINC150/data/data_full.json").read_text(encoding="utf-8"))

    def split(name: str) -> Split:
        return Split(tuple(text for text, _ in content[name]), tuple(label for _, label in content[name]))

    return Dataset("CLINC150", split("train"), split("test"), split("oos_test").texts)


def read_banking77(folder: Path) -> Dataset:
    """10,003 train and 3,080 test texts of 77 intents."""

    def split(name: str) -> Split:
        with (folder / f"BANKING77/banking_data/{name}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return Split(tuple(row["text"] for row in rows), tuple(row["category"] for row in rows))

    return Dataset("BANKING77", split("train"), split("test"), ())


def read_all(folder: Path) -> tuple[Dataset, ...]:
    return read_clinc150(folder), read_banking77(folder)
