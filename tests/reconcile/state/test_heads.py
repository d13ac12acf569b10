"""Models in ConfigMaps: carried with the policy when they are the ones that it means, and told of when not."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
import pytest

from forebay_api.base import ObjectMeta
from forebay_api.policy import RoutingPolicy
from forebay_api.policy_data import ConfigMap
from forebay_api.wire import Place, PlacedSpec, PolicyResource
from forebay_operator.gather import Inputs
from forebay_operator.judgement.checks import judge
from forebay_operator.judgement.verdict import NOTHING_JUDGED, Verdicts
from forebay_operator.references.config_maps import ConfigMaps, Referred
from forebay_operator.references.heads import MAX_BYTES, carry_heads

Build = Any
HEAD = b"PK\x03\x04 a model"
PATH = "spec.signals[0].classifier.artifact.configMapRef"


def digest(content: bytes) -> str:
    return "sha256:" + sha256(content).hexdigest()


def signal(name: str = "ticket", key: str = "tickets.head", content: bytes = HEAD) -> dict[str, Any]:
    artifact = {"configMapRef": {"name": "models", "key": key}, "digest": digest(content)}
    return {"name": name, "classifier": {"artifact": artifact}}


def models(**heads: bytes) -> ConfigMap:
    found = {name.replace("_", "."): content for name, content in heads.items()}
    return ConfigMap(metadata=ObjectMeta(name="models", namespace="ai"), binary_data=found)


def carry(policy: RoutingPolicy, *maps: ConfigMap, **closed: Any) -> Referred:
    return carry_heads(
        {"ai/assistant": policy}, ConfigMaps({f"ai/{made.metadata.name}": made for made in maps}, **closed)
    )


def heads_of(carried: Referred) -> dict[str, bytes]:
    assert carried.findings == {}
    spec = carried.policies["ai/assistant"].spec
    assert isinstance(spec, PlacedSpec)
    return spec.heads


def complaint(policy: RoutingPolicy, *maps: ConfigMap, **closed: Any) -> tuple[str, str, str]:
    carried = carry(policy, *maps, **closed)
    (finding,) = carried.findings["ai/assistant"]
    assert carried.policies["ai/assistant"] is policy
    return finding.path, finding.reason, finding.message


def test_a_model_travels_with_its_policy_by_its_digest(build: Build) -> None:
    carried = carry(build.policy(signals=[signal()]), models(tickets_head=HEAD))

    assert heads_of(carried) == {digest(HEAD): HEAD}
    sent = msgspec.msgpack.encode(PolicyResource(name="ai/assistant", spec=carried.policies["ai/assistant"].spec))  # type: ignore[arg-type]
    assert msgspec.msgpack.decode(sent, type=PolicyResource).spec.heads == {digest(HEAD): HEAD}


def test_a_policy_with_places_keeps_them(build: Build) -> None:
    policy = build.policy(signals=[signal()])
    fields = {name: getattr(policy.spec, name) for name in policy.spec.__struct_fields__}
    placed = msgspec.structs.replace(policy, spec=PlacedSpec(**fields, places=(Place(hostnames=("*",)),)))

    carried = carry(placed, models(tickets_head=HEAD))

    assert heads_of(carried) == {digest(HEAD): HEAD}
    assert carried.policies["ai/assistant"].spec.places == placed.spec.places  # type: ignore[attr-defined]


def test_a_policy_without_models_and_one_that_has_not_changed_are_the_very_objects(build: Build) -> None:
    plain, wanting, found = build.policy(), build.policy(signals=[signal()]), models(tickets_head=HEAD)

    assert carry(plain).policies["ai/assistant"] is plain
    assert carry(wanting, found).policies["ai/assistant"] is carry(wanting, found).policies["ai/assistant"]


def test_a_model_that_two_signals_ask_for_travels_once(build: Build) -> None:
    large = bytes(MAX_BYTES - 1)
    policy = build.policy(signals=[signal("one", content=large), signal("two", content=large)])

    assert list(heads_of(carry(policy, models(tickets_head=large)))) == [digest(large)]


@pytest.mark.parametrize(
    ("maps", "reason", "said"),
    [
        ((), "ConfigMapNotFound", "not found in namespace 'ai', or without the label forebay.dev/policy-data"),
        ((models(other_head=HEAD),), "ConfigMapNotFound", "no such key in `binaryData` (its keys: other.head)"),
        ((models(tickets_head=b"another"),), "ConfigMapInvalid", f"and the policy says {digest(HEAD)}"),
    ],
)
def test_a_model_that_is_not_the_one_is_told_of(
    build: Build, maps: tuple[ConfigMap, ...], reason: str, said: str
) -> None:
    path, found, message = complaint(build.policy(signals=[signal()]), *maps)

    assert (path, found) == (PATH, reason)
    assert message.startswith("ConfigMap 'models', key 'tickets.head': ")
    assert said in message


def test_models_of_one_policy_are_bounded_together(build: Build) -> None:
    heads = {f"m{n}_head": bytes([n]) * (MAX_BYTES // 2) for n in range(3)}
    signals = [signal(f"s{n}", f"m{n}.head", heads[f"m{n}_head"]) for n in range(3)]

    path, reason, message = complaint(build.policy(signals=signals), models(**heads))

    assert (path, reason) == (PATH.replace("[0]", "[2]"), "ConfigMapInvalid")
    assert f"more than {MAX_BYTES} bytes" in message


def test_where_config_maps_are_not_read_that_is_said_instead(build: Build) -> None:
    assert complaint(build.policy(signals=[signal()]), closed="switched off")[1] == "RefNotPermitted"


def test_a_policy_keeps_its_model_when_the_config_map_goes(build: Build) -> None:
    policy = build.policy(signals=[signal()])

    def judged(*maps: ConfigMap, before: Verdicts = NOTHING_JUDGED) -> Verdicts:
        carried = carry(policy, *maps)
        pools = {"ai/small": build.pool()}
        return judge(Inputs(policies=carried.policies, pools=pools, data_findings=carried.findings), before)

    there = judged(models(tickets_head=HEAD))
    gone = judged(before=there).policies["ai/assistant"]

    assert there.policies["ai/assistant"].resolved.status == "True"
    assert gone.is_last_good
    assert isinstance(gone.spec, PlacedSpec)
    assert gone.spec.heads == {digest(HEAD): HEAD}
