"""Judges: rules that turn marks of what a text asks for into the labels of each model that no public set has labels for.

They also see what stands around the text: tools that are offered, turns before, images, a text that came along. Scores lie
in [0, 1] and are no probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from forebay_decision.request import RequestView
from forebay_decision.signals.regex import compile_linear
from forebay_models.heads.marks import weigh_risk

SURE: Final = 0.9
"""What a plain sign in the text or around it is worth, where the head thinks less of it."""
THRESHOLD: Final = 0.5
SHORT: Final = 200
BROUGHT: Final = 12
"""Words behind a colon or a line break from which on a text has come along."""


def _any(*alternatives: str) -> Any:
    return compile_linear(rf"\b(?:{'|'.join(alternatives)})\b", case_sensitive=False)


PROGRAM: Final = compile_linear(
    r"(?m)```|^(?:Traceback \(most recent|\s+at [\w.$]+\(|diff --git |#!/|#include\b)"
    r"|^\s*(?:def \w+\(|class \w+\s*[:({]|function \w+\s*\(|(?:public|private) (?:static|class)\b|fn \w+\(|func \w+\(|from \w+ import |import \w+$|(?:const|let|var) \w+ =)"
    r"|^\s*(?i:select\b.+\bfrom\b|insert into\b|update \w+ set\b|delete from\b|create table\b)"
)
SHORTEN: Final = compile_linear(
    r"(?i)^\W*(?:\w+\W+){0,3}(?:tl;?dr|summari[sz]e|summary|recap|sum up)\b|\btl;?dr\W*$|^\W*(?:bitte )?fasse? |^\W*r[ée]sum(?:e|ez|er|en|ir)\b"
)
DEICTIC: Final = compile_linear(
    r"(?i)^\W*(?:(?:and|but|so|ok(?:ay)?|please|can you|could you|now|then)\W+)*(?:fix|do|explain|change|improve|continue|redo|try|use|make|translate|check|what about|why(?: is| does)?|how about|what does)?\W*(?:it|this|that|these|those|them|he|she|the same|one)\b"
)
IRREVERSIBLE_TOOL: Final = compile_linear(
    r"(?i)(?:^|[_\W]|[a-z])(?:delete|drop|remove|destroy|purge|wipe|terminate|kill|pay|payment|transfer|refund|purchase|buy|order|send|publish|deploy|execute|shell|exec|revoke|cancel)(?:[_\W]|$|[A-Z])"
)


class Seen(msgspec.Struct, frozen=True):
    """What a judge looks at: `marks` are the head's scores by name."""

    text: bytes
    view: RequestView
    marks: Mapping[str, float]

    def has(self, pattern: Any) -> bool:
        return pattern.search(self.text) is not None

    @property
    def first_turn(self) -> bool:
        return sum(turn.human for turn in self.view.turns) <= 1

    @property
    def brought(self) -> bool:
        """A text to work on stands behind the request, or before it."""
        head, _, tail = self.text.partition(b"\n")
        if not tail:
            _, _, tail = self.text.partition(b":")
        return len(tail.split(None, BROUGHT)) > BROUGHT or len(head.split(None, 4 * BROUGHT)) > 4 * BROUGHT


class Judge(msgspec.Struct, frozen=True):
    """`labels` in the order in which ties are settled; `looks_for` are those that count as matched by default. `levels`:
    the labels rise, and the one told is the middle one: what lies above it is less likely than not."""

    labels: tuple[str, ...]
    looks_for: tuple[str, ...]
    scores: Callable[[Seen], Mapping[str, float]]
    levels: bool = False

    def choose(self, scores: Mapping[str, float]) -> str:
        above = 0.0
        for label in reversed(self.labels if self.levels else ()):
            above += scores[label]
            if above >= THRESHOLD:
                return label
        return max(self.labels, key=scores.__getitem__)


def _task(seen: Seen) -> Mapping[str, float]:
    """Several at once. `tooling`: asks for an act, or with tools offered for what they may fetch. `unknown`: no request
    that can be read."""
    marks = seen.marks
    scores = {name: marks[name] for name in ("code", "summarize", "search", "tooling", "chat")}
    if seen.has(PROGRAM):
        scores["code"] = max(scores["code"], SURE)
    if seen.has(SHORTEN):
        scores["summarize"] = max(scores["summarize"], SURE)
    if seen.view.tools:
        scores["tooling"] = max(scores["tooling"], marks["tools"])
    return scores | {"unknown": marks["gibberish"]}


def _risk(seen: Seen) -> Mapping[str, float]:
    """High: life or limb in danger, an act that cannot be taken back, or two of money, health, law, minors. Medium: one of
    them. Where a tool that can do what cannot be undone is offered, the least is medium, and high if an act is asked for."""
    touched, high = weigh_risk(seen.marks)
    if any(IRREVERSIBLE_TOOL.search(name.encode()) is not None for name in seen.view.tools):
        high = max(high, seen.marks["tooling"])
        touched = max(touched, SURE)
    return {"low": 1 - touched, "medium": max(touched - high, 0.0), "high": high}


def _uncertainty(seen: Seen) -> Mapping[str, float]:
    """Ambiguous: a first turn points at what is not there ("fix it"). Turns before, an image or a text that came along
    may be what it points at."""
    if not seen.first_turn or seen.view.images or seen.brought:
        score = 0.0
    elif len(seen.text) < SHORT and seen.has(DEICTIC):
        score = max(seen.marks["ambiguous"], SURE)
    else:
        score = seen.marks["ambiguous"]
    return {"clear": 1 - score, "ambiguous": score}


def _factuality(seen: Seen) -> Mapping[str, float]:
    """Needs checking: the answer says of the world what can be wrong."""
    score = seen.marks["checkable"]
    return {"free": 1 - score, "checkable": score}


def _retrieval(seen: Seen) -> Mapping[str, float]:
    """Asks about what a model cannot have learnt: today's world, or documents that are the asker's own."""
    score = seen.marks["retrieve"]
    return {"selfContained": 1 - score, "needsRetrieval": score}


def _tools(seen: Seen) -> Mapping[str, float]:
    """Asks for an act or for live data, which no text brings about; tools that are offered make an act likelier meant."""
    marks = seen.marks
    score = max(marks["tools"], marks["tooling"]) if seen.view.tools else marks["tools"]
    return {"textOnly": 1 - score, "needsTools": score}


def _reasoning(seen: Seen) -> Mapping[str, float]:
    """Profits from thinking: proofs, sums, puzzles, plans, comparisons, causes, faults in code."""
    score = seen.marks["think"]
    return {"direct": 1 - score, "profits": score}


JUDGES: Final[Mapping[str | None, Judge]] = {
    "task": Judge(
        ("code", "summarize", "search", "tooling", "chat", "unknown"),
        ("code", "summarize", "search", "tooling", "chat"),
        _task,
    ),
    "risk": Judge(("low", "medium", "high"), ("high",), _risk, levels=True),
    "uncertainty": Judge(("clear", "ambiguous"), ("ambiguous",), _uncertainty),
    "factuality": Judge(("free", "checkable"), ("checkable",), _factuality),
    "needsRetrieval": Judge(("selfContained", "needsRetrieval"), ("needsRetrieval",), _retrieval),
    "needsTools": Judge(("textOnly", "needsTools"), ("needsTools",), _tools),
    "reasoning": Judge(("direct", "profits"), ("profits",), _reasoning),
}
