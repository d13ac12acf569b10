"""`claims`: what a trusted header says about the caller, such as a plan, groups or scopes.

The header must be set by something before Forebay that clients cannot get past: a gateway that has verified a token
and writes claims into headers (`claim_to_headers` of Envoy's jwt_authn, `claimToHeaders` of Envoy Gateway's
SecurityPolicy). Tokens themselves are not read here.

* Matches when the header's value, or one of several split at commas and spaces, is among `any`; letters must be equal.
* `label` is the first of `any` that the header holds, `labels` are all of them, in the policy's order. What the policy
  does not list is never recorded.
* Without the header nothing is claimed: not matched, and not unknown. A header that came twice is refused with 400
  before any rule is asked, because joined it could hide or add a value.
"""

from __future__ import annotations

import re
from typing import Final

from forebay_api.signal import Claims
from forebay_decision.record import SignalRecord
from forebay_decision.signals.detector import Texts

_BETWEEN: Final = re.compile(r"[,\s]+")


class ClaimsDetector:
    """Compares a header with the policy's list."""

    kind = "claims"
    scope = ""
    cost = 1.0

    def __init__(self, name: str, spec: Claims) -> None:
        self.name = name
        self._header = spec.header
        self._any = spec.any

    def prepare(self, texts: Texts) -> None:
        """Nothing: the header is all it takes."""

    def detect(self, texts: Texts, prepared: object = None) -> SignalRecord:
        value = texts.headers.get(self._header, "").strip()
        held = {value, *_BETWEEN.split(value)}
        labels = tuple(claim for claim in self._any if claim in held)
        return SignalRecord(matched=bool(labels), label=labels[0] if labels else None, labels=labels)
