"""What of the published configuration is kept in ConfigMaps, and when."""

from __future__ import annotations

import msgspec
import pytest

from forebay_api.local import Listener, ListenerTls
from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.wire import POLICY_TYPE, POOL_STATE_TYPE, POOL_TYPE, REVISION_TYPE
from forebay_operator.envoy.assemble import assemble
from forebay_operator.envoy.inputs import DataPlane, EnvoyInputs
from forebay_operator.lastgood.shards import Shard, names, shards, snapshot_of, without_credentials
from forebay_operator.publication import data_plane_resources
from forebay_operator.resources import Resource, Snapshot
from forebay_operator.xds.type_urls import SECRET
from forebay_transport.shards import Content, unpack

VALUE = "open-sesame"
POOL = msgspec.convert(
    {
        "backend": {"external": {"hostname": "models.example"}},
        "placement": {"boundary": "Public"},
        "models": [{"name": "m"}],
        "credentials": [{"secretRef": {"name": "s", "key": "k"}}],
    },
    PoolSpec,
)
POLICY = msgspec.convert(
    {"strategies": [{"name": "a", "direct": {"pools": [{"name": "p"}]}}], "default": {"use": "a"}}, PolicySpec
)


def an_input(**fields: object) -> EnvoyInputs:
    made = EnvoyInputs(
        policies={"ai/p": POLICY}, pools={"ai/p": POOL}, data_plane=DataPlane(()), secrets={"ai/p": VALUE}
    )
    return msgspec.structs.replace(made, **fields)


def ours(made: EnvoyInputs) -> Snapshot:
    return Snapshot.of(data_plane_resources(made.policies, made.pools))


def kept(made: EnvoyInputs) -> tuple[Shard, ...]:
    return shards(assemble(without_credentials(made)), ours(made), "forebay")


def content(found: tuple[Shard, ...]) -> Content:
    return unpack({shard.key: shard.value for shard in found})


def test_no_credential_is_in_it_and_its_pool_says_that_it_has_none() -> None:
    made = an_input()
    assert any(VALUE.encode() in each.value for each in assemble(made).of_type(SECRET).values())
    found = content(kept(made))
    values = b"".join(each.value for url in found for each in found[url])
    assert VALUE.encode() not in values
    assert b"needs a credential that is not available yet" in values


def test_a_snapshot_with_credentials_is_refused() -> None:
    made = an_input()
    with pytest.raises(ValueError, match="Secret credential/ai/p must not be kept") as caught:
        shards(assemble(made), ours(made), "forebay")
    assert VALUE not in str(caught.value)


def test_a_listeners_certificate_is_kept_because_it_is_but_the_name_of_a_file() -> None:
    listener = Listener(tls=ListenerTls(cert_file="/tls.crt", key_file="/tls.key"))
    found = content(kept(an_input(listeners=(listener,))))
    [secret] = found[SECRET]
    assert b"/tls.key" in secret.value


def test_envoy_gets_its_part_back_as_it_was_and_data_planes_theirs() -> None:
    made = an_input()
    expected = assemble(without_credentials(made))
    found = content(kept(made))
    assert {r.version for by in snapshot_of(found).resources.values() for r in by.values()} == {
        r.version for by in expected.resources.values() for r in by.values()
    }
    assert {url for url in found if url.startswith("type.googleapis.com/forebay")} == {
        POLICY_TYPE, POOL_TYPE, REVISION_TYPE,
    }  # fmt: skip


def test_load_is_not_kept() -> None:
    made = an_input()
    states = Snapshot.of([Resource("ai/p", POOL_STATE_TYPE, b"busy")])
    both = Snapshot({**ours(made).resources, **states.resources})
    assert shards(assemble(without_credentials(made)), both, "forebay") == kept(made)


def test_names_are_stable_and_the_index_is_written_last() -> None:
    found = kept(an_input())
    assert [(shard.name, shard.key) for shard in found] == [
        ("forebay-last-good-1", "shard-1"),
        ("forebay-last-good-0", "index"),
    ]
    assert {shard.name for shard in found} <= set(names("forebay"))
    assert len(names("forebay")) == 16
    assert len({shard.hash for shard in found}) == 1


def test_the_same_configuration_gives_the_same_shards_and_a_new_credential_no_new_ones() -> None:
    assert kept(an_input()) == kept(an_input())
    assert kept(an_input(secrets={"ai/p": "rotated"})) == kept(an_input())
    assert kept(an_input(secrets={}, missing_secrets=frozenset({"ai/p"}))) == kept(an_input())
