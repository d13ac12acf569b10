"""When single objects make a consistent set, without a stream."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import msgspec
import pytest

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.wire import POLICY_TYPE, POOL_TYPE, REVISION_TYPE, PolicyResource, PoolResource, Revision
from forebay_extproc.discovery import Item, Update
from forebay_extproc.inventory import Inventory

POOL = msgspec.convert(
    {
        "backend": {"addresses": [{"host": "127.0.0.1", "port": 8000}]},
        "placement": {"boundary": "Private"},
        "models": [{"name": "m"}],
    },
    PoolSpec,
)


def policy_spec(prefix: str = "/") -> PolicySpec:
    strategy = {"name": "all", "direct": {"pools": [{"name": "small"}]}}
    return msgspec.convert({"strategies": [strategy], "default": {"use": "all"}}, PolicySpec)


def policy(name: str = "ai/p", version: str = "1", **fields: Any) -> Update:
    value = msgspec.msgpack.encode(PolicyResource(name=name, spec=policy_spec(), **fields))
    return Update(POLICY_TYPE, "n", (Item(name, version, value),))


def pool(name: str = "ai/small", version: str = "1") -> Update:
    return Update(POOL_TYPE, "n", (Item(name, version, msgspec.msgpack.encode(PoolResource(name=name, spec=POOL))),))


def revision(id_: str = "r1", policies: dict[str, str] | None = None, pools: dict[str, str] | None = None) -> Update:
    named = Revision(
        id=id_,
        policies={"ai/p": "1"} if policies is None else policies,
        pools={"ai/small": "1"} if pools is None else pools,
    )
    return Update(REVISION_TYPE, "n", (Item("current", f"version of {id_}", msgspec.msgpack.encode(named)),))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_objects_make_a_set_once_all_that_the_revision_names_are_there(order: tuple[int, ...]) -> None:
    updates = [policy(), pool(), revision()]
    inventory = Inventory()
    for index in order[:2]:
        assert inventory.take(updates[index]) is None
        assert inventory.candidate() is None
    inventory.take(updates[order[2]])
    found = inventory.candidate()
    assert found is not None
    assert (found.config.revision, set(found.config.policies), set(found.config.pools)) == (
        "r1",
        {"ai/p"},
        {"ai/small"},
    )


def test_an_object_of_another_version_than_the_revision_names_makes_no_set() -> None:
    inventory = Inventory()
    for update in (policy(version="2"), pool(), revision()):
        inventory.take(update)
    assert inventory.candidate() is None


def test_an_object_for_a_newer_reader_is_refused_alone_and_the_rest_is_a_set() -> None:
    inventory = Inventory()
    error = inventory.take(policy("ai/new", min_reader=99))
    assert error == "Policy ai/new: needs reader 99, this data plane reads 1; upgrade the data plane"
    for update in (policy(), pool(), revision(policies={"ai/p": "1", "ai/new": "1"})):
        assert inventory.take(update) is None
    found = inventory.candidate()
    assert found is not None
    assert set(found.config.policies) == {"ai/p"}
    assert found.config.refused == {"ai/new": error}


def test_a_refused_object_stays_in_its_last_accepted_version() -> None:
    inventory = Inventory()
    for update in (policy(), pool(), revision()):
        inventory.take(update)
    inventory.accept(inventory.candidate() or pytest.fail("no set"), {})
    inventory.take(policy(version="2", min_reader=99))
    inventory.take(revision("r2", policies={"ai/p": "2"}))
    found = inventory.candidate()
    assert found is not None
    assert set(found.config.policies) == {"ai/p"}
    assert set(found.config.refused) == {"ai/p"}


def test_an_object_that_does_not_decode_is_refused_with_its_name_and_path() -> None:
    value = msgspec.msgpack.encode({"name": "ai/p", "spec": {"strategies": 7}})
    error = Inventory().take(Update(POLICY_TYPE, "n", (Item("ai/p", "1", value),)))
    assert error == "Policy ai/p: Expected `array`, got `int` - at `$.spec.strategies`"


def test_a_revision_counts_as_had_only_once_it_is_applied() -> None:
    inventory = Inventory()
    for update in (policy(), pool(), revision()):
        inventory.take(update)
    assert inventory.versions(POLICY_TYPE) == {"ai/p": "1"}
    assert inventory.versions(REVISION_TYPE) == {}
    inventory.accept(inventory.candidate() or pytest.fail("no set"), {})
    assert inventory.versions(REVISION_TYPE) == {"current": "version of r1"}
