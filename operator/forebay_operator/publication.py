"""From verdicts to everything that goes out: Envoy's resources and ours, and the routing that bridges a change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import cast

import msgspec

from forebay_api.local import Listener
from forebay_api.policy import Attach, PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.wire import (
    POLICY_TYPE,
    POOL_STATE_TYPE,
    POOL_TYPE,
    REVISION_TYPE,
    PlacedSpec,
    PolicyResource,
    PoolResource,
    PoolState,
    Revision,
)
from forebay_decision.attachment import placed
from forebay_decision.native import NativeModel, native_models, shadowed_policies
from forebay_decision.served import policy_pools
from forebay_operator.backends.endpoint import Backends
from forebay_operator.envoy.assemble import assemble
from forebay_operator.envoy.inputs import DataPlane, EnvoyInputs
from forebay_operator.gather import Inputs
from forebay_operator.judgement.verdict import Verdicts
from forebay_operator.memory import lately, recalled
from forebay_operator.resources import Resource, Snapshot


class Surface(msgspec.Struct, frozen=True):
    """What the machine or the cluster adds: where to listen, where the data plane is, whom to trust."""

    listeners: tuple[Listener, ...]
    data_plane: DataPlane
    trust_ca: str | None = None


def envoy_inputs(
    inputs: Inputs, verdicts: Verdicts, backends: Backends, surface: Surface, saturated: frozenset[str]
) -> EnvoyInputs:
    """What Envoy's resources are made from; `saturated` pools lose their native routes, so that callers hear 429."""
    # Where targets were named somebody else's Envoy carries the traffic.
    policies = {name: spec for name, spec in verdicts.accepted_policies().items() if placed(spec) is None}
    pools = verdicts.accepted_pools()
    enforced = {name: spec for name, spec in policies.items() if spec.mode == "Enforce"}
    return EnvoyInputs(
        policies=enforced,
        pools=pools,
        backends=backends,
        pickers={name: backend.picker.failure_mode for name, backend in backends.items() if backend.picker},
        data_plane=surface.data_plane,
        listeners=surface.listeners,
        native=_natives(policies, pools, saturated),
        secrets={pool: value for pool, value in inputs.credentials.reveal().items() if pool in pools},
        missing_secrets=frozenset(inputs.credentials.findings).intersection(pools),
        trust_ca=surface.trust_ca,
    )


def _natives(
    policies: Mapping[str, PolicySpec], pools: Mapping[str, PoolSpec], saturated: frozenset[str]
) -> dict[str, tuple[NativeModel, ...]]:
    """What Envoy decides alone, for each Enforce policy; the very objects of before where nothing has changed."""
    shadowed = shadowed_policies(policies)
    return {
        name: _native(name, spec, name in shadowed, *_seen(name, spec, pools, saturated))
        for name, spec in policies.items()
        if spec.mode == "Enforce"
    }


def _seen(
    name: str, spec: PolicySpec, pools: Mapping[str, PoolSpec], saturated: frozenset[str]
) -> Iterator[PoolSpec | bool | None]:
    for pool in _own_pools(name, spec):
        yield pools.get(pool)
        yield pool in saturated


_own_pools = recalled(policy_pools)


@recalled
def _native(name: str, spec: PolicySpec, shadowed: bool, *seen: PoolSpec | bool | None) -> tuple[NativeModel, ...]:
    """`seen` is what is known of each pool of the policy: its spec, and whether it is saturated."""
    known = list(zip(_own_pools(name, spec), seen[::2], seen[1::2], strict=True))
    pools = {pool: found for pool, found, _ in known if isinstance(found, PoolSpec)}
    saturated = frozenset(pool for pool, _, full in known if full is True)
    return native_models(name, spec, pools, shadowed=shadowed, saturated=saturated)


def data_plane_resources(policies: Mapping[str, PolicySpec], pools: Mapping[str, PoolSpec]) -> list[Resource]:
    """Policies and pools, and the Revision that says which of them belong together."""
    made = [
        *(_policy_resource(name, spec) for name, spec in policies.items()),
        *(_pool_resource(name, spec) for name, spec in pools.items()),
    ]
    return [*made, _revision(*made)]


@recalled
def _policy_resource(name: str, spec: PolicySpec) -> Resource:
    return _resource(POLICY_TYPE, name, PolicyResource(name=name, spec=cast("PlacedSpec", spec)))


@recalled
def _pool_resource(name: str, spec: PoolSpec) -> Resource:
    return _resource(POOL_TYPE, name, PoolResource(name=name, spec=spec))


@lately
def _revision(*made: Resource) -> Resource:
    versions = {url: {r.name: r.version for r in made if r.type_url == url} for url in (POLICY_TYPE, POOL_TYPE)}
    digest = sha256(msgspec.msgpack.encode(versions, order="deterministic")).hexdigest()[:12]
    revision = Revision(id=digest, policies=versions[POLICY_TYPE], pools=versions[POOL_TYPE])
    return _resource(REVISION_TYPE, revision.name, revision)


def state_resources(states: Mapping[str, PoolState]) -> Iterator[Resource]:
    """Pool states, one resource a pool."""
    for name, state in states.items():
        yield _resource(POOL_STATE_TYPE, name, state)


def _resource(type_url: str, name: str, value: msgspec.Struct) -> Resource:
    return Resource(name, type_url, msgspec.msgpack.encode(value, order="deterministic"))


def combined(*snapshots: Snapshot) -> Snapshot:
    """All resources of several snapshots that share no type."""
    return Snapshot({url: found for snapshot in snapshots for url, found in snapshot.resources.items()})


def same_routing(old: EnvoyInputs, new: EnvoyInputs) -> bool:
    """Whether only servers and credentials differ, which routes and policies do not depend on."""
    kept = {"backends": new.backends, "secrets": new.secrets, "data_plane": new.data_plane}
    return old == new or msgspec.structs.replace(old, **kept) == new


def bridge(old: EnvoyInputs, new: EnvoyInputs) -> Snapshot:
    """Routing that serves the data plane's old policies and its new ones alike, for the moment between the two.

    It keeps what only the old policies choose (their pools, chains and attachments) and leaves to Envoy alone only
    what both configurations leave to it. Where attachments change, one policy's choice is a choice wherever it was asked.
    """
    policies = {name: _merged(old.policies.get(name), spec) for name, spec in new.policies.items()}
    policies |= {name: spec for name, spec in old.policies.items() if name not in new.policies}
    native = {name: _common(old.native.get(name, ()), new.native.get(name, ())) for name in policies}
    pools = {**old.pools, **new.pools}
    return assemble(
        msgspec.structs.replace(
            new,
            policies={name: _within(name, spec, pools) for name, spec in policies.items()},
            pools=pools,
            backends={**old.backends, **new.backends},
            pickers={name: mode for name, mode in old.pickers.items() if name not in new.pools} | dict(new.pickers),
            native=native,
            secrets={**old.secrets, **new.secrets},
            missing_secrets=new.missing_secrets | (old.missing_secrets - new.pools.keys()),
            reattached=_attached(old) != _attached(new),
        )
    )


def _attached(inputs: EnvoyInputs) -> dict[str, Attach]:
    return {name: spec.attach for name, spec in inputs.policies.items()}


def _common(old: tuple[NativeModel, ...], new: tuple[NativeModel, ...]) -> tuple[NativeModel, ...]:
    return new if old is new else tuple(native for native in new if native in old)


def _merged(old: PolicySpec | None, new: PolicySpec) -> PolicySpec:
    if old is None or old.strategies == new.strategies:
        return new
    return msgspec.structs.replace(
        new, strategies=[*new.strategies, *(strategy for strategy in old.strategies if strategy not in new.strategies)]
    )


def _within(name: str, spec: PolicySpec, pools: Mapping[str, PoolSpec]) -> PolicySpec:
    """The policy without a fail-open target that no longer exists."""
    namespace = name.partition("/")[0]
    if spec.fail_open is None or f"{namespace}/{spec.fail_open.pool}" in pools:
        return spec
    return msgspec.structs.replace(spec, fail_open=None)
