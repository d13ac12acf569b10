"""What an adapter to a Gateway API implementation has to do; the next implementation is another one of these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_operator.backends.endpoint import Backends
from forebay_operator.cluster.objects import Service
from forebay_operator.gateway.attach import Attached
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.objects import Stored
from forebay_operator.gateway.placing import Origins
from forebay_operator.gateway.sharing import Shared


class DataPlaneRef(msgspec.Struct, frozen=True):
    """The data planes' Service, ``namespace/name``, and its gRPC port. `tls_secret` is a Secret in the same namespace with
    tls.crt, tls.key and ca.crt by which a gateway is let in; empty is plaintext. `server_name` is what their certificate
    says, `domain` the cluster's DNS domain."""

    service: str
    port: int
    tls_secret: str = ""
    server_name: str = ""
    domain: str = "cluster.local"


class Held(msgspec.Struct, frozen=True):
    """One accepted Enforce policy and what it holds. `uid` is of the RoutingPolicy."""

    spec: PolicySpec
    attached: Attached
    uid: str
    also: tuple[PolicySpec, ...] = ()
    """Other versions to whose pools there have to be routes, too (transition.py)."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that an adapter writes from. Policies, pools and Services go by ``namespace/name``.

    `credentials` maps pools to the Secret (in the pool's namespace) with their credential; `injectable` are those whose
    Secret has it in the form that the implementation needs. `uids` are the pools'.
    """

    installation: str
    data_plane: DataPlaneRef
    policies: Mapping[str, Held]
    pools: Mapping[str, PoolSpec]
    backends: Backends
    services: Mapping[str, Service]
    facts: GatewayFacts
    injectable: frozenset[str] = frozenset()
    uids: Mapping[str, str] = {}
    shared: Shared = Shared()


class Generated(msgspec.Struct, frozen=True):
    """One object to be there. `spec` is all of it that we write; `stage` orders: what a later stage refers to or relies
    on is written before. `policies` are those for which it is. Nothing relies on what is `optional`: whether it is taken is
    told in Plan.losses and nowhere else. What has an `owner` and a `keeper` goes by itself only when both have gone."""

    plural: str
    namespace: str
    name: str
    spec: dict[str, Any]
    labels: dict[str, str]
    owner: dict[str, Any] | None
    stage: int
    policies: tuple[str, ...] = ()
    optional: bool = False
    keeper: dict[str, Any] | None = None
    content: str = ""
    """Hash of all that we write (comparison.sealed)."""

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"


class Plan(msgspec.Struct, frozen=True):
    """`losses` says per policy what it asks for and does not get, and what would mend that."""

    objects: tuple[Generated, ...] = ()
    losses: Mapping[str, tuple[str, ...]] = {}


class Judgement(msgspec.Struct, frozen=True):
    """What the implementation says of the objects of one policy: `waiting` for what, or `refused` for what reason; both
    empty where all is well."""

    waiting: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        return not (self.waiting or self.refused)


class Implementation(Protocol):
    """An adapter. Both functions are pure: the same arguments give equal results, in the same order."""

    controllers: frozenset[str]
    """Values of GatewayClass.spec.controllerName that it writes for."""
    own_kinds: frozenset[str]
    """Plurals of the kinds, besides HTTPRoutes and ReferenceGrants, that it reads and writes."""

    def plan(self, wanted: Wanted) -> Plan:
        """Every object that has to be there."""
        ...

    def needs(self, policy: str, spec: PolicySpec) -> frozenset[str]:
        """The values of the routing header that a version of a policy may lead to."""
        ...

    def origins(self, attached: Mapping[str, Attached], shared: Shared, facts: GatewayFacts) -> Origins:
        """By what names its Envoys tell data planes that a request has met what a policy holds; nothing of what is not
        told."""
        ...

    def routed(self, attached: Mapping[str, Attached], facts: GatewayFacts) -> Mapping[str, frozenset[str]]:
        """Of each policy, those for which the implementation has accepted routes, wherever the policy is attached."""
        ...

    def shown(self, policies: Iterable[str], facts: GatewayFacts) -> frozenset[str]:
        """Those of them that requests of a user's routes may be shown to now."""
        ...

    def taken(self, stored: Stored) -> bool:
        """Whether the implementation has accepted an HTTPRoute of ours as it is stored now, at every parent."""
        ...

    def heard(self, stored: Stored) -> bool:
        """Whether the implementation has spoken of an object of ours as it is stored now, whatever it says."""
        ...

    def is_written(self, made: Generated, stored: Stored) -> bool:
        """Whether an object is stored as it should be; an adapter may remember it while both are the very same."""
        ...

    def judge(self, policy: str, plan: Plan, wanted: Wanted) -> Judgement:
        """How one policy's objects stand, by what is stored of them and of its Gateways."""
        ...
