"""`pii` on presidio-research's sentences, span by span, beside presidio-analyzer's own pattern recognisers."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from forebay_api.signal import Pii
from forebay_decision.signals.pii import PiiDetector

SPANS: Final = "presidio-research/data/synth_dataset_v2.json"
ENTITIES: Final = {
    "CREDIT_CARD": "CreditCard",
    "IBAN_CODE": "IBAN",
    "EMAIL_ADDRESS": "Email",
    "PHONE_NUMBER": "Phone",
    "US_SSN": "NationalID",
    "IP_ADDRESS": "IPAddress",
}
FEW: Final = 50
TARGET: Final = 0.95
Spans = list[tuple[str, int, int]]


def measure_personal(data: Path) -> list[str]:
    """A table of F1 by entity: a span counts as found when a finding of its entity overlaps it."""
    rows = json.loads((data / SPANS).read_text(encoding="utf-8"))
    texts = [row["full_text"] for row in rows]
    truth = [
        [(ENTITIES[s["entity_type"]], s["start_position"], s["end_position"]) for s in row["spans"] if s["entity_type"] in ENTITIES]
        for row in rows
    ]
    ours = [_ours(text) for text in texts]
    analyser = _presidio()
    theirs = [analyser(text) for text in texts] if analyser else None
    lines = [
        "| entity | spans | precision | recall | F1 | target | presidio-analyzer F1 |",
        "|---|---|---|---|---|---|---|",
    ]
    for entity in dict.fromkeys(ENTITIES.values()):
        count = sum(name == entity for each in truth for name, _, _ in each)
        precision, recall, f1 = _score(entity, truth, ours)
        peer = f"{_score(entity, truth, theirs)[2]:.3f}" if theirs else "-"
        target = "no bar (few spans)" if count < FEW else f"{TARGET}, {'met' if f1 >= TARGET else 'missed'}"
        lines.append(f"| {entity} | {count} | {precision:.3f} | {recall:.3f} | {f1:.3f} | {target} | {peer} |")
    if theirs is None:
        lines += ["", "presidio-analyzer is not installed here, so its column is empty."]
    return lines


_DETECTOR: Final = PiiDetector("pii", Pii(entities=list(dict.fromkeys(ENTITIES.values())), countries=["US"]))  # type: ignore[arg-type]


def _ours(text: str) -> Spans:
    """Findings in letters: the detector counts bytes."""
    raw = text.encode()

    def letters(at: int) -> int:
        return len(raw[:at].decode(errors="ignore"))

    return [(str(found.entity), letters(found.start), letters(found.end)) for found in _DETECTOR.find(raw)]


def _score(entity: str, truth: Iterable[Spans], found: Iterable[Spans]) -> tuple[float, float, float]:
    hit = said = real = caught = 0
    for right, mine in zip(truth, found, strict=True):
        wanted = [span for span in right if span[0] == entity]
        given = [span for span in mine if span[0] == entity]
        real, said = real + len(wanted), said + len(given)
        hit += sum(any(_overlap(one, other) for other in wanted) for one in given)
        caught += sum(any(_overlap(one, other) for other in given) for one in wanted)
    precision, recall = hit / max(said, 1), caught / max(real, 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


def _overlap(one: tuple[str, int, int], other: tuple[str, int, int]) -> bool:
    return one[1] < other[2] and other[1] < one[2]


def _presidio() -> Callable[[str], Spans] | None:
    """presidio-analyzer's pattern recognisers alone: its language models are no part of the package."""
    if importlib.util.find_spec("presidio_analyzer") is None:
        return None
    from presidio_analyzer import predefined_recognizers as known  # an installable peer, not a dependency

    makers = ("CreditCardRecognizer", "IbanRecognizer", "EmailRecognizer", "PhoneRecognizer", "UsSsnRecognizer", "IpRecognizer")
    recognisers: list[Any] = [getattr(known, name)() for name in makers]

    def find(text: str) -> Spans:
        results = [each for one in recognisers for each in one.analyze(text, one.supported_entities, None) or ()]
        best: Spans = []
        for result in sorted(results, key=lambda each: -each.score):
            span = (ENTITIES[result.entity_type], result.start, result.end)
            if not any(_overlap(span, other) for other in best):
                best.append(span)
        return best

    return find
