"""Lists in ConfigMaps: how they are read, how they get into policies, and what is said where they do not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forebay_api.base import ObjectMeta
from forebay_api.policy import PolicySpec, RoutingPolicy
from forebay_api.policy_data import ConfigMap
from forebay_operator.gather import Inputs
from forebay_operator.judgement.checks import judge
from forebay_operator.judgement.verdict import NOTHING_JUDGED, Verdicts
from forebay_operator.references.config_maps import ConfigMaps, Referred
from forebay_operator.references.lists import MAX_BYTES, read_list, resolve_lists

Build = Any
PATH = "spec.signals[0].keyword.anyFrom.configMapRef"
REF = {"configMapRef": {"name": "words", "key": "urgent"}}
WORD = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=9)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("one\ntwo\n", ["one", "two"]),
        ("one\r\ntwo", ["one", "two"]),
        ("  one phrase \t\n\n\n two\n", ["one phrase", "two"]),
        ("# a comment\n  # another\none # not a comment", ["one # not a comment"]),
        ("\\#hash\n\\one", ["#hash", "\\one"]),
        ("two\none\ntwo", ["two", "one"]),
        ("\ufeffone", ["one"]),
        ("one\u2028two\x85three", ["one\u2028two\x85three"]),
        ("", []),
        ("\n # nothing\n", []),
    ],
)
def test_a_line_is_an_item(text: str, items: list[str]) -> None:
    assert list(read_list(text)) == items


@given(st.lists(WORD, unique=True))
@example(["#", "\\#", "\\"])
def test_what_is_written_one_a_line_is_read_again(words: list[str]) -> None:
    # A backslash before a hash is taken away, so a word that begins with both wants another.
    written = [
        f"\\{word}" if word.startswith("#") else word for word in words if not word.startswith(("\\#", "\ufeff"))
    ]
    assert list(read_list("\n".join(written))) == [word for word in words if not word.startswith(("\\#", "\ufeff"))]


@given(st.text(max_size=200))
def test_any_text_gives_items_that_are_no_comment_and_not_empty(text: str) -> None:
    items = read_list(text)
    assert all(item == item.strip() and item for item in items)
    assert len(items) == len(set(items)) <= text.count("\n") + 1
    assert read_list(text.replace("\n", "\r\n")) == items


def keyword(**fields: Any) -> dict[str, Any]:
    return {"name": "urgent", "keyword": fields}


def words(**data: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name="words", namespace="ai"), data=data)


def resolve(policy: RoutingPolicy, *maps: ConfigMap, **closed: Any) -> Referred:
    found = {f"{made.metadata.namespace}/{made.metadata.name}": made for made in maps}
    return resolve_lists({"ai/assistant": policy}, ConfigMaps(found, **closed))


def complaint(policy: RoutingPolicy, *maps: ConfigMap, **closed: Any) -> tuple[str, str, str]:
    listed = resolve(policy, *maps, **closed)
    (finding,) = listed.findings["ai/assistant"]
    assert finding.severity == "Error"
    assert listed.policies["ai/assistant"] is policy
    return finding.path, finding.reason, finding.message


def spec_of(listed: Referred) -> PolicySpec:
    assert listed.findings == {}
    return listed.policies["ai/assistant"].spec


def test_phrases_of_the_policy_come_first_and_each_counts_once(build: Build) -> None:
    policy = build.policy(signals=[keyword(any=["asap", "now"], anyFrom=REF)])

    made = spec_of(resolve(policy, words(urgent="now\nright away")))

    assert made.signals[0].keyword is not None
    assert made.signals[0].keyword.any == ["asap", "now", "right away"]
    assert made.signals[0].keyword.any_from is None


def test_examples_come_from_a_key_of_each_label(build: Build) -> None:
    labels = [
        {"name": name, "examplesFrom": {"configMapRef": {"name": "words", "key": name}}} for name in ("math", "code")
    ]
    policy = build.policy(signals=[{"name": "topic", "similarity": {"threshold": 0.5, "labels": labels}}])

    made = spec_of(resolve(policy, words(math="Integrate", code="Fix it\nRefactor")))

    assert made.signals[0].similarity is not None
    assert [label.examples for label in made.signals[0].similarity.labels] == [["Integrate"], ["Fix it", "Refactor"]]


def test_a_policy_without_lists_and_one_that_has_not_changed_are_the_very_objects(build: Build) -> None:
    plain, listing, found = build.policy(), build.policy(signals=[keyword(anyFrom=REF)]), words(urgent="now")

    assert resolve(plain).policies["ai/assistant"] is plain
    first = resolve(listing, found).policies["ai/assistant"]
    assert resolve(listing, found).policies["ai/assistant"] is first
    assert resolve(listing, words(urgent="later")).policies["ai/assistant"] != first


def test_a_config_map_that_is_not_there_is_named_with_what_mends_it(build: Build) -> None:
    policy = build.policy(signals=[keyword(anyFrom=REF)])
    elsewhere = ConfigMap(metadata=ObjectMeta(name="words", namespace="other"), data={"urgent": "now"})

    path, reason, message = complaint(policy, elsewhere)

    assert (path, reason) == (PATH, "ConfigMapNotFound")
    assert message.startswith("ConfigMap 'words', key 'urgent': not found in namespace 'ai', or without the label ")
    assert "kubectl label configmap words forebay.dev/policy-data=true -n ai" in message


def test_a_key_that_is_not_there_is_told_with_those_that_are(build: Build) -> None:
    path, reason, message = complaint(build.policy(signals=[keyword(anyFrom=REF)]), words(rude="damn", late="later"))

    assert (path, reason) == (PATH, "ConfigMapNotFound")
    assert message.endswith("(its keys: late, rude)")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# nothing yet\n", "it holds no item: write one a line"),
        ("x" * 4097, "its item 1 has 4097 characters: at most 4096"),
        ("\n".join(map(str, range(10_001))), "10001 items: at most 10000"),
        ("#" * (MAX_BYTES + 1), f"more than {MAX_BYTES} bytes"),
    ],
)
def test_what_is_not_fit_to_be_a_list_is_refused(build: Build, text: str, said: str) -> None:
    path, reason, message = complaint(build.policy(signals=[keyword(anyFrom=REF)]), words(urgent=text))

    assert (path, reason) == (PATH, "ConfigMapInvalid")
    assert said in message
    assert message.startswith("ConfigMap 'words', key 'urgent': ")


def test_items_of_policy_and_config_map_count_together(build: Build) -> None:
    policy = build.policy(signals=[keyword(any=["asap"], anyFrom=REF)])
    most = "\n".join(map(str, range(10_000)))

    assert "10001 items with those that the policy lists itself" in complaint(policy, words(urgent=most))[2]
    assert spec_of(resolve(policy, words(urgent="# nothing yet\n"))).signals[0].keyword is not None


def test_lists_of_one_policy_are_bounded_together(build: Build) -> None:
    signals = [keyword(anyFrom=REF) | {"name": f"urgent_{n}"} for n in range(3)]

    path, reason, _ = complaint(build.policy(signals=signals), words(urgent="now\n" + "#" * (MAX_BYTES // 2 - 4)))

    assert (path, reason) == ("spec.signals[2].keyword.anyFrom.configMapRef", "ConfigMapInvalid")


def test_where_config_maps_are_not_read_that_is_said_instead(build: Build) -> None:
    policy = build.policy(signals=[keyword(anyFrom=REF)])
    found = words(urgent="now")

    assert complaint(policy, found, closed="switched off")[1:] == (
        "RefNotPermitted",
        "ConfigMap 'words', key 'urgent': switched off",
    )
    assert complaint(policy, found, closed_in={"ai": "no right"})[1] == "RefNotPermitted"
    assert resolve(policy, found, closed_in={"other": "no right"}).findings == {}


def judged(build: Build, policy: RoutingPolicy, *maps: ConfigMap, before: Verdicts = NOTHING_JUDGED) -> Verdicts:
    listed = resolve(policy, *maps)
    inputs = Inputs(policies=listed.policies, pools={"ai/small": build.pool()}, data_findings=listed.findings)
    return judge(inputs, before)


def test_a_policy_waits_for_its_list_and_keeps_it_when_it_goes(build: Build) -> None:
    policy = build.policy(
        signals=[keyword(anyFrom=REF)],
        rules=[{"name": "r", "when": 'signals.urgent.label == "now"'} | {"use": "plain"}],
    )

    waiting = judged(build, policy).policies["ai/assistant"]
    there = judged(build, policy, words(urgent="now"))
    gone = judged(build, policy, before=there).policies["ai/assistant"]

    assert waiting.spec is None
    assert (waiting.accepted.status, waiting.resolved.reason) == ("True", "ConfigMapNotFound")
    assert waiting.resolved.message.endswith("; the policy is not served")
    assert there.policies["ai/assistant"].resolved.status == "True"
    assert gone.spec == there.policies["ai/assistant"].spec
    assert gone.is_last_good
    assert gone.resolved.message.endswith("; the last good version is served")


def test_an_edit_that_takes_away_a_phrase_that_a_rule_names_is_refused(build: Build) -> None:
    policy = build.policy(
        signals=[keyword(anyFrom=REF)],
        rules=[{"name": "r", "when": 'signals.urgent.label == "now"'} | {"use": "plain"}],
    )
    there = judged(build, policy, words(urgent="now"))

    edited = judged(build, policy, words(urgent="later"), before=there).policies["ai/assistant"]

    assert edited.accepted.reason == "Invalid"
    assert edited.spec == there.policies["ai/assistant"].spec
