"""Who may claim which host names on our own Envoy, by what its listeners admit."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from forebay_api.local import Listener
from forebay_operator.judgement.checks import judge

Build = Any
CLINIC_ONLY = {"hostname": "clinic.example.com", "allowedRoutes": {"namespaces": {"from": "Selector", "selector": {
    "matchLabels": {"kubernetes.io/metadata.name": "clinic"}}}}}  # fmt: skip


def _selector(operator: str, *names: str) -> dict[str, Any]:
    expression = {"key": "kubernetes.io/metadata.name", "operator": operator, "values": list(names)}
    return {"namespaces": {"from": "Selector", "selector": {"matchExpressions": [expression]}}}


def _listener(**fields: Any) -> Listener:
    return msgspec.convert({"port": 10443, **fields}, Listener)


def _judged(build: Build, hostnames: list[str], *listeners: Listener, **spec: Any) -> Any:
    policy = build.policy(attach={"hostnames": hostnames}, **spec)
    return judge(build.inputs(build.pool(), policy, listeners=listeners)).policies["ai/assistant"]


def test_without_a_word_about_it_any_namespace_may_have_any_host(build: Build) -> None:
    assert _judged(build, ["clinic.example.com", "*"], Listener(), Listener(port=1)).spec is not None


def test_another_namespaces_host_is_refused_and_the_listener_the_namespace_and_the_fix_are_named(build: Build) -> None:
    verdict = _judged(build, ["ai.example.com", "clinic.example.com"], Listener(), _listener(hostnames=[CLINIC_ONLY]))

    assert verdict.spec is None
    assert (verdict.accepted.status, verdict.accepted.reason) == ("False", "NotAllowedByListeners")
    assert verdict.accepted.message == (
        "spec.attach.hostnames[1]: 'clinic.example.com' would take requests of listeners[1] (port 10443), which admits no "
        "policies of namespace ai for clinic.example.com: name other hosts, or have ai added to its allowedRoutes "
        "(forebay.yaml, or envoy.listeners[1] in the chart's values); the policy is not served"
    )


@pytest.mark.parametrize("hostname", ["*", "*.com", "*.example.com"])
def test_a_wide_name_is_refused_as_well_for_it_would_be_met_wherever_the_narrow_one_answers_nothing(
    build: Build, hostname: str
) -> None:
    verdict = _judged(build, [hostname], _listener(hostnames=[CLINIC_ONLY]))
    assert verdict.accepted.reason == "NotAllowedByListeners"


@pytest.mark.parametrize("hostname", ["ai.example.com", "clinic.example.com.evil.com", "*.clinic.example.com"])
def test_hosts_beside_it_are_everybodys_as_before(build: Build, hostname: str) -> None:
    assert _judged(build, [hostname], _listener(hostnames=[CLINIC_ONLY])).spec is not None


@pytest.mark.parametrize("mode", ["Enforce", "Shadow"])
def test_to_look_on_is_refused_like_to_answer(build: Build, mode: str) -> None:
    assert _judged(build, ["clinic.example.com"], _listener(hostnames=[CLINIC_ONLY]), mode=mode).spec is None


@pytest.mark.parametrize(
    ("order", "hostname", "taken"),
    [(order, *case) for order in (1, -1) for case in (("a.example.com", True), ("b.example.com", False))],
)
def test_the_closest_entry_counts_for_a_host_wherever_it_stands(
    build: Build, order: int, hostname: str, taken: bool
) -> None:
    entries = [
        {"hostname": "*.example.com", "allowedRoutes": _selector("In", "platform")},
        {"hostname": "a.example.com", "allowedRoutes": _selector("In", "ai", "platform")},
    ]
    verdict = _judged(build, [hostname], _listener(allowedRoutes=_selector("In", "none"), hostnames=entries[::order]))
    assert (verdict.spec is not None) is taken


def test_every_listener_has_to_admit_it_because_they_share_their_routes(build: Build) -> None:
    closed = _listener(allowedRoutes=_selector("NotIn", "ai"))
    verdict = _judged(build, ["ai.example.com"], Listener(), closed)
    assert verdict.accepted.reason == "NotAllowedByListeners"
    assert "listeners[1] (port 10443), which admits no policies of namespace ai: name" in verdict.accepted.message


def test_a_version_that_was_good_goes_once_a_listener_admits_it_no_longer(build: Build) -> None:
    policy = build.policy(attach={"hostnames": ["clinic.example.com"]})
    first = judge(build.inputs(build.pool(), policy, listeners=(_listener(),)))
    assert first.accepted_policies()

    closed = build.inputs(build.pool(), policy, listeners=(_listener(hostnames=[CLINIC_ONLY]),))
    assert judge(closed, first).accepted_policies() == {}


def test_a_refused_edit_leaves_the_version_that_is_admitted(build: Build) -> None:
    listeners = (_listener(hostnames=[CLINIC_ONLY]),)
    first = judge(build.inputs(build.pool(), build.policy(attach={"hostnames": ["a.com"]}), listeners=listeners))
    greedy = build.policy(attach={"hostnames": ["a.com", "clinic.example.com"]})
    verdict = judge(build.inputs(build.pool(), greedy, listeners=listeners), first).policies["ai/assistant"]
    assert verdict.is_last_good
    assert verdict.spec is not None
    assert verdict.spec.attach.hostnames == ["a.com"]


def test_who_may_not_have_a_host_stands_in_nobodys_way(build: Build) -> None:
    old = build.policy("a-squatter", created="2020-01-01T00:00:00Z", attach={"hostnames": ["clinic.example.com"]})
    mine = build.policy("mine", created="2026-01-01T00:00:00Z", attach={"hostnames": ["clinic.example.com"]})
    inputs = build.inputs(build.pool(), old, mine, listeners=(_listener(hostnames=[CLINIC_ONLY]),))
    policies = {"ai/a-squatter": old, "clinic/mine": msgspec.structs.replace(
        mine, metadata=msgspec.structs.replace(mine.metadata, namespace="clinic"))}  # fmt: skip
    pools = {**inputs.pools, "clinic/small": build.pool()}
    verdicts = judge(msgspec.structs.replace(inputs, policies=policies, pools=pools))
    assert list(verdicts.accepted_policies()) == ["clinic/mine"]
