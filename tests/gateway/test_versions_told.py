"""What is said of a policy's gateways is said of the version that it was worked out for, and of no other."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from forebay_api.policy import PolicySpec, RoutingPolicy
from forebay_api.wire import Place, PlacedSpec
from forebay_operator.cluster.gateway.attachments import Attachments
from forebay_operator.gateway.envoy_gateway.adapter import EnvoyGateway
from forebay_operator.gateway.situation import GatewaySituation
from forebay_operator.gateway.told import GatewayTold, state_gateway
from forebay_operator.judgement.verdict import PolicyVerdict, PoolVerdict, Statement, Verdicts

from .builders import a_gateway, a_policy, a_route, route_target
from .test_routes import wanted

FINE = Statement("Programmed", "True", "Programmed", "1 of 1 data plane acknowledged")
UNKNOWN = "its gateways have not been asked about this version yet"


class World:
    """One policy whose route is there. Everything is well with what is written for it, which is nothing."""

    def __init__(self) -> None:
        self.keeping = Attachments(None, EnvoyGateway(), on_told=lambda: None, post=lambda _: None)  # type: ignore[arg-type]

    def look(self, *policies: RoutingPolicy, uid: str = "u", generation: int = 1, gone: bool = False) -> None:
        """`gone` policies are there no more, and data planes answer by them still."""
        need = wanted(a_gateway(), a_route(), **{p.metadata.name: p for p in policies})
        situation = GatewaySituation(
            installation="i",
            data_plane=need.data_plane,
            attached={} if gone else {name: held.attached for name, held in need.policies.items()},
            facts=need.facts,
            services={},
            policy_uids=dict.fromkeys(need.policies, uid),
        )
        well = Statement("Accepted", "True", "Accepted", "Accepted")
        verdicts = Verdicts(
            {
                name: PolicyVerdict(name, generation, well, well, _placed(held.spec))
                for name, held in need.policies.items()
            },
            {name: PoolVerdict(name, 1, well, well, spec) for name, spec in need.pools.items()},
        )
        core = SimpleNamespace(verdicts=verdicts, backends=need.backends)
        self.keeping.look(situation, core)  # type: ignore[arg-type]

    def plan(self) -> None:
        asyncio.run(self.keeping._plan())

    @property
    def told(self) -> GatewayTold:
        return self.keeping.told["ai/p"]


def _placed(spec: PolicySpec) -> PlacedSpec:
    return PlacedSpec(
        **{field: getattr(spec, field) for field in PolicySpec.__struct_fields__}, places=(Place(hostnames=("*",)),)
    )


def test_nothing_is_known_of_a_policy_that_is_gone_and_still_answers() -> None:
    world = World()
    world.look(a_policy("p", route_target()))
    world.plan()

    world.look(a_policy("p", route_target()), gone=True)
    assert state_gateway(FINE, world.told).status == "False", "one may be made again under its name before it is judged"
    world.plan()
    assert world.told.judgement.waiting == (UNKNOWN,)


def test_nothing_is_known_of_a_policy_before_its_gateways_were_asked() -> None:
    world = World()

    world.look(a_policy("p", route_target()))
    assert world.told.judgement.waiting == (UNKNOWN,)
    assert state_gateway(FINE, world.told).status == "False"
    assert [ancestor.ref.name for ancestor in world.told.ancestors] == ["web"]

    world.plan()
    assert UNKNOWN not in world.told.judgement.waiting
    assert any("is not written yet" in told for told in world.told.judgement.waiting)


def test_what_was_said_of_a_policy_is_not_said_of_one_that_is_made_anew_under_its_name() -> None:
    world = World()
    world.look(a_policy("p", route_target()))
    world.plan()
    world.look(a_policy("p", route_target()), uid="another")

    assert world.told.judgement.waiting == (UNKNOWN,)


def test_what_was_said_of_a_version_is_not_said_of_the_next_one() -> None:
    world = World()
    world.look(a_policy("p", route_target()))
    world.plan()
    world.look(a_policy("p", route_target()), generation=2)

    assert world.told.judgement.waiting == (UNKNOWN,)
    world.plan()
    assert UNKNOWN not in world.told.judgement.waiting


def test_what_is_worked_out_while_another_version_comes_holds_for_the_former_one_only() -> None:
    world = World()
    world.look(a_policy("p", route_target()))

    async def plan_while_it_comes() -> None:
        planning = asyncio.create_task(world.keeping._plan())
        await asyncio.sleep(0)  # it has begun
        world.look(a_policy("p", route_target()), generation=2)
        await planning

    asyncio.run(plan_while_it_comes())

    assert world.told.judgement.waiting == (UNKNOWN,)


def test_nothing_is_asked_anew_while_a_policy_stays_as_it_is() -> None:
    world = World()
    world.look(a_policy("p", route_target()))
    world.plan()
    before = world.told
    world.look(a_policy("p", route_target()))

    assert world.told is before
