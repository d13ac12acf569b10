"""One event of the API server, translated: what became of one object."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Literal

import msgspec

from forebay_api.admission.review import review
from forebay_api.base import Tolerant
from forebay_api.path import render_path
from forebay_api.policy import RoutingPolicy
from forebay_api.policy_data import read_config_map
from forebay_api.pool import ModelPool
from forebay_api.schema.envelope import object_shape
from forebay_api.schema.kinds import KINDS
from forebay_decision.check import Finding
from forebay_operator.cluster.kinds import POLICIES, POLICY_DATA, POOLS, SECRETS, Resource
from forebay_operator.references.secrets import SecretText

Ours = RoutingPolicy | ModelPool
_METADATA = ("name", "namespace", "generation", "creationTimestamp", "uid")
"""What of an object's metadata means anything here: our own writes of its status then change nothing that counts."""


class Identity(msgspec.Struct, frozen=True):
    """Which object, of which incarnation: an object that is deleted and made again has another `uid`."""

    namespace: str
    name: str
    uid: str

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"


class Refused(msgspec.Struct, frozen=True):
    """An object of ours that the API server has stored and that we cannot take: stored under older rules, say."""

    generation: int
    findings: tuple[Finding, ...]


class SecretFacts(Tolerant, frozen=True):
    """The values of one Secret, each hidden from whoever prints it."""

    values: dict[str, SecretText | None]


class Change(msgspec.Struct, frozen=True):
    """`value` is the decoded object; None where it is gone, or where `refused` says why it cannot be taken.

    `status` is the stored status of an object of ours, as the API server shows it at resource version `version`. `listed` marks an event that comes
    from a listing rather than a watch: the watch before it has ended, and deletions may have been missed.
    """

    resource: Resource
    identity: Identity
    value: Any = None
    refused: Refused | None = None
    status: Any = None
    version: str = ""
    listed: bool = False

    @property
    def gone(self) -> bool:
        return self.value is None and self.refused is None


def translate(resource: Resource, kind: Literal["ADDED", "MODIFIED", "DELETED"] | None, body: Any) -> Change:
    """What one raw event says. Never raises: an object that cannot be decoded is told as Refused."""
    meta = body.get("metadata") or {}
    identity = Identity(meta.get("namespace", ""), meta.get("name", ""), meta.get("uid", ""))
    if kind == "DELETED":
        return Change(resource, identity)
    value, refused = _decode(resource, body)
    status = body.get("status") if resource in (POLICIES, POOLS) else None
    return Change(resource, identity, value, refused, status, meta.get("resourceVersion", ""), listed=kind is None)


def _decode(resource: Resource, body: Any) -> tuple[Any, Refused | None]:
    generation = (body.get("metadata") or {}).get("generation", 0)
    try:
        if resource in (POLICIES, POOLS):
            return _ours(resource, body, generation)
        if resource == SECRETS:
            return _secret(body), None
        if resource == POLICY_DATA:
            return read_config_map(body), None
        return msgspec.convert(body, resource.decoded, strict=False), None
    except Exception as error:  # noqa: BLE001  # one object's shape must not end the watch of all others
        text = f"cannot be read: {type(error).__name__}" + ("" if resource == SECRETS else f": {error}")
        return None, Refused(generation, (Finding("", text),))


def _ours(resource: Resource, body: Any, generation: int) -> tuple[Ours | None, Refused | None]:
    kind = KINDS[resource.kind]
    metadata = {key: body["metadata"][key] for key in _METADATA if key in body["metadata"]}
    value = {
        "apiVersion": body["apiVersion"],
        "kind": body["kind"],
        "metadata": metadata,
        "spec": body.get("spec") or {},
    }
    settled, faults = review(value, object_shape(kind))
    if faults:
        return None, Refused(generation, tuple(Finding(render_path(f.path), f.message) for f in faults))
    return msgspec.convert(settled, kind.struct), None


def _secret(body: Any) -> SecretFacts:
    values: dict[str, SecretText | None] = {}
    for key, encoded in (body.get("data") or {}).items():
        try:
            values[key] = SecretText(base64.b64decode(encoded, validate=True).decode("ascii"))
        except (binascii.Error, UnicodeDecodeError, ValueError):
            values[key] = None  # there, and not usable in a header
    return SecretFacts(values=values)
