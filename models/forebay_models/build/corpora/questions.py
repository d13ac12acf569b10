"""MMLU-Pro and RouteLLM's MMLU: questions with a domain, and which models answer them.

6,564 of RouteLLM's questions stand in MMLU-Pro, too. `leaked` marks them in MMLU-Pro, so that a model whose figure on
RouteLLM is reported can be trained without them.
"""

import csv
import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forebay_models.build.corpora.text import key, share

Part = Literal["train", "calibrate", "test"]
TEST_SHARE = 0.20
CALIBRATE_SHARE = 0.10
SALT = "mmlu-pro"
# A stem such as "Which of the following is true?" says nothing; its options do.
STEM_KEY = 400
WEAK, STRONG = "mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"

SUBJECTS: dict[str, str] = {
    **dict.fromkeys(("business_ethics", "management", "marketing", "professional_accounting"), "business"),
    **dict.fromkeys(("anatomy", "college_biology", "high_school_biology"), "biology"),
    **dict.fromkeys(("college_chemistry", "high_school_chemistry"), "chemistry"),
    **dict.fromkeys(
        (
            "college_computer_science",
            "computer_security",
            "high_school_computer_science",
            "machine_learning",
        ),
        "computer science",
    ),
    **dict.fromkeys(("econometrics", "high_school_macroeconomics", "high_school_microeconomics"), "economics"),
    "electrical_engineering": "engineering",
    **dict.fromkeys(
        (
            "clinical_knowledge",
            "college_medicine",
            "human_aging",
            "medical_genetics",
            "nutrition",
            "professional_medicine",
            "virology",
        ),
        "health",
    ),
    **dict.fromkeys(
        ("high_school_european_history", "high_school_us_history", "high_school_world_history", "prehistory"), "history"
    ),
    **dict.fromkeys(("international_law", "jurisprudence", "professional_law"), "law"),
    **dict.fromkeys(
        (
            "abstract_algebra",
            "college_mathematics",
            "elementary_mathematics",
            "high_school_mathematics",
            "high_school_statistics",
        ),
        "math",
    ),
    **dict.fromkeys(
        (
            "formal_logic",
            "logical_fallacies",
            "moral_disputes",
            "moral_scenarios",
            "philosophy",
            "world_religions",
        ),
        "philosophy",
    ),
    **dict.fromkeys(("astronomy", "college_physics", "conceptual_physics", "high_school_physics"), "physics"),
    **dict.fromkeys(("high_school_psychology", "human_sexuality", "professional_psychology"), "psychology"),
    **dict.fromkeys(
        (
            "global_facts",
            "high_school_geography",
            "high_school_government_and_politics",
            "miscellaneous",
            "public_relations",
            "security_studies",
            "sociology",
            "us_foreign_policy",
        ),
        "other",
    ),
}


@dataclass(frozen=True, slots=True)
class Question:
    """One MMLU-Pro question. `part` is decided by its text; `leaked`: RouteLLM's MMLU has it, too."""

    number: str
    text: str
    options: tuple[str, ...]
    domain: str
    part: Part
    leaked: bool

    @property
    def whole(self) -> str:
        """The question with lettered options, as RouteLLM's prompts have them."""
        return "\n".join((self.text, *(f"{chr(65 + at)}. {option}" for at, option in enumerate(self.options))))


@dataclass(frozen=True, slots=True)
class Routed:
    """One RouteLLM MMLU prompt: the question alone, the prompt, its subject and domain, and who answered it."""

    text: str
    prompt: str
    subject: str
    domain: str
    weak: bool
    strong: bool


def read_routed(folder: Path) -> list[Routed]:
    """RouteLLM's MMLU table: 57 subjects, in the order of the file names."""
    rows: list[Routed] = []
    for path in sorted((folder / "RouteLLM/routellm/evals/mmlu/responses").glob("mmlu_*.csv")):
        subject = path.stem.removeprefix("mmlu_")
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                prompt = row["prompt"].removesuffix("\nAnswer:")
                stem = prompt.rsplit("\nA. ", 1)[0]
                rows.append(
                    Routed(stem, prompt, subject, SUBJECTS[subject], row[WEAK] == "True", row[STRONG] == "True")
                )
    return rows


def read_questions(folder: Path, routed: list[Routed]) -> list[Question]:
    known = {key(row.text)[:STEM_KEY] for row in routed}
    rows = []
    with gzip.open(folder / "MMLU-Pro/questions_derived.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            place = share(row["question"], SALT)
            part: Part = (
                "test" if place < TEST_SHARE else "calibrate" if place < TEST_SHARE + CALIBRATE_SHARE else "train"
            )
            leaked = key(row["question"])[:STEM_KEY] in known
            rows.append(
                Question(str(row["question_id"]), row["question"], tuple(row["options"]), row["category"], part, leaked)
            )
    return rows


def read_correct(folder: Path, questions: list[Question]) -> tuple[list[str], NDArray[np.bool_]]:
    """Model names, and [question, model]: whether it was answered correctly."""
    with gzip.open(folder / "MMLU-Pro/correct_derived.csv.gz", "rt", encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        names = next(reader)[1:]
        by_number = {row[0]: [cell == "1" for cell in row[1:]] for row in reader}
    return names, np.array([by_number[question.number] for question in questions])
