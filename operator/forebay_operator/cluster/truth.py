"""From everything that is known now to the status of each object: what is told to the writer.

Objects about which nothing has changed since the last time are passed over, so that looking often costs little.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import msgspec

from forebay_api.status import PolicyStatus, PoolStatus
from forebay_api.wire import PoolState
from forebay_operator.cluster.kinds import POLICIES, POOLS, Resource
from forebay_operator.cluster.statuses import Status, StatusWriter
from forebay_operator.cluster.store import Stored
from forebay_operator.core import Core
from forebay_operator.gateway.told import GatewayTold
from forebay_operator.judgement.findings import cut, state_accepted
from forebay_operator.judgement.verdict import PolicyVerdict, Statement, Verdicts
from forebay_operator.scrape.load_status import LoadStatuses
from forebay_operator.scrape.state import PoolStates
from forebay_operator.situation import Situation
from forebay_operator.telling.programme import Programme
from forebay_operator.telling.status import policy_status, pool_status
from forebay_operator.xds.server import XdsServer

LOOK_SECONDS: Final = 5.0
"""How often a pool is looked at although nothing but its load has moved."""
_LOG = logging.getLogger(__name__)


_NO_GATEWAYS: Final[Mapping[str, GatewayTold]] = {}
_NO_OBJECTS: Final[Mapping[tuple[str, str], Stored]] = {}


class Truth:
    """One leader's view of what every status has to be. Times are passed in."""

    def __init__(self, writer: StatusWriter) -> None:
        self._writer = writer
        self._programme = Programme()
        self._loads = LoadStatuses()
        self._grounds: dict[tuple[str, str], tuple[Any, ...]] = {}
        self.reached: frozenset[str] = frozenset()
        """Policies with targetRefs that every expected replica has."""

    def note_published(self, verdicts: Verdicts, sequence: int) -> None:
        """These verdicts went out with publication `sequence`, or with an earlier one where nothing has changed."""
        contents: dict[str, msgspec.Struct] = {
            **{_named(POLICIES, name): spec for name, spec in verdicts.accepted_policies().items()},
            **{_named(POOLS, name): spec for name, spec in verdicts.accepted_pools().items()},
        }
        self._programme.note(contents, sequence, self._had_reached)

    def take_over(self, now: float) -> None:
        """Leadership begins at `now` (monotonic seconds)."""
        self._programme.take_over(now)
        # Others have led, and written, since this replica last did.
        self._loads = LoadStatuses()
        self._grounds.clear()

    def tell(
        self,
        core: Core,
        server: XdsServer,
        situation: Situation,
        states: PoolStates,
        refused: Mapping[tuple[str, str], Stored],
        gateways: Mapping[str, GatewayTold] = _NO_GATEWAYS,
        unjudged: Mapping[tuple[str, str], Stored] = _NO_OBJECTS,
        *,
        fault: str = "",
        now: float,
        wall: datetime,
    ) -> None:
        """Work out every status that may have changed. `refused`: objects that cannot be taken, and have no last good
        version, by plural and name. `gateways` is what policies with targetRefs have to say of theirs. `unjudged`: those
        whose newest version there is no verdict on, because reconciling fails as a whole: `fault` says why."""
        verdicts = core.verdicts
        names = [
            *(_named(POLICIES, name) for name in verdicts.policies),
            *(_named(POOLS, name) for name in verdicts.pools),
        ]
        rollouts = self._programme.rollouts(
            names, server.missing, server.rejections(), situation.expected, situation.ready, now
        )
        for name, verdict in verdicts.policies.items():
            if (POLICIES.plural, name) in unjudged:
                continue
            rollout = rollouts.get(_named(POLICIES, name))
            gateway = gateways.get(name)
            if self._is_news(POLICIES, name, (verdict, rollout, gateway)):
                before = _policy(self._writer.stored(POLICIES, name))
                self._tell(POLICIES, name, partial(policy_status, verdict, rollout, before, wall, gateway))
        self.reached = frozenset(
            name
            for name in gateways
            if (rollout := rollouts.get(_named(POLICIES, name))) is not None and rollout.acknowledgements.complete
        )
        told = states.told
        for name, pool in verdicts.pools.items():
            if (POOLS.plural, name) in unjudged:
                continue
            rollout = rollouts.get(_named(POOLS, name))
            state, tried, stretch = told.get(name), states.tried(name), states.stretch(name)
            # Loads are written in their own time, so the clock is among the grounds, in coarse steps.
            if self._is_news(POOLS, name, (pool, rollout, state, tried, stretch, int(now / LOOK_SECONDS))):
                stored = _pool(self._writer.stored(POOLS, name))
                known = state if tried else None
                make = partial(pool_status, pool, rollout, state, stored, wall, tried=tried, stretch=stretch)
                self._tell(POOLS, name, partial(self._with_load, name, make, known, stored, wall.timestamp()))
        for (plural, name), entry in refused.items():
            resource = POOLS if plural == POOLS.plural else POLICIES
            if self._is_news(resource, name, (entry.generation, entry.refused)):
                self._tell(
                    resource, name, partial(_unreadable, entry, self._writer.stored(resource, name), resource, wall)
                )
        for (plural, name), entry in unjudged.items():
            if (plural, name) in refused:
                continue
            resource = POOLS if plural == POOLS.plural else POLICIES
            shown = self._writer.stored(resource, name)
            if shown is not None and shown.observed_generation != entry.generation:
                self._tell(resource, name, partial(_unjudged, entry, shown, resource, fault, wall))
        self._forget_but(verdicts, {**refused, **unjudged})

    def _with_load(
        self, name: str, make: Callable[[], PoolStatus], state: PoolState | None, stored: PoolStatus | None, at: float
    ) -> PoolStatus:
        return self._loads.complete(name, make(), state, stored, at)

    def _tell(self, resource: Resource, name: str, make: Callable[[], Status]) -> None:
        try:
            status = make()
        except Exception:  # noqa: BLE001  # all other objects' statuses stay true; tried again when something changes
            _LOG.exception("%s %s: its status cannot be worked out", resource.kind, name)
        else:
            self._writer.want(resource, name, status)

    def _forget_but(self, verdicts: Verdicts, refused: Mapping[tuple[str, str], Stored]) -> None:
        """Objects that are gone are remembered no longer."""
        there = {POLICIES.plural: verdicts.policies.keys(), POOLS.plural: verdicts.pools.keys()}
        gone = [key for key in self._grounds if key[1] not in there[key[0]] and key not in refused]
        for key in gone:
            del self._grounds[key]
            if key[0] == POOLS.plural:
                self._loads.forget(key[1])

    def _is_news(self, resource: Resource, name: str, grounds: tuple[Any, ...]) -> bool:
        # What the API server shows is a ground, too: somebody else may have written over it.
        stored = self._writer.stored(resource, name)
        if stored is None:
            return False
        key = (resource.plural, name)
        whole = (*grounds, stored)
        if self._grounds.get(key) == whole:
            return False
        self._grounds[key] = whole
        return True

    def _had_reached(self, named: str, version: str) -> bool:
        """Whether the stored status shows that every replica had this content before this operator began to lead."""
        kind, _, name = named.partition(" ")
        stored = self._writer.stored(POLICIES if kind == POLICIES.kind else POOLS, name)
        if stored is None:
            return False
        said = {condition.type: condition for condition in stored.conditions}
        programmed = said.get("Programmed")
        return programmed is not None and programmed.status == "True" and version in programmed.message


def _named(resource: Resource, name: str) -> str:
    return f"{resource.kind} {name}"


def _policy(status: Status | None) -> PolicyStatus | None:
    return status if isinstance(status, PolicyStatus) else None


def _pool(status: Status | None) -> PoolStatus | None:
    return status if isinstance(status, PoolStatus) else None


def _unreadable(entry: Stored, before: Status | None, resource: Resource, wall: datetime) -> Status:
    """The status of an object that the API server has stored and that we cannot take at all."""
    findings = entry.refused.findings if entry.refused else ()
    served = "the policy is not served" if resource == POLICIES else "the pool is not served"
    return _unserved(entry, before, resource, state_accepted(findings, served), wall)


def _unjudged(entry: Stored, before: Status, resource: Resource, fault: str, wall: datetime) -> Status:
    """The status of an object whose newest version nobody has judged, through no fault of its own."""
    message = f"The operator cannot reconcile anything: {fault}; what was published before stays"
    made = _unserved(entry, before, resource, Statement("Accepted", "Unknown", "Pending", cut(message)), wall)
    return msgspec.structs.replace(before, observed_generation=made.observed_generation, conditions=made.conditions)


def _unserved(entry: Stored, before: Status | None, resource: Resource, accepted: Statement, wall: datetime) -> Status:
    verdict = PolicyVerdict(
        name=entry.identity.key,
        generation=entry.generation,
        accepted=accepted,
        resolved=Statement("ResolvedRefs", "Unknown", "Pending", "Not looked at: see Accepted"),
        spec=None,
    )
    made = policy_status(verdict, None, before if isinstance(before, PolicyStatus) else None, wall.astimezone(UTC))
    return made if resource == POLICIES else PoolStatus(made.observed_generation, made.conditions)
