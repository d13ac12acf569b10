"""The catalogue: which kind of signal is built how. Adding a kind is a module and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from forebay_api.signal import EncoderKind, Keyword, Regex, Signal, Similarity
from forebay_decision.policy.variables import signal_kind
from forebay_decision.signals.detector import Detector
from forebay_decision.signals.keyword import KeywordDetector
from forebay_decision.signals.regex import RegexDetector
from forebay_decision.signals.similarity import SimilarityDetector, example_texts

if TYPE_CHECKING:
    from forebay_models.encoder import Encoder

Encoders = Callable[[EncoderKind], "Encoder"]
Embed = Callable[["Encoder", Sequence[str]], Any]
"""Encoder and texts -> unit rows; a caller may remember rows across configurations."""


def _similarity(name: str, spec: Similarity, encoders: Encoders, embed: Embed) -> Detector:
    encoder = encoders(spec.encoder)
    return SimilarityDetector(name, spec, encoder, embed(encoder, example_texts(spec)))


def _keyword(name: str, spec: Keyword, _encoders: Encoders, _embed: Embed) -> Detector:
    return KeywordDetector(name, spec)


def _regex(name: str, spec: Regex, _encoders: Encoders, _embed: Embed) -> Detector:
    return RegexDetector(name, spec)


CATALOG: Final[Mapping[str, Callable[[str, Any, Encoders, Embed], Detector]]] = {
    "keyword": _keyword,
    "regex": _regex,
    "similarity": _similarity,
}


def build_detector(signal: Signal, encoders: Encoders, embed: Embed) -> Detector:
    """The detector of a signal; PatternError where a pattern does not compile."""
    kind = signal_kind(signal)
    return CATALOG[kind](signal.name, getattr(signal, kind), encoders, embed)
