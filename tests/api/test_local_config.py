"""forebay.yaml is read as strictly as manifests are."""

from __future__ import annotations

import pytest

from forebay_api.local import LocalConfig, SecretSource
from forebay_api.manifest import ManifestsRefused, load_local_config


@pytest.mark.parametrize("text", ["", "# all defaults\n", "---\n", "{}", "workers:\n"])
def test_what_is_left_out_has_its_default(text: str) -> None:
    assert load_local_config(text, "forebay.yaml") == LocalConfig()


def test_everything_can_be_said() -> None:
    config = load_local_config(
        """
listeners:
- {address: 0.0.0.0, port: 0, tls: {certFile: tls.crt, keyFile: tls.key}, accessLog: "-"}
secrets:
  openai: {api-key: {env: OPENAI_API_KEY}, other: {file: /run/secrets/other}}
trust: {caFile: ca.pem}
workers: 4
adminPort: 9901
metricsPort: 9100
""",
        "forebay.yaml",
    )

    assert config.listeners[0].tls is not None
    assert config.secrets["openai"]["api-key"] == SecretSource(env="OPENAI_API_KEY")
    assert (config.trust.ca_file, config.workers, config.admin_port, config.metrics_port) == ("ca.pem", 4, 9901, 9100)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("worker: 2", 'forebay.yaml:1: worker: unknown field: did you mean "workers"?'),
        ("workers: 0", "forebay.yaml:1: workers: must be at least 1, not 0"),
        (
            "listeners: [{address: localhost}]",
            'forebay.yaml:1: listeners[0].address: "localhost" must look like 127.0.0.1 or 0.0.0.0',
        ),
        ("listeners: []", "forebay.yaml:1: listeners: needs at least 1 item"),
        ("secrets:\n  a:\n    b: {}", "forebay.yaml:3: secrets.a.b: set exactly one of file or env"),
        ("secrets: {a.b: {c: {env: X, file: y}}}", 'forebay.yaml:1: secrets["a.b"].c: set exactly one of file or env'),
        ("secrets: {a: {b: {env: 1X}}}", 'forebay.yaml:1: secrets.a.b.env: "1X" must look like OPENAI_API_KEY'),
        (
            "listeners:\n- jwt: {providers: [{name: a, issuer: i, audiences: [a], jwks: {}}]}",
            "forebay.yaml:2: listeners[0].jwt.providers[0].jwks: set exactly one of inline or file",
        ),
        (
            "listeners:\n- jwt: {providers: [{name: a, issuer: i, audiences: [], jwks: {file: f}}]}",
            "forebay.yaml:2: listeners[0].jwt.providers[0].audiences: needs at least 1 item",
        ),
        (
            "listeners:\n- allowedRoutes: {namespaces: {from: Selector}}",
            "forebay.yaml:2: listeners[0].allowedRoutes.namespaces.selector: a selector goes with from: Selector",
        ),
        (
            "listeners:\n- allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {team: a}}}}",
            "forebay.yaml:2: listeners[0].allowedRoutes.namespaces.selector.matchLabels.team: unknown field",
        ),
        (
            "listeners:\n- hostnames: [&h {hostname: a.com, allowedRoutes: {}}, *h]",
            "forebay.yaml:2: listeners[0].hostnames",
        ),
        ("listeners:\n- jwt: {providers: []}", "forebay.yaml:2: listeners[0].jwt.providers: needs at least 1 item"),
        (
            "listeners:\n- jwt: {providers: [&p {name: a, issuer: i, audiences: [a], jwks: {file: f}}, *p]}",
            "forebay.yaml:2: listeners[0].jwt.providers",
        ),
        ("- a", "forebay.yaml:1: must be a mapping of fields, not a list"),
        ("a: [", "forebay.yaml:2: not YAML"),
        ("workers: 1\n---\nworkers: 2", "forebay.yaml:2: holds one document only"),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: a}",
            "forebay.yaml:1: a file of this name holds settings, and this one holds an object: call it otherwise",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, error: str) -> None:
    with pytest.raises(ManifestsRefused) as caught:
        load_local_config(text, "forebay.yaml")

    assert str(caught.value).startswith(error)
    assert len(caught.value.errors) == 1
