"""What a situation holds of Gateways: what targets come to, and all that an adapter needs beside the verdicts."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from forebay_api.policy import PolicySpec
from forebay_operator.backends.endpoint import Backends
from forebay_operator.cluster.objects import Service
from forebay_operator.gateway.attach import Attached
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.implementation import DataPlaneRef, Held, Wanted
from forebay_operator.gateway.sharing import Shared
from forebay_operator.judgement.verdict import Verdicts


class GatewaySituation(msgspec.Struct, frozen=True, kw_only=True):
    """One moment, to be looked at again after `again` seconds. `also` are versions of policies to whose pools there have to
    be routes, besides those that are out; `pending` are policies whose newest version waits for them, `leaving` those for which
    nothing is to be there any more, while data planes still answer by them. `policy_uids` and `pool_uids` are by ``namespace/name``."""

    installation: str
    data_plane: DataPlaneRef
    attached: Mapping[str, Attached]
    facts: GatewayFacts
    services: Mapping[str, Service]
    also: Mapping[str, tuple[PolicySpec, ...]] = {}
    pending: frozenset[str] = frozenset()
    leaving: frozenset[str] = frozenset()
    again: float | None = None
    injectable: frozenset[str] = frozenset()
    shared: Shared = Shared()
    policy_uids: Mapping[str, str] = {}
    pool_uids: Mapping[str, str] = {}


def wanted(situation: GatewaySituation, verdicts: Verdicts, backends: Backends) -> Wanted:
    """What has to be written for the policies that are accepted: Shadow policies have nothing written."""
    held = {
        name: Held(verdict.spec, attached, situation.policy_uids.get(name, ""), situation.also.get(name, ()))
        for name, attached in situation.attached.items()
        if (verdict := verdicts.policies.get(name)) is not None
        and verdict.spec is not None
        and verdict.spec.mode == "Enforce"
        and attached.targets
        and name not in situation.leaving
    }
    return Wanted(
        installation=situation.installation,
        data_plane=situation.data_plane,
        policies=dict(sorted(held.items())),
        pools=verdicts.accepted_pools(),
        backends=backends,
        services=situation.services,
        facts=situation.facts,
        injectable=situation.injectable,
        uids=situation.pool_uids,
        shared=situation.shared,
    )
