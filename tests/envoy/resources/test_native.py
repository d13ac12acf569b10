"""What Envoy decides alone: explicit models, by the body's top level."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from forebay_operator.envoy.assemble import assemble

from ..builders import inputs, native, policy, pool
from ..harness import Rig, Upstream, running_rig, wait_until

pytestmark = pytest.mark.envoy


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with running_rig() as rig:
        small = rig.upstream()
        seen, unseen = native(max_content_length=1 << 24), native("toolless", absent=("tools",))
        made = inputs(
            rig.port,
            (rig.processor.address,),
            {
                "ai/p": policy("small", maxRequestBytes="16Mi"),
                "ai/team": policy("small", attach={"pathPrefix": "/team/a"}),
                "ai/plain": policy("small", attach={"hostnames": ["plain.test"]}),
            },
            {"ai/small": pool(small.port, models=("small", "toolless"))},
            native={"ai/p": (seen, unseen), "ai/team": (native(max_content_length=20),)},
        )
        rig.start(assemble(made))
        yield rig


@pytest.fixture
def small(rig: Rig) -> Upstream:
    rig.reset()
    return rig.upstreams[0]


def is_native(rig: Rig, body: object, **options: object) -> bool:
    rig.reset()
    rig.chat(body, **options)
    return rig.processor.streams == 0


def test_an_explicit_model_reaches_its_pool_without_the_data_plane(rig: Rig, small: Upstream) -> None:
    answer = rig.chat({"model": "small"})
    assert answer.status_code == 200
    assert rig.processor.streams == 0
    assert small.last.json == {"model": "small"}


def test_the_answer_explains_itself(rig: Rig, small: Upstream) -> None:
    headers = rig.chat({"model": "small"}).headers
    assert {k: headers[f"x-forebay-{k}"] for k in ("rule", "strategy", "pool", "model")} == {
        "rule": "explicit-model",
        "strategy": "explicit",
        "pool": "ai/small",
        "model": "small",
    }
    assert headers["x-forebay-reason"]
    assert headers["x-forebay-decision-id"] == small.last.headers["x-request-id"]


def test_a_caller_cannot_choose_the_decision_id(rig: Rig, small: Upstream) -> None:
    answer = rig.chat({"model": "small"}, headers={"x-request-id": "mine"})
    assert answer.headers["x-forebay-decision-id"] != "mine"


def test_the_access_log_carries_the_same_fields_and_the_time_to_the_first_byte(rig: Rig, small: Upstream) -> None:
    answer = rig.chat({"model": "small"})

    def told() -> tuple[Any, Any] | None:
        for entry in list(rig.processor.logs):  # those of requests before it may still come
            fields = entry.common_properties.metadata.filter_metadata["forebay"].fields
            if fields["decision-id"].string_value == answer.headers["x-forebay-decision-id"]:
                return entry, fields
        return None

    entry, fields = wait_until(told, "its log entry")
    for field in ("decision-id", "rule", "strategy", "pool", "model", "reason"):
        assert fields[field].string_value == answer.headers[f"x-forebay-{field}"]
    assert fields["decided-by"].string_value == "Envoy"
    assert int(entry.common_properties.custom_tags["ttfb-us"]) > 0
    assert entry.response.response_headers["x-forebay-pool"] == "ai/small"


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "other"}',
        b'{"messages": []}',
        b'{"model": ["small"]}',
        b'{"nested": {"model": "small"}}',
        b'{"model": "small", "model": "other"}',
        b'[{"model": "small"}]',
        b'{"model": "small"',
        b'{"model": "small"} {}',
        b'{"model": "small", "max_tokens": 5}',
        b'{"model": "small", "max_tokens": "absent"}',
        b'{"model": "small", "response_format": {"type": "json_object"}}',
        b'{"model": "small", "response_format": {}}',
    ],
)
def test_any_other_body_goes_to_the_data_plane(rig: Rig, body: bytes) -> None:
    assert not is_native(rig, body)


def test_a_null_counts_as_absent(rig: Rig) -> None:
    assert is_native(rig, {"model": "small", "response_format": None})


def test_a_model_that_must_have_no_tools_is_never_native_because_envoy_cannot_see_lists(rig: Rig) -> None:
    assert not is_native(rig, {"model": "toolless"})


def test_other_methods_paths_and_content_types_go_to_the_data_plane(rig: Rig) -> None:
    assert not is_native(rig, {"model": "small"}, path="/v1/embeddings")
    assert not is_native(rig, {"model": "small"}, path="/v1/chat/completions/x")
    assert not is_native(rig, {"model": "small"}, headers={"content-type": "text/plain"})
    rig.reset()
    rig.client.get("/v1/chat/completions")
    assert rig.processor.streams == 1


def test_a_body_over_the_bound_goes_to_the_data_plane(rig: Rig) -> None:
    path = "/team/a/v1/chat/completions"
    assert is_native(rig, b'{"model":"small"}', path=path)
    assert not is_native(rig, b'{"model":"small"}' + b" " * 20, path=path)


def test_a_body_without_a_length_goes_to_the_data_plane(rig: Rig, small: Upstream) -> None:
    rig.client.post(
        "/v1/chat/completions", content=iter([b'{"model":"small"}']), headers={"content-type": "application/json"}
    )
    assert rig.processor.streams == 1


def test_the_path_prefix_is_taken_off(rig: Rig, small: Upstream) -> None:
    assert rig.chat({"model": "small"}, path="/team/a/v1/chat/completions?x=1").status_code == 200
    assert small.last.path == "/v1/chat/completions?x=1"


def test_a_policy_without_native_models_asks(rig: Rig) -> None:
    assert not is_native(rig, {"model": "small"}, headers={"host": "plain.test"})


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"a":' * 100_000, b'{"model":' + b"[" * 100_000 + b"]" * 100_000 + b"}", b"\xff\xfe\x00", b""],
    ids=["open brackets", "open objects", "nested lists", "not text", "empty"],
)
def test_hostile_bodies_neither_stop_envoy_nor_the_next_request(rig: Rig, small: Upstream, body: bytes) -> None:
    assert rig.chat(body).status_code == 503
    assert rig.processor.streams == 1
    assert is_native(rig, {"model": "small"})


def test_a_body_of_8_mb_passes(rig: Rig, small: Upstream) -> None:
    body = b'{"model":"small","x":"' + b"y" * (8 << 20) + b'"}'
    assert rig.chat(body).status_code == 200
    assert small.last.body == body
