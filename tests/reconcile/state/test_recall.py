"""A start knows the last good versions of before: a policy that is refused goes on in the one that was kept."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from forebay_api.local import Listener
from forebay_operator.backends.fixed import fixed_backends
from forebay_operator.core import Core
from forebay_operator.envoy.inputs import DataPlane
from forebay_operator.gather import Inputs
from forebay_operator.judgement.verdict import NOTHING_JUDGED
from forebay_operator.publication import Surface
from forebay_operator.xds import XdsServer

Build = Any
SURFACE = Surface((Listener(),), DataPlane(("127.0.0.1:1",)))


@pytest.fixture
def core() -> Core:
    return Core(XdsServer())


def inputs(build: Build, *objects: Any) -> Inputs:
    made = build.inputs(*objects)
    return msgspec.structs.replace(made, backends=fixed_backends({n: pool.spec for n, pool in made.pools.items()}))


async def test_a_refused_policy_is_served_in_the_version_that_was_kept(build: Build, core: Core) -> None:
    good, bad = build.policy(models=["auto"]), build.policy(default={"use": "nothing"})
    core.recall({"ai/assistant": good.spec, "ai/gone": good.spec})
    assert core.verdicts is NOTHING_JUDGED, "nobody is told of anything before it was judged"
    core.reconcile(inputs(build, build.pool(), bad), SURFACE, {})
    verdict = core.verdicts.policies["ai/assistant"]
    assert verdict.spec == good.spec
    assert verdict.accepted.message.endswith("the last good version is served")
    assert list(core.verdicts.accepted_policies()) == ["ai/assistant"]
    core.reconcile(inputs(build, build.pool(), bad), SURFACE, {})
    assert core.verdicts.policies["ai/assistant"].spec == good.spec


async def test_a_kept_version_that_no_longer_fits_the_pools_is_not_served(build: Build, core: Core) -> None:
    core.recall({"ai/assistant": build.policy().spec})
    core.reconcile(inputs(build, build.pool("other"), build.policy(default={"use": "nothing"})), SURFACE, {})
    assert core.verdicts.accepted_policies() == {}


async def test_a_sound_policy_goes_out_as_it_is(build: Build, core: Core) -> None:
    core.recall({"ai/assistant": build.policy(models=["old"]).spec})
    core.reconcile(inputs(build, build.pool(), build.policy(models=["new"])), SURFACE, {})
    assert core.verdicts.accepted_policies()["ai/assistant"].models == ["new"]
    assert not core.verdicts.policies["ai/assistant"].is_last_good
