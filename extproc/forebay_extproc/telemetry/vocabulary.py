"""Vocabulary: which label values may stand in a metric, so that no caller can make series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.signal import KINDS
from forebay_decision.compiled import EXPLICIT
from forebay_decision.route import DEFAULT_RULE, EXPLICIT_RULE

OTHER: Final = "other"


class Vocabulary:
    """The words of the configurations so far, and ours. One writer, the configurator; only ever grows."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._words = {"", OTHER, *words}

    def learn(self, words: Iterable[str]) -> None:
        """Admit what a new configuration names."""
        self._words.update(words)

    def __contains__(self, word: str) -> bool:
        return word in self._words

    def __len__(self) -> int:
        return len(self._words)

    def bound(self, labels: tuple[str, ...], *, full: bool) -> tuple[str, ...]:
        """`labels` with what is unknown replaced by ``other``; all of it where the metric is full."""
        return tuple(label if label in self._words and not full else OTHER for label in labels)


OURS: Final = (
    *(f"{digit}xx" for digit in range(1, 6)),
    *("none", "DataPlane", "Envoy", "Bypass", EXPLICIT, EXPLICIT_RULE, DEFAULT_RULE),
    *("matched", "unmatched", "unknown", "measured", *KINDS),
    *("agrees", "differs", "dropped"),
)


def words_of(policies: Mapping[str, PolicySpec], pools: Mapping[str, PoolSpec]) -> set[str]:
    """Every name of a configuration that a label may carry."""
    words = {*policies, *pools, *(model.name for pool in pools.values() for model in pool.models)}
    for policy in policies.values():
        words.update(rule.name for rule in policy.rules)
        words.update(strategy.name for strategy in policy.strategies)
        words.update(signal.name for signal in policy.signals)
    return words
