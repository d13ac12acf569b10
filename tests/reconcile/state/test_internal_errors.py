"""An error of ours in one object's work shows in its condition, and stops no other object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from forebay_api.local import Listener
from forebay_operator import core as core_module
from forebay_operator.backends import resolve
from forebay_operator.backends.fixed import fixed_backends
from forebay_operator.cluster.facts import NOTHING_KNOWN
from forebay_operator.core import Core
from forebay_operator.envoy import assemble as assembly
from forebay_operator.envoy.inputs import DataPlane
from forebay_operator.gather import Inputs
from forebay_operator.judgement import pool_checks
from forebay_operator.judgement.checks import judge
from forebay_operator.judgement.verdict import Statement, Verdicts
from forebay_operator.publication import Surface
from forebay_operator.xds import XdsServer, sizes

Build = Any
SURFACE = Surface((Listener(),), DataPlane(("127.0.0.1:1",)))
TOLD = "internal error while resources are made of it (ZeroDivisionError)"


class Weird(Exception):
    """Its text quotes what nobody should see."""


@pytest.fixture
def core() -> Core:
    return Core(XdsServer())


def inputs(build: Build, *objects: Any) -> Inputs:
    made = build.inputs(*objects)
    return msgspec.structs.replace(made, backends=fixed_backends({n: pool.spec for n, pool in made.pools.items()}))


def pair(build: Build, name: str, **spec: Any) -> tuple[Any, Any]:
    """A pool, and a policy of the same name that sends everything there."""
    strategies = [{"name": "plain", "direct": {"pools": [{"name": name}]}}]
    return build.pool(name), build.policy(name, attach={"pathPrefix": f"/{name}"}, strategies=strategies, **spec)


def reconcile(core: Core, made: Inputs) -> Verdicts:
    core.reconcile(made, SURFACE, {})
    return core.verdicts


def breaks(monkeypatch: pytest.MonkeyPatch, maker: str, wrong: Callable[..., bool]) -> pytest.MonkeyPatch:
    """From now on a maker of Envoy's resources divides by zero where `wrong` says so."""
    right = getattr(assembly, maker)

    def make(*given: Any) -> Any:
        return 1 // 0 if wrong(*given) else right(*given)

    monkeypatch.setattr(assembly, maker, make)
    return monkeypatch


def fails_with(monkeypatch: pytest.MonkeyPatch, wrong: Callable[[Verdicts], bool]) -> None:
    """From now on nothing can be made of verdicts of which `wrong` is true, however few they are."""
    right = core_module.envoy_inputs

    def make(given: Inputs, verdicts: Verdicts, *rest: Any) -> Any:
        return 1 // 0 if wrong(verdicts) else right(given, verdicts, *rest)

    monkeypatch.setattr(core_module, "envoy_inputs", make)


def accepted(verdicts: Verdicts, kind: str, name: str) -> Statement:
    return getattr(verdicts, kind)[f"ai/{name}"].accepted


async def test_a_check_that_fails_is_a_finding_of_that_policy_alone(
    build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    def check(name: str, *_: Any) -> tuple[()]:
        if name == "ai/b":
            raise Weird("hunter2")
        return ()

    made = inputs(build, *pair(build, "a"), *pair(build, "b"))
    verdicts = judge(made, check=check)
    told = accepted(verdicts, "policies", "b")
    assert (told.status, told.reason) == ("False", "Invalid")
    assert told.message.startswith("internal error while this was checked (Weird)")
    assert "hunter2" not in told.message
    assert list(verdicts.accepted_policies()) == ["ai/a"]
    judge(made, verdicts, check=check)
    assert caplog.text.count("internal error while this was checked") == 1, "the log is told once"


async def test_a_policy_that_is_served_stays_when_its_check_fails(build: Build) -> None:
    def check(name: str, *_: Any) -> tuple[()]:
        raise Weird

    good = inputs(build, *pair(build, "a"))
    verdicts = judge(good, judge(good), check=check)
    assert verdicts.accepted_policies() == judge(good).accepted_policies()
    assert accepted(verdicts, "policies", "a").message.endswith("the last good version is served")


async def test_a_pool_whose_check_fails_goes_out_and_says_so(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_checks, "_levels", lambda spec: 1 // 0)
    verdicts = judge(inputs(build, build.pool("a")))
    assert accepted(verdicts, "pools", "a").message.startswith("internal error while this was checked")
    assert list(verdicts.accepted_pools()) == ["ai/a"]


async def test_a_policy_that_cannot_be_made_stays_as_it_was_while_others_go_out(
    build: Build, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconcile(core, inputs(build, *pair(build, "a"), *pair(build, "b")))
    before = core.verdicts.accepted_policies()["ai/b"]
    fails_with(monkeypatch, lambda verdicts: any(p.models == ["bad"] for p in verdicts.accepted_policies().values()))
    made = inputs(build, *pair(build, "a", models=["new"]), *pair(build, "b", models=["bad"]))
    for _ in range(2):
        verdicts = reconcile(core, made)
        assert verdicts.accepted_policies()["ai/a"].models == ["new"]
        assert verdicts.accepted_policies()["ai/b"] == before
        assert verdicts.policies["ai/b"].is_last_good
        told = accepted(verdicts, "policies", "b")
        assert (told.status, told.reason) == ("False", "Invalid")
        assert told.message.startswith(TOLD)
        assert accepted(verdicts, "policies", "a").status == "True"


async def test_a_new_policy_that_cannot_be_made_is_not_served(
    build: Build, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_with(monkeypatch, lambda verdicts: any(p.models == ["bad"] for p in verdicts.accepted_policies().values()))
    verdicts = reconcile(core, inputs(build, *pair(build, "a"), *pair(build, "b", models=["bad"])))
    assert list(verdicts.accepted_policies()) == ["ai/a"]
    assert accepted(verdicts, "policies", "b").message.endswith("the policy is not served")


async def test_a_pool_that_cannot_be_made_any_more_stays_as_it_was_until_it_can(
    build: Build, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconcile(core, inputs(build, *pair(build, "a"), *pair(build, "b")))
    revision = core.revision
    moved = build.pool("b", backend={"addresses": [{"host": "127.0.0.1", "port": 9}]})
    bad = breaks(monkeypatch, "_pool_endpoints", lambda pool, backend: any(e.port == 9 for e in backend.endpoints))
    made = inputs(build, *pair(build, "a"), pair(build, "b")[1], moved)
    verdicts = reconcile(core, made)
    told = accepted(verdicts, "pools", "b")
    assert told.message.startswith(TOLD)
    assert told.message.endswith("the last good version is served")
    assert set(verdicts.accepted_policies()) == {"ai/a", "ai/b"}
    assert core.revision == revision, "nothing has changed for anybody"
    bad.undo()
    moved = build.pool("b", backend={"addresses": [{"host": "127.0.0.1", "port": 10}]})
    reconcile(core, inputs(build, *pair(build, "a"), pair(build, "b")[1], moved))
    assert accepted(core.verdicts, "pools", "b").status == "True"
    assert core.revision != revision


async def test_a_new_pool_that_cannot_be_made_counts_as_absent_and_says_why(
    build: Build, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks(monkeypatch, "_pool", lambda pool, *_: pool == "ai/b")
    verdicts = reconcile(core, inputs(build, *pair(build, "a"), *pair(build, "b")))
    assert list(verdicts.accepted_pools()) == ["ai/a"]
    assert list(verdicts.accepted_policies()) == ["ai/a"]
    assert accepted(verdicts, "pools", "b").message.endswith("the pool is not served")
    assert verdicts.policies["ai/b"].resolved.reason == "PoolNotFound"
    assert core.revision


async def test_a_policy_that_fails_with_what_a_pool_has_become_stays_with_the_pool_of_before(
    build: Build, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconcile(core, inputs(build, *pair(build, "a")))
    revision = core.revision
    moved = build.pool("a", models=[{"name": "m"}, {"name": "more"}])
    fails_with(monkeypatch, lambda v: v.accepted_pools().get("ai/a") == moved.spec and "ai/a" in v.policies)
    verdicts = reconcile(core, inputs(build, pair(build, "a")[1], moved))
    assert accepted(verdicts, "policies", "a").status == "True"
    assert accepted(verdicts, "pools", "a").message.startswith(TOLD)
    assert core.revision == revision


async def test_what_is_too_large_for_a_message_is_named_and_stays_out(
    build: Build, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "MAX_RESOURCE_BYTES", 60_000)
    rules = [{"name": f"r{n}", "when": "request.turns > 1", "respond": {"message": "x" * 16_000}} for n in range(5)]
    reconcile(core, inputs(build, *pair(build, "a"), *pair(build, "b")))
    verdicts = reconcile(core, inputs(build, *pair(build, "a"), *pair(build, "b", rules=rules)))
    told = accepted(verdicts, "policies", "b")
    assert "ai/b has " in told.message
    assert "60000 are the most that can be sent" in told.message
    assert verdicts.policies["ai/b"].is_last_good


async def test_where_everything_fails_what_was_published_stays(
    build: Build, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconcile(core, inputs(build, *pair(build, "a")))
    before, revision = core.verdicts, core.revision
    monkeypatch.setattr(core_module, "data_plane_resources", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        reconcile(core, inputs(build, *pair(build, "a")))
    assert core.verdicts is before
    core.tell_states({})
    assert core.revision == revision


def test_a_pool_whose_backend_cannot_be_looked_up_keeps_the_one_it_had(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver, right = resolve.Resolver(), resolve._backend
    before = resolver.resolve({"ai/a": build.pool("a").spec, "ai/b": build.pool("b").spec}, NOTHING_KNOWN)
    moved = build.pool("a", backend={"addresses": [{"host": "127.0.0.1", "port": 9}]}).spec

    def wrong(name: str, *given: Any) -> Any:
        return 1 // 0 if name == "ai/a" else right(name, *given)

    monkeypatch.setattr(resolve, "_backend", wrong)
    found = resolver.resolve({"ai/a": moved, "ai/c": build.pool("c").spec}, NOTHING_KNOWN)
    assert found["ai/a"].endpoints == before["ai/a"].endpoints
    (finding,) = found["ai/a"].findings
    assert finding.message.startswith("internal error while its backend was looked up (ZeroDivisionError)")
    assert found["ai/c"].findings == ()
