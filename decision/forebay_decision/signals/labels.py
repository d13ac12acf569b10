"""The labels that a signal can have, as far as they are known before any model is loaded.

Whoever reads a manifest (`forebay validate`, the operator) has no encoder and no head; that a rule compares a label with one
that there is not should still be told there, and not by the data planes that refuse the policy, or by a rule that never
matches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from forebay_api.signal import Signal
from forebay_decision.signals.classifier.judges import JUDGES
from forebay_decision.signals.language import LANGUAGES

SHIPPED: Final[Mapping[str, tuple[str, ...]]] = {
    "domain": (
        "biology",
        "business",
        "chat",
        "chemistry",
        "computer science",
        "economics",
        "engineering",
        "health",
        "history",
        "law",
        "math",
        "other",
        "philosophy",
        "physics",
        "psychology",
    ),
    "injection": ("benign", "injection"),
    "difficulty": ("low", "medium", "high"),
    **{name: judge.labels for name, judge in JUDGES.items() if name is not None},
}
"""Model that ships -> its labels; a test holds them against the heads themselves."""


def known_labels(signal: Signal) -> frozenset[str] | None:
    """None where any text may be a label: lists that are kept elsewhere, models of one's own, kinds without labels."""
    if signal.similarity is not None:
        return frozenset(label.name for label in signal.similarity.labels)
    if signal.keyword is not None:
        # While some of its phrases are not known, any label may be one of them.
        return None if signal.keyword.any_from is not None else frozenset(signal.keyword.any or ())
    if signal.classifier is not None:
        return None if signal.classifier.model is None else frozenset(SHIPPED[signal.classifier.model])
    if signal.claims is not None:
        return frozenset(signal.claims.any)
    if signal.language is not None:
        return LANGUAGES
    return frozenset(signal.pii.entities) if signal.pii is not None else None
