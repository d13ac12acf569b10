"""When resources cannot be made: which objects are to blame, so that all the others go out.

What was published before could be made, so only what is new is suspected. Each suspect is made alone, pools before the
policies that choose them. Who is blamed stays as it was last published, or out, and says why in its condition.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

import msgspec

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_decision.check import Finding
from forebay_decision.served import policy_pools, qualified
from forebay_operator.backends.endpoint import NOWHERE, Backend, Backends
from forebay_operator.gather import Inputs
from forebay_operator.judgement.check_memory import PolicyCheck
from forebay_operator.judgement.findings import internal_error
from forebay_operator.judgement.verdict import Verdicts
from forebay_operator.xds.sizes import ResourceTooLarge

_LOG = logging.getLogger(__name__)
_PROBE: Final = "forebay-probe"
Policies = Mapping[str, PolicySpec]
Pools = Mapping[str, PoolSpec]
Make = Callable[[Policies, Pools, Backends], object]
"""Makes everything that goes out for these objects alone; raises where it cannot."""


class BlamedPolicy(msgspec.Struct, frozen=True):
    spec: PolicySpec
    finding: Finding


class BlamedPool(msgspec.Struct, frozen=True):
    spec: PoolSpec
    backend: Backend
    finding: Finding


class Blame(msgspec.Struct, frozen=True):
    """Who cannot be made, in which form. Any other form is tried anew."""

    policies: Mapping[str, BlamedPolicy] = {}
    pools: Mapping[str, BlamedPool] = {}

    def still(self, inputs: Inputs) -> Blame:
        """Those that are as they were when they were blamed."""
        return Blame(
            {n: b for n, b in self.policies.items() if n in inputs.policies and inputs.policies[n].spec == b.spec},
            {
                n: b
                for n, b in self.pools.items()
                if n in inputs.pools and inputs.pools[n].spec == b.spec and inputs.backends.get(n, NOWHERE) == b.backend
            },
        )

    def check(self, check: PolicyCheck) -> PolicyCheck:
        """The check that refuses the blamed forms of policies, too."""

        def checked(name: str, spec: PolicySpec, pools: Pools) -> tuple[Finding, ...]:
            blamed = self.policies.get(name)
            found = check(name, spec, pools)
            return found if blamed is None or blamed.spec != spec else (*found, blamed.finding)

        return checked if self.policies else check

    def spare(self, inputs: Inputs, last: Verdicts, backends: Backends) -> Inputs:
        """The inputs with blamed pools as they were `last` published; those that never were stand in `unmade`."""
        if not self.pools:
            return inputs
        published = last.accepted_pools()
        pools, found = dict(inputs.pools), dict(inputs.backends)
        faults = dict(inputs.pool_faults)
        for name, blamed in self.pools.items():
            faults[name] = (*faults.get(name, ()), blamed.finding)
            if name in published:
                pools[name] = msgspec.structs.replace(pools[name], spec=published[name])
                found[name] = backends.get(name, NOWHERE)
        return msgspec.structs.replace(
            inputs,
            pools=pools,
            backends=found,
            pool_faults=faults,
            unmade_pools=frozenset(self.pools) - published.keys(),
        )


def find_blame(verdicts: Verdicts, backends: Backends, last: Verdicts, last_backends: Backends, make: Make) -> Blame:
    """Who of those that go out by `verdicts` cannot be made; empty where it is none of them alone."""
    policies, pools = verdicts.accepted_policies(), verdicts.accepted_pools()
    before, pools_before = last.accepted_policies(), last.accepted_pools()
    new_pools = {
        name
        for name, spec in pools.items()
        if pools_before.get(name) != spec or last_backends.get(name) != backends.get(name)
    }
    blamed_pools: dict[str, BlamedPool] = {}
    for name in sorted(new_pools):
        backend = backends.get(name, NOWHERE)
        finding = _try(f"ModelPool {name}", partial(make, _probe(name), {name: pools[name]}, {name: backend}))
        if finding is not None:
            blamed_pools[name] = BlamedPool(pools[name], backend, finding)
    sound = {n: spec for n, spec in pools.items() if n not in blamed_pools}
    sound |= {n: pools_before[n] for n in blamed_pools if n in pools_before}
    where = {**backends, **{n: last_backends.get(n, NOWHERE) for n in blamed_pools}}
    blamed_policies: dict[str, BlamedPolicy] = {}
    for name, spec in sorted(policies.items()):
        own = {pool: sound[pool] for pool in _pools_of(name, spec) if pool in sound}
        fresh = sorted(new_pools.intersection(own) - blamed_pools.keys())
        if before.get(name) == spec and not fresh:
            continue
        around = {pool: where.get(pool, NOWHERE) for pool in own}
        finding = _try(f"RoutingPolicy {name}", partial(make, {name: spec}, own, around))
        if finding is None:
            continue
        if before.get(name) == spec:
            # It could be made before, so it is what its pools have become, and they who stay as they were.
            blamed_pools |= {n: BlamedPool(pools[n], where.get(n, NOWHERE), finding) for n in fresh}
        else:
            blamed_policies[name] = BlamedPolicy(spec, finding)
    return Blame(blamed_policies, blamed_pools)


def _try(told: str, make: Callable[[], object]) -> Finding | None:
    try:
        make()
    except ResourceTooLarge as error:
        _LOG.error("%s: %s", told, error)
        return Finding("spec", str(error))
    except Exception as error:  # noqa: BLE001  # that is the question
        return internal_error(error, told, "resources are made of it")
    return None


def _pools_of(name: str, spec: PolicySpec) -> Iterator[str]:
    yield from policy_pools(name, spec)
    if spec.fail_open is not None:
        yield qualified(name, spec.fail_open.pool)


def _probe(pool: str) -> Policies:
    """A policy that sends everything to one pool, so that all that is made of a pool is made."""
    namespace, _, name = pool.partition("/")
    strategy = {"name": "probe", "direct": {"pools": [{"name": name}]}}
    return {
        f"{namespace}/{_PROBE}": msgspec.convert({"strategies": [strategy], "default": {"use": "probe"}}, PolicySpec)
    }
