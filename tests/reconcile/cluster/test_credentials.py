"""Credentials from labelled Secrets: found, or told apart why not, and never shown."""

from __future__ import annotations

from typing import Any

import pytest

from forebay_api.pool import PoolSpec
from forebay_operator.cluster.change import SecretFacts
from forebay_operator.cluster.credentials import resolve_secrets

from .objects import POOLS, SECRETS, pool, secret, there

VALUE = "hunter2-and-more"


def spec(**ref: str) -> PoolSpec:
    body = pool("small")
    body["spec"]["credentials"] = [{"secretRef": {"name": "keys", "key": "key", **ref}}]
    made = there(POOLS, body).value
    assert made is not None
    return made.spec  # type: ignore[no-any-return]


def facts(encoded: str) -> dict[str, SecretFacts]:
    return {"ai/keys": there(SECRETS, secret("keys", encoded)).value}


def refusal(secrets: Any, namespaces: set[str], locked: frozenset[str] = frozenset(), **ref: str) -> str:
    found = resolve_secrets({"ai/small": spec(**ref)}, secrets, frozenset(namespaces), locked)
    assert found.values == {}
    (finding,) = found.findings["ai/small"]
    assert finding.reason == "SecretNotFound"
    assert finding.path == "spec.credentials[0].secretRef"
    assert VALUE not in repr(found)
    return finding.message


def test_a_value_is_found_and_its_line_end_left_out() -> None:
    secrets = facts("aHVudGVyMi1hbmQtbW9yZQo=")
    found = resolve_secrets({"ai/small": spec()}, secrets, frozenset({"ai"}))
    assert found.reveal() == {"ai/small": VALUE}
    assert found.findings == {}
    assert VALUE not in repr(found)


def test_a_pool_without_a_credential_is_in_neither() -> None:
    plain = there(POOLS, pool("small")).value
    assert plain is not None
    found = resolve_secrets({"ai/small": plain.spec}, {}, frozenset())
    assert (found.values, found.findings) == ({}, {})


def test_where_the_operator_may_not_read_the_chart_s_value_is_named() -> None:
    assert "credentialNamespaces" in refusal(facts("eA=="), {"other"})


def test_a_secret_that_is_not_there_or_not_labelled_is_told_with_the_command() -> None:
    assert "kubectl label secret keys forebay.dev/credential=true -n ai" in refusal({}, {"ai"})


def test_a_key_that_is_not_there_is_told_with_those_that_are() -> None:
    assert refusal(facts("eA=="), {"ai"}, key="other") == "Secret 'keys' has no key 'other' (its keys: key)"


@pytest.mark.parametrize(
    ("encoded", "why"),
    [("", "is empty"), ("YQpi", "line break"), ("w6Q=", "no HTTP header takes"), ("!", "no HTTP header takes")],
    ids=["empty", "two lines", "not ASCII", "no base64"],
)
def test_a_value_that_no_header_takes_is_no_credential(encoded: str, why: str) -> None:
    assert why in refusal(facts(encoded), {"ai"})


def test_a_namespace_that_the_api_server_keeps_shut_is_told_apart_from_a_secret_that_is_missing() -> None:
    message = refusal({}, {"ai"}, frozenset({"ai"}))
    assert "does not let the operator list and watch Secrets in namespace 'ai'" in message
    assert "credentialNamespaces" in message


def test_what_was_read_before_a_namespace_was_shut_still_counts() -> None:
    secrets = facts("aHVudGVyMi1hbmQtbW9yZQo=")
    found = resolve_secrets({"ai/small": spec()}, secrets, frozenset({"ai"}), frozenset({"ai"}))
    assert found.reveal() == {"ai/small": VALUE}
