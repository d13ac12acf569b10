"""The models on derived labels as a policy has them, rules and all, on prompts that were written and labelled by hand."""

from __future__ import annotations

import msgspec
import numpy as np

from forebay_decision.dialects.openai.view import read
from forebay_decision.signals.classifier.judges import JUDGES, Seen
from forebay_models.build.classifiers.asks import MARKS, marks_of
from forebay_models.build.classifiers.finding import Finding
from forebay_models.build.classifiers.made import Made
from forebay_models.build.classifiers.patterns import PATTERNS, risk_of, task_of
from forebay_models.build.corpora.asked import read_judged
from forebay_models.build.metrics import gain, mean
from forebay_models.build.vectors import Vectors
from forebay_models.heads.fit import Floats

FLAGS = {
    "uncertainty": "ambiguous", "factuality": "checkable", "needsRetrieval": "retrieve", "needsTools": "tools", "reasoning": "think",
}  # fmt: skip
"""Model -> the mark that its former pattern stood for."""
HALVES = {"counted": 1, "developed on": 0}


def measure_judged(made: Made, vectors: Vectors) -> list[Finding]:
    """Accuracy of each model's label, by halves, next to the patterns of before and the commonest label."""
    findings = []
    for half, first in HALVES.items():
        rows = read_judged()[first::2]
        texts = [row["text"] for row in rows]
        marks = marks_of(made, vectors, texts)
        for model, judge in ((str(name), judge) for name, judge in JUDGES.items()):
            truth = [row[model] for row in rows]
            told = []
            for at, text in enumerate(texts):
                body = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": text}]})
                own = {mark: float(marks[mark][at]) for mark in MARKS}
                told.append(judge.choose(judge.scores(Seen(text.encode(), read("ChatCompletions", body).view, own))))
            ours = _hits(told, truth)
            old = _hits([_former(model, text, judge.labels) for text in texts], truth)
            common = max(set(truth), key=truth.count).split("|")[0]
            trivial = _hits([common] * len(truth), truth)
            what = f"{model}: accuracy with its rules, {len(rows)} hand-written prompts, {half}"
            findings.append(
                Finding(
                    what, "left out", "shipped", len(rows), mean(ours), None, ("patterns", mean(old)),
                    ("commonest label", mean(trivial)), (gain(ours, old), gain(ours, trivial)),
                )
            )  # fmt: skip
    return findings


def _hits(told: list[str], truth: list[str]) -> Floats:
    return np.array([each in right.split("|") for each, right in zip(told, truth, strict=True)], np.float32)


def _former(model: str, text: str, labels: tuple[str, ...]) -> str:
    if model == "task":
        return task_of(text)
    if model == "risk":
        return risk_of(text)
    return labels[1] if PATTERNS[FLAGS[model]](text) >= 1 else labels[0]
