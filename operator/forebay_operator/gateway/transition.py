"""How a change of a policy comes about while requests flow: what a gateway has to know first, and what it forgets last.

A gateway and the data planes learn of a change one after the other. So a policy's new version goes to the data planes
once the gateway has routes to every pool that it may choose, and pools that only the former one chose keep their routes
for a while. Places that a policy has left, or all of them where it becomes a Shadow policy, are kept by the data planes until the
gateway no longer shows them requests from there. A place that goes from one policy to another stays the former's until the
gateway has the other's routes; one that is new under a policy that is shown requests already is nobody's until then.

Times are passed in, in monotonic seconds. For one thread at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Final

import msgspec

from forebay_api.base import ObjectMeta
from forebay_api.policy import PolicySpec, RoutingPolicy
from forebay_api.wire import Origin, Place, PlacedSpec
from forebay_decision.attachment import placed
from forebay_operator.gateway.holdings import Claim, at, enforced, matched, places_of, same, with_places, without

LINGER_SECONDS: Final = 10.0
"""Longer than a gateway takes to take a route back."""
PATIENCE_SECONDS: Final = 30.0
"""How long a new version waits for a gateway that says nothing. What is decided for a pool without a route is refused, so
waiting is better; but a gateway that is down must not hold a new rule back for ever."""
SETTLE_SECONDS: Final = 3.0
"""From the word that a route is accepted to its being served. Envoy Gateway says it side by side with sending the route to
its Envoys; how far apart the two were is measured by `python -m e2e.scale.gateway` and stands in docs/benchmarks.md."""

Routed = Mapping[str, frozenset[str]]
"""By policy, the values of the routing header for which a gateway has accepted routes everywhere."""
_Place = tuple[str, str, Origin | None]
"""Host, prefix and the gateway's route, if it tells."""


class Step(msgspec.Struct, frozen=True):
    """`policies` are to be judged and published; routes are needed for `also`, too; `again` is when to look again,
    in seconds, None where only news can change anything."""

    policies: Mapping[str, RoutingPolicy]
    also: Mapping[str, tuple[PolicySpec, ...]] = {}
    pending: frozenset[str] = frozenset()
    """Policies whose newest version waits for its routes."""
    leaving: frozenset[str] = frozenset()
    """Policies of which the gateway is to show nothing more, while data planes still answer by them."""
    again: float | None = None


class _Version(msgspec.Struct):
    """What of one policy is out, what is to follow, and what was before."""

    released: PolicySpec
    candidate: PolicySpec | None = None
    since: float = 0.0
    routed_since: float | None = None
    former: PolicySpec | None = None
    former_until: float = 0.0


class _Takeover(msgspec.Struct):
    """A policy gets places of another one's, and `routed_since` the gateway has its routes to all of its pools."""

    since: float
    routed_since: float | None = None


class Transition:
    """Remembers what was out."""

    def __init__(self) -> None:
        self._versions: dict[str, _Version] = {}
        self._takeovers: dict[str, _Takeover] = {}
        self._holders: dict[_Place, str] = {}
        self._left: dict[tuple[str, Claim], float] = {}
        self._policies: dict[str, RoutingPolicy] = {}

    def recall(self, policies: Mapping[str, PolicySpec], now: float) -> None:
        """These versions an operator before this one has published, so data planes have them; before the first step. What
        was deleted, or has left a place, while there was none comes about as if it happened now."""
        for name, spec in policies.items():
            fields = {field: getattr(spec, field) for field in PolicySpec.__struct_fields__ if field != "target_refs"}
            self._versions[name] = _Version(PlacedSpec(**fields))
            if (places := placed(spec)) is not None:
                self._policies[name] = _recalled(name, PlacedSpec(**fields, places=places))
            for claim in enforced(spec):
                self._left[name, claim] = now
                self._holders.setdefault(claim[:3], name)

    @property
    def known(self) -> Set[str]:
        """Policies that data planes know, also those that are gone."""
        return self._policies.keys()

    def step(
        self,
        policies: Mapping[str, RoutingPolicy],
        routed: Routed,
        needs: Mapping[str, frozenset[str]],
        now: float,
        shown: Set[str] = frozenset(),
    ) -> Step:
        """`policies` have their targets resolved. `needs` are by policy what its newest version may lead to; a policy
        that is not in it waits for nothing. `shown` are policies that a gateway may be showing requests to."""
        targeted = {name: policy for name, policy in policies.items() if placed(policy.spec) is not None}
        waits: list[float] = []
        # One that has `attach` from now on is first let go where it had targets: it cannot have both.
        made = {
            name: policy for name, policy in policies.items() if name in targeted or not self._still_asked(name, now)
        }
        also: dict[str, tuple[PolicySpec, ...]] = {}
        leaving: set[str] = set()
        for name, policy in targeted.items():
            version = self._advance(name, policy.spec, routed.get(name, frozenset()), needs.get(name), now, waits)
            if _steps_back(version):
                leaving.add(name)
                made[name] = msgspec.structs.replace(policy, spec=at(version.released, ()))
            elif version.released is not policy.spec:
                made[name] = msgspec.structs.replace(policy, spec=at(version.released, placed(policy.spec) or ()))
            extra = tuple(spec for spec in (version.candidate, version.former) if spec is not None)
            if extra:
                also[name] = extra
        for name in self._versions.keys() - targeted.keys():
            if self._still_asked(name, now):
                self._versions[name].candidate = None  # it may come back, as another one
            else:
                del self._versions[name]
        withheld = self._withheld(targeted, routed, needs, shown, now, waits)
        for name, claims in withheld.items():
            made[name] = without(made[name], claims)
        gone = shown - (targeted.keys() - leaving)
        for name, places in self._lingering(targeted, withheld, gone, now, waits).items():
            made[name] = with_places(made.get(name) or _last(self._policies[name]), places)
        made = {**policies, **made}
        self._holders = {claim[:3]: name for name, policy in made.items() for claim in enforced(policy.spec)}
        self._policies = {name: made[name] for name in made if placed(made[name].spec) is not None}
        pending = frozenset(withheld).union(
            name for name, version in self._versions.items() if version.candidate is not None
        )
        return Step(made, also, pending, frozenset(leaving), min(waits) if waits else None)

    def _advance(
        self,
        name: str,
        spec: PolicySpec,
        routed: frozenset[str],
        needed: frozenset[str] | None,
        now: float,
        waits: list[float],
    ) -> _Version:
        version = self._versions.setdefault(name, _Version(spec))
        if version.former is not None and now >= version.former_until:
            version.former = None
        if same(version.released, spec):
            version.released, version.candidate = spec, None
        elif spec.mode == "Shadow" and self._still_asked(name, now):
            # Until the gateway asks no more it answers as if it were deleted: a Shadow policy answers nobody.
            version.candidate = spec
        else:
            if "Shadow" in (version.released.mode, spec.mode):
                needed = None  # nothing is routed for the one, or will be for the other
            if version.candidate is None or not same(version.candidate, spec):
                version.since, version.routed_since = now, None
            version.candidate = spec
            if needed is None or needed <= routed:
                version.routed_since = now if version.routed_since is None else version.routed_since
            else:
                version.routed_since = None
            settled = version.routed_since is not None and now >= version.routed_since + SETTLE_SECONDS
            if needed is None or settled or now >= version.since + PATIENCE_SECONDS:
                version.former, version.former_until = version.released, now + LINGER_SECONDS
                version.released, version.candidate = spec, None
            else:
                due = version.since + PATIENCE_SECONDS
                if version.routed_since is not None:
                    due = min(due, version.routed_since + SETTLE_SECONDS)
                waits.append(due - now)
        if version.former is not None:
            waits.append(version.former_until - now)
        return version

    def _still_asked(self, name: str, now: float) -> bool:
        """Whether the gateway may still show requests at a place that an Enforce policy had."""
        return any(known == name and now < last + LINGER_SECONDS for (known, _), last in self._left.items())

    def _withheld(
        self,
        targeted: Mapping[str, RoutingPolicy],
        routed: Routed,
        needs: Mapping[str, frozenset[str]],
        shown: Set[str],
        now: float,
        waits: list[float],
    ) -> dict[str, frozenset[Claim]]:
        """What policies have of others' places, or get where they are shown requests already, and the gateway no routes for
        yet, by policy."""
        found: dict[str, frozenset[Claim]] = {}
        for name, policy in targeted.items():
            had = None
            if name in shown and name in self._policies:
                had = {matched(claim) for claim in enforced(self._policies[name].spec)}
            gained = frozenset(
                claim
                for claim in enforced(policy.spec)
                if self._holders.get(claim[:3], name) != name or (had is not None and matched(claim) not in had)
            )
            if not gained or name not in needs:
                self._takeovers.pop(name, None)
                continue
            takeover = self._takeovers.setdefault(name, _Takeover(now))
            if not needs[name] <= routed.get(name, frozenset()):
                takeover.routed_since = None
            elif takeover.routed_since is None:
                takeover.routed_since = now
            due = takeover.since + PATIENCE_SECONDS
            if takeover.routed_since is not None:
                due = min(due, takeover.routed_since + SETTLE_SECONDS)
            if now < due:
                found[name] = gained
                waits.append(due - now)
        for name in self._takeovers.keys() - targeted.keys():
            del self._takeovers[name]
        return found

    def _lingering(
        self,
        targeted: Mapping[str, RoutingPolicy],
        withheld: Mapping[str, frozenset[Claim]],
        gone: Set[str],
        now: float,
        waits: list[float],
    ) -> dict[str, tuple[Place, ...]]:
        """Places that policies have left and that nobody else has taken, by policy. While another policy waits for one of
        them, all of them stay: the gateway shows requests there until it may show them to that one. So do those of policies
        that are `gone` and still shown requests."""
        nothing: frozenset[Claim] = frozenset()
        held = {
            (name, claim)
            for name, policy in targeted.items()
            for claim in enforced(policy.spec)
            if claim not in withheld.get(name, nothing)
        }
        taken = {claim[:3] for _, claim in held}
        awaited = {self._holders.get(claim[:3], "") for claims in withheld.values() for claim in claims}
        asked = awaited | gone
        kept = [key for key, last in self._left.items() if key[0] in asked and now < last + LINGER_SECONDS]
        for key in (*held, *kept):
            self._left[key] = now
        found: dict[str, list[Claim]] = {}
        for (name, claim), last in list(self._left.items()):
            if (name, claim) in held:
                continue
            if now >= last + LINGER_SECONDS or claim[:3] in taken:
                del self._left[name, claim]
            else:
                found.setdefault(name, []).append(claim)
                waits.append(last + LINGER_SECONDS - now)
        return {name: tuple(places_of(claims)) for name, claims in found.items() if name in self._policies}


def _steps_back(version: _Version) -> bool:
    """From Enforce to Shadow."""
    return version.candidate is not None and (version.released.mode, version.candidate.mode) == ("Enforce", "Shadow")


def _recalled(name: str, spec: PolicySpec) -> RoutingPolicy:
    """A policy as an operator before this one has published it."""
    namespace, _, own = name.partition("/")
    metadata = ObjectMeta(name=own, namespace=namespace)
    return RoutingPolicy(api_version="forebay.dev/v1alpha1", kind="RoutingPolicy", metadata=metadata, spec=spec)


def _last(policy: RoutingPolicy) -> RoutingPolicy:
    """A policy that is gone: whoever wants its place has it, and it claims none but those that it left."""
    metadata = msgspec.structs.replace(policy.metadata, creation_timestamp=None)
    return msgspec.structs.replace(policy, metadata=metadata, spec=at(policy.spec, ()))
