"""`claims`: what a verified token or a trusted header says about the caller, such as a plan, groups or scopes.

`jwt` names a claim of a token that Envoy has verified: a listener's `jwt` says whose tokens count
([forebay.yaml](../../crds/REFERENCE.md#forebayyaml), or the chart's `envoy.listeners`). What a client writes into
headers or body cannot get there.

* A claim is a text, a number, a boolean (`true`, `false`) or a list of these, compared with `any` letter by letter. The
  text of `scope` and of `scp` is a list split at spaces. In other texts nothing is split: a name is not a list of roles.
* `claim: realm_access.roles` is the claim of that whole name or, where there is none, `roles` in the object `realm_access`.
* `provider` takes one provider's tokens only. With several providers say which: each may claim what it likes.
* Without a verified token the signal is unknown, as it is where the claim is an object, holds one, or is a number beyond
  2^53, and where the token's claims are larger than 32 KiB or deeper than 16. `signals.plan.unknown || !signals.plan.matched`
  is true of whoever has not shown the plan.
* A token without the claim claims nothing: not matched, and not unknown.

`header` must be set by something before Forebay that clients cannot get past: a gateway that has verified a token and
writes claims into headers (`claim_to_headers` of Envoy's jwt_authn, `claimToHeaders` of Envoy Gateway's SecurityPolicy).

* Its value counts as a whole and, split at commas and spaces, in parts.
* Without the header nothing is claimed: not matched, and not unknown. A header that came twice is refused with 400
  before any rule is asked, because joined it could hide or add a value.

Matches when one value is among `any`. `label` is the first of `any` that is claimed, `labels` are all of them, in the
policy's order. What the policy does not list is never recorded.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from forebay_api.signal import Claims
from forebay_decision.record import SignalRecord
from forebay_decision.signals.detector import Texts
from forebay_decision.token import claimed
from forebay_decision.work import Skipped

_BETWEEN: Final = re.compile(r"[,\s]+")


class ClaimsDetector:
    """Compares a claim or a header with the policy's list."""

    kind = "claims"
    scope = ""
    cost = 1.0

    def __init__(self, name: str, spec: Claims) -> None:
        self.name = name
        self._header = spec.header or ""
        self._jwt = spec.jwt
        self._any = spec.any

    def prepare(self, texts: Texts) -> None:
        """Nothing: what is claimed stands beside the text."""

    def detect(self, texts: Texts, prepared: object = None) -> SignalRecord | Skipped:
        if self._jwt is None:
            value = texts.headers.get(self._header, "").strip()
            return self._among({value, *_BETWEEN.split(value)})
        told = claimed(texts.verified, self._jwt)
        return Skipped(told.unknown) if told.unknown else self._among(frozenset(told.texts))

    def _among(self, held: Collection[str]) -> SignalRecord:
        labels = tuple(claim for claim in self._any if claim in held)
        return SignalRecord(matched=bool(labels), label=labels[0] if labels else None, labels=labels)
