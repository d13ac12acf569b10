"""Heads that policies keep in ConfigMaps: `forebay train` has made them, and data planes get them with the policy.

With the policy, because the two belong together: one content hash, one rollout, one last good version, and no data plane
ever has the one without the other. Nothing here looks into a head; its digest says that it is the one that was meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec

from forebay_api.policy import PolicySpec, RoutingPolicy
from forebay_api.policy_data import ConfigMap
from forebay_api.signal import HeadArtifact
from forebay_api.wire import PlacedSpec
from forebay_decision.check import Finding
from forebay_operator.memory import recalled
from forebay_operator.references.config_maps import ConfigMaps, ReferenceFault, Referred, no_key, refer, there

MAX_BYTES: Final = 4 << 20
"""Of all heads of one policy: they travel in one message with it. One head is at most what a ConfigMap holds."""


def carry_heads(policies: Mapping[str, RoutingPolicy], config_maps: ConfigMaps) -> Referred:
    """Put heads beside policies. A policy without any, or of which nothing has changed, is the very object of before."""

    def carry(name: str, policy: RoutingPolicy) -> tuple[RoutingPolicy, tuple[Finding, ...]]:
        if not (wanted := _wanted(name, policy.spec)):
            return policy, ()
        maps = [config_maps.get(name, artifact.config_map_ref) for _, artifact in wanted if artifact.config_map_ref]
        return _carry(name, policy, config_maps.why_closed(name.partition("/")[0]), *maps)

    return refer(policies, carry)


@recalled
def _wanted(_name: str, spec: PolicySpec) -> tuple[tuple[str, HeadArtifact], ...]:
    """Path of each reference to a ConfigMap, and what refers to it."""
    artifacts = [(index, s.classifier.artifact) for index, s in enumerate(spec.signals) if s.classifier is not None]
    return tuple(
        (f"spec.signals[{index}].classifier.artifact.configMapRef", artifact)
        for index, artifact in artifacts
        if artifact is not None and artifact.config_map_ref is not None
    )


@recalled
def _carry(
    name: str, policy: RoutingPolicy, closed: str, *maps: ConfigMap | None
) -> tuple[RoutingPolicy, tuple[Finding, ...]]:
    heads: dict[str, bytes] = {}
    findings: list[Finding] = []
    for (path, artifact), found in zip(_wanted(name, policy.spec), maps, strict=True):
        if (ref := artifact.config_map_ref) is None:
            continue
        try:
            head = _head(there(name, ref, found, closed), ref.key, artifact.digest)
            if sum(map(len, heads.values())) + len(head) > MAX_BYTES and artifact.digest not in heads:
                message = f"with it the policy's models have more than {MAX_BYTES} bytes: split the policy"
                raise ReferenceFault(message, "ConfigMapInvalid")
            heads[artifact.digest] = head
        except ReferenceFault as fault:
            findings.append(fault.finding(path, ref))
    if findings:
        return policy, tuple(findings)
    return msgspec.structs.replace(policy, spec=_with_heads(policy.spec, heads)), ()


def _head(found: ConfigMap, key: str, digest: str) -> bytes:
    if key not in found.binary_data:
        raise no_key("binaryData", found.binary_data)
    head = found.binary_data[key]
    made = f"sha256:{sha256(head).hexdigest()}"
    if made != digest:
        raise ReferenceFault(
            f"its digest is {made}, and the policy says {digest}: correct the policy's digest, or put the model there "
            "that it names",
            "ConfigMapInvalid",
        )
    return head


def _with_heads(spec: PolicySpec, heads: Mapping[str, bytes]) -> PlacedSpec:
    fields = {field: getattr(spec, field) for field in spec.__struct_fields__}
    return PlacedSpec(**{**fields, "heads": dict(heads)})
