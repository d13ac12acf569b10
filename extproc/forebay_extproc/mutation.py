"""What was decided -> what Envoy is told: the cluster header, the spliced body, the metadata; or the answer itself.

The metadata is all that the response side needs (explanation headers, access log, outcomes): strings from the
configuration and the decision record, bounded, and never text of the request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Final

import msgspec

from forebay_decision.dialects.openai.splice import splice
from forebay_decision.names import CLUSTER_HEADER, GATEWAY_HEADER, HEADER_PREFIX, HOPS_HEADER, RESPONSE_FIELDS
from forebay_decision.record import DecisionRecord
from forebay_decision.request import RequestHead
from forebay_decision.route import Answer, Forward
from forebay_extproc.events import Immediate, Mutate, Phase

LONGEST_VALUE: Final = 256
"""Characters of one metadata value or explanation header; names are shorter, reasons are cut."""


class _Error(msgspec.Struct):
    code: str


class _ErrorBody(msgspec.Struct):
    error: _Error


_ERROR: Final = msgspec.json.Decoder(_ErrorBody)
_PRINTABLE: Final = dict.fromkeys((*range(32), 127), "?")


def forward(outcome: Forward, head: RequestHead, body: bytes, phase: Phase, *, replica: str, tenant: str) -> Mutate:
    """The request goes on to the chosen cluster. `tenant` is its hash, or empty."""
    headers: tuple[tuple[str, str], ...] = ((CLUSTER_HEADER, outcome.cluster),)
    if outcome.hops:
        headers = (*headers, (HOPS_HEADER, outcome.hops))
    return Mutate(
        phase,
        headers,
        _forged(head.headers, {name for name, _ in headers}),
        splice(body, outcome.edits) if outcome.edits else None,
        metadata_of(outcome.record, replica=replica, tenant=tenant) | ({"stream": "true"} if outcome.stream else {}),
    )


def immediate(answer: Answer, method: str, *, replica: str = "", tenant: str = "") -> Immediate:
    """The caller is answered here; to HEAD without a body, whatever its status."""
    record = answer.record
    metadata = metadata_of(record, replica=replica, tenant=tenant) if record is not None else {}
    return Immediate(
        answer.status,
        (*answer.headers, *explanation(metadata)),
        b"" if method == "HEAD" else answer.body,
        metadata,
    )


def metadata_of(record: DecisionRecord, *, replica: str, tenant: str = "") -> dict[str, str]:
    """Keys and values for the decision's metadata namespace; values are printable and at most LONGEST_VALUE long."""
    found = {
        "decision-id": record.id,
        "decision": record.decided_by,
        "policy": record.policy,
        "revision": record.revision,
        "rule": record.rule,
        "strategy": record.strategy,
        "pool": record.pool,
        "model": record.model,
        "reason": record.reason,
        "replica": replica,
        "tenant": tenant,
    }
    return {key: _bounded(value) for key, value in found.items() if value}


def explanation(metadata: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Response headers of an answer of ours; on forwarded requests Envoy adds the same from the metadata."""
    return ((HEADER_PREFIX + field, metadata[field]) for field in RESPONSE_FIELDS if field in metadata)


def error_code(answer: Answer) -> str:
    """The code in the error object of an answer, or empty."""
    try:
        return _ERROR.decode(answer.body).error.code
    except msgspec.MsgspecError:
        return ""


def tenant_hash(tenant: str) -> str:
    """16 hex digits that every replica derives alike, so that logs can tell tenants apart without naming them."""
    return blake2b(tenant.encode("utf-8", "replace"), digest_size=8).hexdigest() if tenant else ""


def _forged(headers: Mapping[str, str], ours: set[str]) -> tuple[str, ...]:
    """Headers of our prefix that came with the request: Envoy strips them first thing, other gateways may not. And what a
    gateway has told us alone."""
    return tuple(
        name for name in headers if (name.startswith(HEADER_PREFIX) and name not in ours) or name == GATEWAY_HEADER
    )


def _bounded(value: str) -> str:
    if value.isprintable() and value.isascii():
        return value[:LONGEST_VALUE]
    return value.translate(_PRINTABLE).encode("ascii", "replace").decode()[:LONGEST_VALUE]
