"""Fitting: what a policy says of a classifier -> a detector with its head, and the encoders that the head was trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Protocol

from forebay_api.signal import Classifier
from forebay_decision.signals.classifier.detector import ClassifierDetector
from forebay_decision.signals.classifier.judgement import HEAD, JudgementDetector
from forebay_decision.signals.classifier.judges import JUDGES
from forebay_decision.signals.classifier.results import ResultsDetector
from forebay_decision.signals.detector import Detector
from forebay_models.errors import EncoderError
from forebay_models.heads.head import Head

if TYPE_CHECKING:
    from forebay_models.encoder import Encoder

ENCODER: Final = "Transformer"
TABLE: Final = "Static"


class ModelError(ValueError):
    """The model that a policy names cannot be had, or does not fit the encoder or the policy."""


class Heads(Protocol):
    """A shipped head by name, or (name None) a user's by path and digest, or by its content and digest (path empty).
    EncoderError where it cannot be had."""

    def __call__(self, name: str | None, path: str = "", digest: str = "", content: bytes | None = None) -> Head: ...


def carrying(heads: Heads, contents: Mapping[str, bytes]) -> Heads:
    """The same, for a policy that has come with `contents`, by digest, of heads without a path."""

    def find(name: str | None, path: str = "", digest: str = "", content: bytes | None = None) -> Head:
        return heads(name, path, digest, content if path else contents.get(digest))

    return find if contents else heads


def build_classifier(name: str, spec: Classifier, encoders: Callable[..., Encoder], heads: Heads) -> Detector:
    """The detector of a classifier signal. Raises ModelError; and what loading the release's encoder raises."""
    if spec.model in JUDGES:
        _check_labels(spec, JUDGES[spec.model].labels)
        return _build_judgement(name, spec, encoders, heads)
    try:
        own = spec.artifact
        head = heads(spec.model) if own is None else heads(None, own.path or "", own.digest)
    except EncoderError as error:
        raise ModelError(str(error)) from None
    encoder = _fitting(head, encoders, ENCODER, head.manifest.encoder)
    table = _fitting(head, encoders, TABLE, head.manifest.static) if head.manifest.static else None
    _check_labels(spec, ("low", "medium", "high") if head.manifest.bands else head.manifest.labels)
    if spec.scope == "ToolResults":
        return ResultsDetector(name, spec, head, encoder, table)
    return ClassifierDetector(name, spec, head, encoder, table)


def _build_judgement(name: str, spec: Classifier, encoders: Callable[..., Encoder], heads: Heads) -> Detector:
    try:
        head = heads(HEAD)
    except EncoderError as error:
        raise ModelError(str(error)) from None
    encoder = _fitting(head, encoders, ENCODER, head.manifest.encoder)
    table = _fitting(head, encoders, TABLE, head.manifest.static)
    return JudgementDetector(name, spec, JUDGES[spec.model], head, encoder, table)


def _fitting(head: Head, encoders: Callable[..., Encoder], kind: str, wanted: str) -> Encoder:
    """The release's own encoder, or one of a former release that the head was trained on."""
    encoder = encoders(kind)
    if encoder.digest != wanted:
        try:
            encoder = encoders(kind, wanted)
        except EncoderError as error:
            raise ModelError(str(error)) from None
    if encoder.digest != wanted:
        message = (
            f"model {head.manifest.name!r} was trained on encoder {wanted[:19]}, this is {encoder.digest[:19]}: "
            "run `forebay train` again"
        )
        raise ModelError(message)
    return encoder


def _check_labels(spec: Classifier, labels: tuple[str, ...]) -> None:
    unknown = [label for label in spec.labels or () if label not in labels]
    if unknown:
        raise ModelError(f"the model has no label {unknown[0]!r}; there are {', '.join(labels[:20])}")
