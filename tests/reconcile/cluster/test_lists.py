"""Labelled ConfigMaps on their way from the API server to policies."""

from __future__ import annotations

from typing import Any

import pytest

from forebay_api.local import LocalConfig
from forebay_operator.cluster.kinds import POLICIES
from forebay_operator.cluster.situate import Situater
from forebay_operator.cluster.store import Picture, Store
from forebay_operator.gather import Inputs
from forebay_operator.options import ClusterOptions, parse_options

from .objects import POLICY_DATA, config_map, gone, meta, there

POLICY = {
    "apiVersion": "forebay.dev/v1alpha1",
    "kind": "RoutingPolicy",
    "metadata": meta("assistant"),
    "spec": {
        "strategies": [{"name": "plain", "direct": {"pools": [{"name": "small"}]}}],
        "default": {"use": "plain"},
        "signals": [{"name": "urgent", "keyword": {"anyFrom": {"configMapRef": {"name": "words", "key": "urgent"}}}}],
    },
}


@pytest.fixture
def store() -> Store:
    made = Store()
    made.take(there(POLICIES, POLICY))
    return made


def inputs_of(picture: Picture, **options: Any) -> Inputs:
    situater = Situater(ClusterOptions(namespace="forebay", **{"config_maps": True, **options}), None)
    return situater.situate(picture, LocalConfig()).inputs


def phrases(inputs: Inputs) -> list[str] | None:
    keyword = inputs.policies["ai/assistant"].spec.signals[0].keyword
    assert keyword is not None
    return keyword.any


def reason(inputs: Inputs) -> str:
    (finding,) = inputs.data_findings["ai/assistant"]
    return finding.reason


def test_config_maps_are_read_only_if_that_is_asked_for() -> None:
    given = ["--cluster", "--namespace", "forebay", "--listen", "127.0.0.1:18000"]
    for more, reads in (([], False), (["--config-maps"], True)):
        cluster = parse_options([*given, *more]).cluster
        assert cluster is not None
        assert cluster.config_maps is reads


def test_a_list_is_there_as_long_as_its_config_map_is(store: Store) -> None:
    assert reason(inputs_of(store.picture())) == "ConfigMapNotFound"
    assert store.take(there(POLICY_DATA, config_map("words", urgent="now")))
    assert phrases(inputs_of(store.picture())) == ["now"]
    assert store.take(there(POLICY_DATA, config_map("words", urgent="now\nat once")))
    assert phrases(inputs_of(store.picture())) == ["now", "at once"]
    assert store.take(gone(POLICY_DATA, config_map("words")))
    assert reason(inputs_of(store.picture())) == "ConfigMapNotFound"


def test_what_else_is_written_on_a_config_map_is_no_news(store: Store) -> None:
    store.take(there(POLICY_DATA, config_map("words", urgent="now")))
    assert not store.take(there(POLICY_DATA, config_map("words", urgent="now", annotations={"seen": "today"})))


def test_binary_data_and_no_data_at_all_are_read_as_no_list(store: Store) -> None:
    body = {"metadata": meta("words"), "binaryData": {"urgent": "bm93"}}
    store.take(there(POLICY_DATA, body))
    (finding,) = inputs_of(store.picture()).data_findings["ai/assistant"]
    assert finding.message.endswith("no such key in `data` (its keys: none)")


def test_where_config_maps_may_not_be_read_that_is_the_reason(store: Store) -> None:
    store.take(there(POLICY_DATA, config_map("words", urgent="now")))
    assert reason(inputs_of(store.picture(), config_maps=False)) == "RefNotPermitted"
    assert store.bar(frozenset({"ai"}))
    assert reason(inputs_of(store.picture())) == "RefNotPermitted"
    assert not store.bar(frozenset({"ai"}))
    assert store.bar(frozenset({""}))
    assert reason(inputs_of(store.picture())) == "RefNotPermitted"
    assert store.bar(frozenset({"other"}))
    assert phrases(inputs_of(store.picture())) == ["now"]
