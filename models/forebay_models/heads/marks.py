"""How marks of what a request asks for (the head `asks`) become levels of risk, for those who route and those who measure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FIELDS: Final = ("money", "health", "law", "minors")
THRESHOLD: Final = 0.5


def weigh_risk(marks: Mapping[str, float]) -> tuple[float, float]:
    """Scores of at least medium, and of high. High: life or limb in danger, an act that cannot be taken back, or two of
    money, health, law and minors. Medium: one of them."""
    fields = sorted((marks[name] for name in FIELDS), reverse=True)
    high = max(fields[1], marks["danger"], marks["irreversible"])
    return max(fields[0], high), high


def level_of(medium: float, high: float) -> str:
    return "high" if high >= THRESHOLD else "medium" if medium >= THRESHOLD else "low"
