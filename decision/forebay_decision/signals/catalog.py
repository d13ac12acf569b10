"""The catalogue: which kind of signal is built how. Adding a kind is a module and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from forebay_api.signal import Classifier, Signal, Similarity
from forebay_decision.signals.claims import ClaimsDetector
from forebay_decision.signals.classifier import Heads, build_classifier
from forebay_decision.signals.detector import Detector
from forebay_decision.signals.keyword import KeywordDetector
from forebay_decision.signals.language import LanguageDetector
from forebay_decision.signals.pii import PiiDetector
from forebay_decision.signals.reask import ReaskDetector
from forebay_decision.signals.regex import RegexDetector
from forebay_decision.signals.similarity import SimilarityDetector, example_texts
from forebay_decision.signals.structure import StructureDetector
from forebay_decision.signals.tool_result import ToolResultDetector

if TYPE_CHECKING:
    from forebay_models.encoder import Encoder

Encoders = Callable[..., "Encoder"]
"""Called with a kind: the release's own; with a digest after it: that one, where it can be had, else the release's own."""
Embed = Callable[["Encoder", Sequence[str]], Any]
"""Encoder and texts -> unit rows; a caller may remember rows across configurations."""
Build = Callable[[str, Any, Encoders, Embed, Heads], Detector]


def _similarity(name: str, spec: Similarity, encoders: Encoders, embed: Embed, _heads: Heads) -> Detector:
    encoder = encoders(spec.encoder)
    return SimilarityDetector(name, spec, encoder, embed(encoder, example_texts(spec)))


def _classifier(name: str, spec: Classifier, encoders: Encoders, _embed: Embed, heads: Heads) -> Detector:
    return build_classifier(name, spec, encoders, heads)


def _alone(detector: Callable[[str, Any], Detector]) -> Build:
    """A kind that needs no encoder."""
    return lambda name, spec, _encoders, _embed, _heads: detector(name, spec)


CATALOG: Final[Mapping[str, Build]] = {
    "keyword": _alone(KeywordDetector),
    "regex": _alone(RegexDetector),
    "similarity": _similarity,
    "classifier": _classifier,
    "pii": _alone(PiiDetector),
    "language": _alone(LanguageDetector),
    "structure": _alone(StructureDetector),
    "toolResult": _alone(ToolResultDetector),
    "reask": _alone(ReaskDetector),
    "claims": _alone(ClaimsDetector),
}


def build_detector(signal: Signal, encoders: Encoders, embed: Embed, heads: Heads) -> Detector:
    """The detector of a signal; PatternError where a pattern does not compile, ModelError where a model cannot be had."""
    return CATALOG[signal.kind](signal.name, signal.spec, encoders, embed, heads)
