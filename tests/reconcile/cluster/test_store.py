"""What is known of the cluster: the same whatever the order in which it was told."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from forebay_operator.cluster.change import Change
from forebay_operator.cluster.store import Picture, Store, surplus

from .objects import POOLS, SECRETS, SERVICES, SLICES, gone, pool, secret, service, slice_, there

Event = tuple[str, int, str]


def shown(picture: Picture) -> Any:
    return msgspec.structs.asdict(picture) | {"facts": msgspec.structs.asdict(picture.facts)}


def told(*changes: Change) -> Store:
    store = Store()
    for change in changes:
        store.take(change)
    return store


def changes_of(events: list[Event]) -> dict[str, list[Change]]:
    """Histories by object, each in its order: incarnations come and go, and change."""
    found: dict[str, list[Change]] = {}
    incarnation: dict[str, int] = {}
    for name, value, what in events:
        uid = f"{name}-{incarnation.setdefault(name, 0)}"
        history = found.setdefault(name, [])
        if name.startswith("slice"):
            resource, body = SLICES, slice_(name, f"service-{value % 2}", f"10.0.0.{value}", uid=uid)
        elif name.startswith("pool"):
            resource, body = POOLS, pool(name, 8000 + value, uid=uid)
        else:
            resource, body = SERVICES, service(name, 80 + value, uid=uid)
        history.append(gone(resource, body) if what == "gone" else there(resource, body))
        incarnation[name] += what == "gone"
    return found


Events = st.lists(
    st.tuples(
        st.sampled_from(["slice-0", "slice-1", "pool-0", "pool-1", "service-0"]),
        st.integers(1, 9),
        st.sampled_from(["there", "there", "gone"]),
    ),
    max_size=40,
)


@given(events=Events, data=st.data())
def test_the_order_of_events_of_different_objects_does_not_matter(events: list[Event], data: st.DataObject) -> None:
    """Each kind has a watch of its own, so nothing says in which order their news arrive."""
    histories = changes_of(events)
    one_by_one = [change for history in histories.values() for change in history]
    left = {name: list(history) for name, history in histories.items()}
    mixed = []
    while left:
        name = data.draw(st.sampled_from(sorted(left)))
        mixed.append(left[name].pop(0))
        if not left[name]:
            del left[name]
    assert shown(told(*mixed).picture()) == shown(told(*one_by_one).picture())


@given(events=Events)
def test_a_picture_taken_after_each_change_is_the_picture_of_all_of_them(events: list[Event]) -> None:
    """What is remembered from picture to picture is never out of date."""
    store, taken = Store(), []
    for history in changes_of(events).values():
        for change in history:
            taken.append(change)
            moved = store.take(change)
            before = shown(told(*taken[:-1]).picture())
            now = shown(told(*taken).picture())
            assert shown(store.picture()) == now
            stored = ("stored_policies", "stored_pools")
            differs = any(now[key] != before[key] for key in now if key not in stored)
            assert moved or not differs, "a change that counts is never passed over"


def test_the_deletion_of_another_incarnation_is_passed_over() -> None:
    store = told(there(POOLS, pool("a", uid="new")))
    assert not store.take(gone(POOLS, pool("a", uid="old")))
    assert list(store.picture().pools) == ["ai/a"]
    assert store.take(gone(POOLS, pool("a", uid="new")))
    assert store.picture().pools == {}
    assert store.picture().stored_pools == {}


def test_an_object_made_anew_replaces_the_former_one() -> None:
    store = told(there(POOLS, pool("a", 1, uid="old")))
    assert store.take(there(POOLS, pool("a", 1, uid="new")))
    assert store.uids(POOLS) == {"ai/a": "new"}
    # And without its last good version, which was the former one's.
    assert store.take(there(POOLS, pool("a", uid="newer", spec={"backend": {}})))
    assert store.picture().pools == {}
    assert store.picture().stored_pools["ai/a"].refused is not None


def test_an_object_whose_newest_version_is_refused_stands_in_its_last_good_one() -> None:
    good = there(POOLS, pool("a", 1))
    store = told(good)
    assert store.take(there(POOLS, pool("a", spec={"backend": {}}, generation=2)))
    assert store.picture().pools["ai/a"] == good.value
    assert store.picture().stored_pools["ai/a"].generation == 2
    assert store.take(there(POOLS, pool("a", 1, generation=3)))
    assert store.picture().stored_pools["ai/a"].refused is None


def test_a_write_of_our_own_status_is_no_change() -> None:
    store = told(there(POOLS, pool("a")))
    body = pool("a", resourceVersion="2", managedFields=[{"manager": "forebay-operator"}])
    change = there(POOLS, {**body, "status": {"observedGeneration": 1}})
    assert not store.take(change)
    assert store.picture().stored_pools["ai/a"].status == {"observedGeneration": 1}


def test_parts_that_nothing_has_touched_are_the_very_same_objects() -> None:
    store = told(there(SERVICES, service("s")), there(SLICES, slice_("s-0", "s", "10.0.0.1")), there(POOLS, pool("a")))
    before = store.picture()
    store.take(there(SLICES, slice_("t-0", "t", "10.0.0.2")))
    after = store.picture()
    assert after.facts.services is before.facts.services
    assert after.pools is before.pools
    assert after.facts.slices is not before.facts.slices
    assert after.facts.slices["ai/s"] is before.facts.slices["ai/s"]


def test_a_slice_that_changes_its_service_leaves_the_former_one() -> None:
    store = told(there(SLICES, slice_("x", "one", "10.0.0.1")), there(SLICES, slice_("x", "two", "10.0.0.1")))
    assert list(store.picture().facts.slices) == ["ai/two"]


def test_values_of_secrets_show_themselves_to_nobody() -> None:
    store = told(there(SECRETS, secret("s", "aHVudGVyMg==")))
    found = store.picture().secrets["ai/s"]
    assert "hunter2" not in repr(store.picture())
    assert found.values["key"] is not None
    assert found.values["key"].reveal() == "hunter2"


def test_a_secret_that_cannot_be_read_is_refused_without_a_word_of_it() -> None:
    change = there(SECRETS, {"metadata": secret("s", "")["metadata"], "data": ["hunter2"]})
    assert change.refused is not None
    assert "hunter2" not in repr(change.refused)


def test_a_kind_that_is_not_followed_any_more_is_forgotten() -> None:
    store = told(there(SERVICES, service("s")), there(SLICES, slice_("s-0", "s", "10.0.0.1")))
    assert store.forget(SLICES)
    assert not store.forget(SLICES)
    assert store.picture().facts.slices == {}
    assert store.uids(SLICES) == {}


def test_what_the_api_server_no_longer_lists_is_surplus() -> None:
    known = {"ai/kept": "1", "ai/gone": "2", "ai/anew": "3"}
    listed = [("ai", "kept", "1"), ("ai", "anew", "4"), ("ai", "younger", "5")]
    assert [(identity.key, identity.uid) for identity in surplus(known, listed)] == [("ai/gone", "2"), ("ai/anew", "3")]
