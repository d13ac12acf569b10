"""Verdicts: what is refused, what is served instead, and what the conditions say of it."""

from __future__ import annotations

from typing import Any

from forebay_decision.check import Finding
from forebay_operator.judgement.checks import judge
from forebay_operator.judgement.verdict import Verdicts

Build = Any


def accepted(verdicts: Verdicts, name: str) -> tuple[str, str, str]:
    statement = verdicts.policies[name].accepted
    return statement.status, statement.reason, statement.message


def test_a_sound_policy_goes_out_with_its_pools(build: Build) -> None:
    verdicts = judge(build.inputs(build.pool(), build.policy()))
    assert accepted(verdicts, "ai/assistant") == ("True", "Accepted", "Accepted")
    assert list(verdicts.accepted_policies()) == ["ai/assistant"]
    assert list(verdicts.accepted_pools()) == ["ai/small"]


def test_one_bad_policy_is_refused_alone_and_says_where(build: Build) -> None:
    bad = build.policy(
        "bad", attach={"pathPrefix": "/bad"}, rules=[{"name": "r", "when": "requst.turns > 1", "use": "plain"}]
    )
    verdicts = judge(build.inputs(build.pool(), build.policy(), bad))
    status, reason, message = accepted(verdicts, "ai/bad")
    assert (status, reason) == ("False", "Invalid")
    assert message.startswith("spec.rules[0].when")
    assert message.endswith("the policy is not served")
    assert list(verdicts.accepted_policies()) == ["ai/assistant"]


def test_a_reference_to_no_pool_names_the_place_and_the_nearest_name(build: Build) -> None:
    lost = build.policy(strategies=[{"name": "plain", "direct": {"pools": [{"name": "smal"}]}}])
    verdict = judge(build.inputs(build.pool(), lost)).policies["ai/assistant"]
    assert (verdict.resolved.status, verdict.resolved.reason) == ("False", "PoolNotFound")
    assert "spec.strategies[0].direct.pools[0].name" in verdict.resolved.message
    assert "'small'" in verdict.resolved.message
    assert verdict.accepted.status == "True"
    assert verdict.spec is None


def test_warnings_keep_nothing_out_and_are_told(build: Build) -> None:
    def warn(*_: object) -> tuple[Finding, ...]:
        return (Finding("spec.x", "odd", severity="Warning"),)

    verdicts = judge(build.inputs(build.pool(), build.policy()), check=warn)
    assert accepted(verdicts, "ai/assistant") == ("True", "Accepted", "Accepted; to know: spec.x: odd")


def test_the_last_good_version_of_a_policy_that_became_bad_stays(build: Build) -> None:
    good = build.policy(models=["auto"])
    first = judge(build.inputs(build.pool(), good))
    bad = build.policy(models=["other"], default={"use": "nothing"})
    second = judge(build.inputs(build.pool(), bad), first)
    verdict = second.policies["ai/assistant"]
    assert verdict.spec == good.spec
    assert verdict.is_last_good
    assert verdict.accepted.reason == "Invalid"
    assert verdict.accepted.message.endswith("the last good version is served")


def test_the_last_good_version_outlives_several_bad_ones_and_gives_way_to_a_good_one(build: Build) -> None:
    good = build.policy()
    verdicts = judge(build.inputs(build.pool(), good))
    for name in ("no", "nor", "nothing"):
        verdicts = judge(build.inputs(build.pool(), build.policy(default={"use": name})), verdicts)
        assert verdicts.accepted_policies() == {"ai/assistant": good.spec}
    mended = build.policy(models=["mended"])
    verdicts = judge(build.inputs(build.pool(), mended), verdicts)
    assert verdicts.accepted_policies() == {"ai/assistant": mended.spec}
    assert not verdicts.policies["ai/assistant"].is_last_good


def test_a_policy_whose_newest_text_cannot_be_read_says_so_while_its_last_good_version_serves(build: Build) -> None:
    fault = Finding("spec.rules[0]", "unknown field")
    verdict = judge(build.inputs(build.pool(), build.policy(), faults={"ai/assistant": fault})).policies["ai/assistant"]
    assert verdict.accepted.status == "False"
    assert verdict.accepted.message == "spec.rules[0]: unknown field; the last good version is served"
    assert verdict.is_last_good
    assert verdict.spec is not None


def test_a_deleted_policy_is_gone(build: Build) -> None:
    first = judge(build.inputs(build.pool(), build.policy()))
    assert judge(build.inputs(build.pool()), first).accepted_policies() == {}


def test_a_deleted_pool_stays_while_a_published_policy_refers_to_it(build: Build) -> None:
    first = judge(build.inputs(build.pool(), build.policy()))
    second = judge(build.inputs(build.policy()), first)
    assert list(second.accepted_pools()) == ["ai/small"]
    assert second.policies["ai/assistant"].resolved.reason == "PoolNotFound"
    assert second.policies["ai/assistant"].is_last_good
    third = judge(build.inputs(), judge(build.inputs(build.policy()), second))
    assert third.accepted_pools() == {}


def test_a_deleted_pool_is_no_pool_for_a_new_version(build: Build) -> None:
    first = judge(build.inputs(build.pool(), build.policy()))
    second = judge(build.inputs(build.policy(models=["new"])), first)
    assert second.policies["ai/assistant"].spec == build.policy().spec


def test_a_pool_goes_out_as_it_stands_also_where_that_ends_a_policy(build: Build) -> None:
    named = build.policy(strategies=[{"name": "plain", "direct": {"pools": [{"name": "small", "model": "m"}]}}])
    first = judge(build.inputs(build.pool(), named))
    second = judge(build.inputs(build.pool(models=[{"name": "n"}]), named), first)
    assert second.accepted_policies() == {}
    assert second.accepted_pools()["ai/small"].models[0].name == "n"


def test_of_two_policies_for_one_attachment_the_first_by_name_is_served(build: Build) -> None:
    verdicts = judge(build.inputs(build.pool(), build.policy("b"), build.policy("a")))
    assert list(verdicts.accepted_policies()) == ["ai/a"]
    status, reason, message = accepted(verdicts, "ai/b")
    assert (status, reason) == ("False", "Conflicted")
    assert "policy ai/a has hostname '*' with pathPrefix '/'" in message


def test_the_older_of_two_policies_wins_whatever_its_name(build: Build) -> None:
    old, new = build.policy("z", created="2024-01-01T00:00:00Z"), build.policy("a", created="2024-02-01T00:00:00Z")
    assert list(judge(build.inputs(build.pool(), old, new)).accepted_policies()) == ["ai/z"]


def test_a_policy_without_an_age_is_younger_than_any_that_has_one(build: Build) -> None:
    verdicts = judge(build.inputs(build.pool(), build.policy("a"), build.policy("z", created="2024-01-01T00:00:00Z")))
    assert list(verdicts.accepted_policies()) == ["ai/z"]


def test_other_hostnames_or_other_prefixes_do_not_conflict(build: Build) -> None:
    policies = (
        build.policy("a", attach={"hostnames": ["a.example"]}),
        build.policy("b", attach={"hostnames": ["b.example"]}),
        build.policy("c", attach={"hostnames": ["a.example"], "pathPrefix": "/c"}),
        build.policy("d", attach={"hostnames": ["*.example"]}),
    )
    assert len(judge(build.inputs(build.pool(), *policies)).accepted_policies()) == 4


def test_one_shared_hostname_is_a_conflict(build: Build) -> None:
    policies = (
        build.policy("a", attach={"hostnames": ["x.example", "y.example"]}),
        build.policy("b", attach={"hostnames": ["y.example", "z.example"]}),
    )
    assert list(judge(build.inputs(build.pool(), *policies)).accepted_policies()) == ["ai/a"]


def test_shadow_policies_never_conflict(build: Build) -> None:
    shadows = [build.policy(name, mode="Shadow") for name in ("a", "b")]
    verdicts = judge(build.inputs(build.pool(), build.policy("z"), *shadows))
    assert set(verdicts.accepted_policies()) == {"ai/a", "ai/b", "ai/z"}


def test_a_bad_policy_does_not_hold_an_attachment(build: Build) -> None:
    bad = build.policy("a", default={"use": "nothing"})
    assert list(judge(build.inputs(build.pool(), bad, build.policy("b"))).accepted_policies()) == ["ai/b"]


def test_a_bad_policy_with_a_good_past_keeps_its_attachment(build: Build) -> None:
    first = judge(build.inputs(build.pool(), build.policy("a"), build.policy("b")))
    bad = build.policy("a", default={"use": "nothing"})
    second = judge(build.inputs(build.pool(), bad, build.policy("b")), first)
    assert list(second.accepted_policies()) == ["ai/a"]


def test_a_policy_that_moves_onto_anothers_place_is_served_where_it_was(build: Build) -> None:
    a, b = build.policy("a"), build.policy("b", attach={"pathPrefix": "/b"})
    first = judge(build.inputs(build.pool(), a, b))
    second = judge(build.inputs(build.pool(), a, build.policy("b")), first)
    verdict = second.policies["ai/b"]
    assert verdict.accepted.reason == "Conflicted"
    assert verdict.spec == b.spec


def test_the_loser_takes_over_when_the_winner_goes(build: Build) -> None:
    first = judge(build.inputs(build.pool(), build.policy("a"), build.policy("b")))
    second = judge(build.inputs(build.pool(), build.policy("b")), first)
    assert list(second.accepted_policies()) == ["ai/b"]


def test_judging_twice_says_the_same(build: Build) -> None:
    inputs = build.inputs(build.pool(), build.policy("a"), build.policy("b"), build.policy("c", default={"use": "x"}))
    first = judge(inputs)
    assert judge(inputs, first) == first
