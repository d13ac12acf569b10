"""`pii` on presidio-research's sentences, span by span, beside presidio-analyzer's own pattern recognisers.

The rules were tuned on the sentences of half the templates (even SHA-256 of the template's number); the other half was
only ever counted. Intervals are of 1,000 resamplings of sentences, the difference to the peer in pairs.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

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
RESAMPLINGS: Final = 1000
SEED: Final = 6
Spans = list[tuple[str, int, int]]
Counts = np.ndarray[Any, np.dtype[np.int64]]
"""A row a sentence: spans found, spans too many, spans missed."""


def measure_personal(data: Path) -> list[str]:
    """Tables of F1 by entity: a span counts as found when a finding of its entity overlaps it."""
    rows = json.loads((data / SPANS).read_text(encoding="utf-8"))
    texts = [row["full_text"] for row in rows]
    truth = [
        [
            (ENTITIES[s["entity_type"]], s["start_position"], s["end_position"])
            for s in row["spans"]
            if s["entity_type"] in ENTITIES
        ]
        for row in rows
    ]
    ours = [_ours(text) for text in texts]
    analyser = _presidio()
    theirs = [analyser(text) for text in texts] if analyser else None
    counted = np.array([not tuned_on(row["template_id"]) for row in rows])
    lines = ["All sentences:", "", *_table(truth, ours, theirs)]
    lines += ["", "Sentences of the templates that nothing was tuned on:", ""]
    lines += _table(
        *(
            [each for each, keep in zip(of, counted, strict=True) if keep] if of else None
            for of in (truth, ours, theirs)
        )
    )
    if theirs is None:
        lines += ["", "presidio-analyzer is not installed here, so its columns are empty."]
    return lines


def tuned_on(template: object) -> bool:
    """Whether the rules were tuned on sentences of this template."""
    return int(hashlib.sha256(str(template).encode()).hexdigest()[:8], 16) % 2 == 0


def _table(truth: list[Spans] | None, ours: list[Spans] | None, theirs: list[Spans] | None) -> list[str]:
    lines = [
        "| entity | spans | found | missed | false | F1 [95 %] | target | presidio-analyzer F1 | difference [95 %] |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for entity in dict.fromkeys(ENTITIES.values()):
        mine = _counts(entity, truth or [], ours or [])
        found, false, missed = mine.sum(axis=0)
        peer = None if theirs is None else _counts(entity, truth or [], theirs)
        f1, low, high, difference = _intervals(mine, peer)
        spans = int(found + missed)
        target = "no bar (few spans)" if spans < FEW else f"{TARGET}, {'met' if f1 >= TARGET else 'missed'}"
        theirs_f1 = "-" if peer is None else f"{_f1(peer.sum(axis=0)):.3f}"
        lines.append(
            f"| {entity} | {spans} | {found} | {missed} | {false} | {f1:.3f} [{low:.3f}, {high:.3f}] | {target} "
            f"| {theirs_f1} | {difference} |"
        )
    return lines


def _counts(entity: str, truth: list[Spans], found: list[Spans]) -> Counts:
    rows = []
    for right, mine in zip(truth, found, strict=True):
        wanted = [span for span in right if span[0] == entity]
        given = [span for span in mine if span[0] == entity]
        caught = sum(any(_overlap(one, other) for other in given) for one in wanted)
        false = sum(not any(_overlap(one, other) for other in wanted) for one in given)
        rows.append((caught, false, len(wanted) - caught))
    return np.array(rows, dtype=np.int64)


def _f1(counts: Counts) -> float:
    found, false, missed = counts
    return float(2 * found / max(2 * found + false + missed, 1))


def _intervals(mine: Counts, peer: Counts | None) -> tuple[float, float, float, str]:
    """F1, its interval, and the difference to the peer with its own."""
    rng = np.random.default_rng(SEED)
    drawn, differences = [], []
    for _ in range(RESAMPLINGS):
        rows = rng.integers(0, len(mine), len(mine))
        drawn.append(_f1(mine[rows].sum(axis=0)))
        if peer is not None:
            differences.append(drawn[-1] - _f1(peer[rows].sum(axis=0)))
    low, high = np.percentile(drawn, (2.5, 97.5))
    f1 = _f1(mine.sum(axis=0))
    if peer is None:
        return f1, float(low), float(high), "-"
    below, above = np.percentile(differences, (2.5, 97.5))
    return f1, float(low), float(high), f"{f1 - _f1(peer.sum(axis=0)):+.3f} [{below:+.3f}, {above:+.3f}]"


_DETECTOR: Final = PiiDetector("pii", Pii(entities=list(dict.fromkeys(ENTITIES.values())), countries=["US"]))  # type: ignore[arg-type]


def _ours(text: str) -> Spans:
    """Findings in letters: the detector counts bytes."""
    raw = text.encode()

    def letters(at: int) -> int:
        return len(raw[:at].decode(errors="ignore"))

    return [(str(found.entity), letters(found.start), letters(found.end)) for found in _DETECTOR.find(raw)]


def _overlap(one: tuple[str, int, int], other: tuple[str, int, int]) -> bool:
    return one[1] < other[2] and other[1] < one[2]


def _presidio() -> Callable[[str], Spans] | None:
    """presidio-analyzer's pattern recognisers alone: its language models are no part of the package."""
    if importlib.util.find_spec("presidio_analyzer") is None:
        return None
    from presidio_analyzer import predefined_recognizers as known  # an installable peer, not a dependency

    makers = (
        "CreditCardRecognizer",
        "IbanRecognizer",
        "EmailRecognizer",
        "PhoneRecognizer",
        "UsSsnRecognizer",
        "IpRecognizer",
    )
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
