"""Key sets of JWT providers: read within bounds, looked at, and never believed where they cannot be had."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forebay_api.local import Jwks, Jwt, JwtProvider, Listener, LocalConfig
from forebay_operator.envoy.token import NO_KEYS
from forebay_operator.source.directory import Directory
from forebay_operator.source.jwks import with_keys

KEY = {"kty": "EC", "crv": "P-256", "x": "eA", "y": "eQ"}
GOOD = json.dumps({"keys": [KEY]})


def a_config(**jwks: str) -> LocalConfig:
    provider = JwtProvider(name="corp", issuer="i", audiences=["a"], jwks=Jwks(**jwks))
    return LocalConfig(listeners=[Listener(port=1), Listener(port=2, jwt=Jwt(providers=[provider]))])


def keys(config: LocalConfig) -> str | None:
    jwt = config.listeners[1].jwt
    assert jwt is not None
    return jwt.providers[0].jwks.inline


def test_a_configuration_without_tokens_is_left_alone(tmp_path: Path) -> None:
    config = LocalConfig()
    assert with_keys(config, "forebay.yaml", base=tmp_path, before=config)[0] is config


def test_keys_stand_in_the_text_or_in_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "corp.jwks").write_text(GOOD)
    for config in (a_config(inline=GOOD), a_config(file="corp.jwks"), a_config(file=str(tmp_path / "corp.jwks"))):
        made, faults = with_keys(config, "forebay.yaml", base=tmp_path, before=LocalConfig())
        assert (keys(made), faults) == (GOOD, ())


BAD = {
    "{": "is no JSON",
    "[" * 60_000: "is no JSON",
    "[]": "is no key set",
    '{"keys": []}': "is no key set",
    '{"keys": [1]}': "is no key set",
    json.dumps({"keys": [KEY, {"kty": "oct", "k": "c2VjcmV0"}]}): "keys[1].kty must be RSA, EC or OKP",
    json.dumps({"keys": [{"kid": "1"}]}): "keys[0].kty must be RSA, EC or OKP",
    json.dumps({"keys": [{"kty": []}]}): "keys[0].kty must be RSA, EC or OKP",
    json.dumps({"keys": [KEY | {"d": "c2VjcmV0"}]}): "keys[0] is a private key",
}


@pytest.mark.parametrize(("text", "said"), BAD.items(), ids=range(len(BAD)))
def test_a_set_that_cannot_be_used_is_told_of_and_no_token_fits_it(tmp_path: Path, text: str, said: str) -> None:
    made, faults = with_keys(a_config(inline=text), "forebay.yaml", base=tmp_path, before=LocalConfig())
    assert keys(made) == NO_KEYS
    assert len(faults) == 1
    assert faults[0].path == "listeners[1].jwt.providers[0].jwks.inline"
    assert faults[0].message.startswith(said)
    assert faults[0].severity == "Error"
    assert "c2VjcmV0" not in str(faults[0])


def test_a_file_that_is_gone_or_broken_keeps_what_it_held(tmp_path: Path) -> None:
    file = tmp_path / "corp.jwks"
    made, faults = with_keys(a_config(file="corp.jwks"), "forebay.yaml", base=tmp_path, before=LocalConfig())
    assert (keys(made), len(faults)) == (NO_KEYS, 1)
    assert "there is no such file" in faults[0].message
    assert faults[0].severity == "Warning"
    file.write_text(GOOD)
    made, faults = with_keys(a_config(file="corp.jwks"), "forebay.yaml", base=tmp_path, before=made)
    assert (keys(made), faults) == (GOOD, ())
    for break_it in (lambda: file.write_text("{"), file.unlink, lambda: file.write_text("x" * (65 << 10)), file.unlink):
        break_it()
        made, faults = with_keys(a_config(file="corp.jwks"), "forebay.yaml", base=tmp_path, before=made)
        assert (keys(made), len(faults)) == (GOOD, 1)


def test_what_another_provider_or_file_held_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "corp.jwks").write_text(GOOD)
    before, _ = with_keys(a_config(file="corp.jwks"), "forebay.yaml", base=tmp_path, before=LocalConfig())
    made, _ = with_keys(a_config(file="new.jwks"), "forebay.yaml", base=tmp_path, before=before)
    assert keys(made) == NO_KEYS
    made, _ = with_keys(a_config(inline="{"), "forebay.yaml", base=tmp_path, before=before)
    assert keys(made) == NO_KEYS


def test_a_rotated_file_is_news_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "corp.jwks").write_text(GOOD)
    (tmp_path / "forebay.yaml").write_text(
        "listeners: [{port: 1}, {port: 2, jwt: {providers: "
        "[{name: corp, issuer: i, audiences: [a], jwks: {file: corp.jwks}}]}}]\n"
    )
    directory = Directory(tmp_path)
    first = directory.read()
    assert (keys(first.local), first.errors) == (GOOD, ())
    assert directory.read().digest == first.digest
    rotated = json.dumps({"keys": [KEY, KEY]})
    (tmp_path / "corp.jwks").write_text(rotated)
    second = directory.read()
    assert keys(second.local) == rotated
    assert second.digest != first.digest
    (tmp_path / "corp.jwks").write_text("{")
    third = directory.read()
    assert keys(third.local) == rotated
    assert [error.source for error in third.errors] == ["forebay.yaml"]
    (tmp_path / "forebay.yaml").write_text("listeners: [")
    (tmp_path / "corp.jwks").write_text(GOOD)
    assert keys(directory.read().local) == GOOD
