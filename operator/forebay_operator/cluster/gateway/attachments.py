"""Keeps what is written for policies' targets in step with verdicts, and tells how it stands."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

import msgspec

from forebay_api.status import Condition
from forebay_decision.attachment import placed
from forebay_operator.cluster.change import Identity
from forebay_operator.cluster.events import Transition
from forebay_operator.cluster.gateway.aim import Aim, Comparison, compare
from forebay_operator.cluster.gateway.applier import RESOURCES, Applier, Result
from forebay_operator.cluster.leading.fence import Fence
from forebay_operator.core import Core
from forebay_operator.gateway.implementation import Generated, Implementation, Judgement, Wanted
from forebay_operator.gateway.situation import GatewaySituation, wanted
from forebay_operator.gateway.told import GatewayTold, told
from forebay_operator.gateway.transition import SETTLE_SECONDS
from forebay_operator.judgement.verdict import PolicyVerdict

ROUTES: Final = "httproutes"
REST_SECONDS: Final = 0.05
REST_SHARE: Final = 2.0
"""Least rest after a plan, in its own lengths: with hundreds of routes it takes a while."""
SHOW_SECONDS: Final = 1.0
"""From the word that a policy's routes are accepted until requests may be shown to data planes. Less than SETTLE_SECONDS: an
Envoy hears of what shows them by the same route table that has the routes, so never before it has them."""
AGAIN_SECONDS: Final = 5.0
"""After a plan that failed."""
_LOG = logging.getLogger(__name__)
_UNKNOWN: Final = GatewayTold(judgement=Judgement(waiting=("its gateways have not been asked about this version yet",)))
_Version = tuple[str, int]
"""A policy's uid and generation."""


class Attachments:
    """`on_told` is called when what policies have to say of gateways may have changed, `post` with Events, `on_result` as
    the Applier's."""

    def __init__(
        self,
        api: Fence,
        adapter: Implementation,
        *,
        on_told: Callable[[], None],
        post: Callable[[Transition], None],
        on_result: Callable[[str, Result], None] = lambda _plural, _result: None,
    ) -> None:
        self._adapter = adapter
        self._on_told = on_told
        self._post = post
        self._on_result = on_result
        self._applier = Applier(
            api, on_repaired=self._repaired, on_failed=lambda: self._news.set(), on_result=on_result
        )
        self._news = asyncio.Event()
        self._ground: tuple[GatewaySituation, Core] | None = None
        self._asked: frozenset[str] = frozenset()
        self._taken_since: dict[str, float] = {}
        self._leads = False
        self._said: Mapping[str, tuple[_Version, GatewayTold]] = {}
        self.told: Mapping[str, GatewayTold] = {}
        """Of each version of a policy what was said of that one: nothing holds for the next that was worked out before it."""

    def look(self, situation: GatewaySituation, core: Core) -> None:
        """This is how things are, and `core` has judged them."""
        self._ground = (situation, core)
        self.told = self._of_now(situation, core)
        self._news.set()

    def ask(self, policies: frozenset[str]) -> None:
        """These policies every data plane has now."""
        if policies != self._asked:
            self._asked = policies
            self._news.set()

    def lead(self, leading: bool) -> None:
        self._leads = leading
        if not leading:
            self._applier.rest()
        self._news.set()

    async def run(self) -> None:
        """Plan until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._applier.run())
            while True:
                await self._news.wait()
                self._news.clear()
                started = time.monotonic()
                try:
                    await self._plan()
                except Exception:  # noqa: BLE001  # what is written stays; the next change is tried again
                    _LOG.exception("what gateways are to be told could not be worked out")
                    self._on_result("", "failed")
                    asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._news.set)
                await asyncio.sleep(max(REST_SECONDS, REST_SHARE * (time.monotonic() - started)))

    async def _plan(self) -> None:
        if self._ground is None:
            return
        situation, core = self._ground
        versions = _versions(situation, core)
        need = wanted(situation, core.verdicts, core.backends)
        plan = await asyncio.to_thread(self._adapter.plan, need)
        comparison = await asyncio.to_thread(compare, plan, situation.facts, situation.installation, self._adapter)
        said = await asyncio.to_thread(
            told,
            situation.attached,
            plan,
            need,
            self._adapter,
            self._applier.failures,
            situation.pending,
            situation.leaving,
        )
        self._said = {name: (versions[name], one) for name, one in said.items() if name in versions}
        self.told = self._of_now(*self._ground)
        if self._leads:
            taken, settled = self._taken(need, comparison, situation.pending)
            self._applier.aim(Aim(comparison, self._asked & taken, settled))
        self._on_told()

    def _of_now(self, situation: GatewaySituation, core: Core) -> dict[str, GatewayTold]:
        """What was said of the versions that there are now; of others, that nothing is known yet. Also of policies that are gone
        and still answer: one may be made again under its name before it is judged."""
        versions = _versions(situation, core)
        found = {name: _UNKNOWN for name, verdict in core.verdicts.policies.items() if _has_places(verdict)}
        for name, attached in situation.attached.items():
            version, said = self._said.get(name, (None, _UNKNOWN))
            known = version is not None and version == versions.get(name)
            found[name] = said if known else msgspec.structs.replace(_UNKNOWN, ancestors=attached.ancestors)
        return found

    def _taken(
        self, need: Wanted, comparison: Comparison, pending: Collection[str]
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Policies whose HTTPRoutes the gateway has as they should be, all of them, and that are not `pending`, which data
        planes do not have as they are now: for SHOW_SECONDS, and for SETTLE_SECONDS."""
        now = time.monotonic()
        waiting = {
            policy
            for want in comparison.wants
            if want.made.plural == ROUTES
            and not want.made.optional
            and not (want.well and want.stored is not None and self._adapter.taken(want.stored))
            for policy in want.made.policies
        }
        there = need.policies.keys() - waiting - set(pending)
        self._taken_since = {name: self._taken_since.get(name, now) for name in there}
        taken, settled = (
            frozenset(name for name, since in self._taken_since.items() if now >= since + seconds)
            for seconds in (SHOW_SECONDS, SETTLE_SECONDS)
        )
        for known, seconds in ((taken, SHOW_SECONDS), (settled, SETTLE_SECONDS)):
            if len(known) < len(there):
                asyncio.get_running_loop().call_later(seconds, self._news.set)
        return taken, settled

    def _repaired(self, made: Generated, how: str) -> None:
        situation = self._ground[0] if self._ground else None
        for policy in made.policies[:1]:
            namespace, _, name = policy.partition("/")
            uid = situation.policy_uids.get(policy, "") if situation else ""
            message = f"{RESOURCES[made.plural].kind} {made.key} {how}"
            condition = Condition(type="Programmed", status="False", reason="Repaired", message=message)
            self._post(Transition("RoutingPolicy", Identity(namespace, name, uid), condition, note=message))


def _versions(situation: GatewaySituation, core: Core) -> dict[str, _Version]:
    judged = core.verdicts.policies
    uids = situation.policy_uids
    return {name: (uids.get(name, ""), judged[name].generation) for name in situation.attached if name in judged}


def _has_places(verdict: PolicyVerdict) -> bool:
    return verdict.spec is not None and placed(verdict.spec) is not None
