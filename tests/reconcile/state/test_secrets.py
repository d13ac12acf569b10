"""Credentials: where they come from, what is said when they do not, and that nobody sees them."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from forebay_api.local import LocalConfig
from forebay_operator.references.secrets import Credentials, SecretText, resolve_credentials

Build = Any
VALUE = "sk-very-private"


@pytest.fixture
def pools(build: Build) -> dict[str, Any]:
    return {"ai/big": build.pool("big", credentials=[{"secretRef": {"name": "openai", "key": "api-key"}}]).spec}


def local(**source: str) -> LocalConfig:
    return msgspec.convert({"secrets": {"openai": {"api-key": source}}}, LocalConfig)


def resolve(
    pools: Mapping[str, Any], config: LocalConfig, base: Path = Path(), environ: Mapping[str, str] | None = None
) -> Credentials:
    return resolve_credentials(pools, config, base=base, environ=environ or {})


def message(credentials: Credentials) -> str:
    (finding,) = credentials.findings["ai/big"]
    assert finding.path == "spec.credentials[0].secretRef"
    assert finding.reason == "SecretNotFound"
    assert credentials.values == {}
    return finding.message


def test_a_file_beside_forebay_yaml_gives_its_content_without_the_trailing_newline(
    pools: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(VALUE + "\n")
    assert resolve(pools, local(file="key"), tmp_path).reveal() == {"ai/big": VALUE}


def test_an_absolute_file_name_stands_by_itself(pools: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "key").write_text(VALUE)
    assert resolve(pools, local(file=str(tmp_path / "key"))).reveal() == {"ai/big": VALUE}


def test_an_environment_variable_gives_its_value(pools: dict[str, Any]) -> None:
    assert resolve(pools, local(env="KEY"), environ={"KEY": VALUE}).reveal() == {"ai/big": VALUE}


def test_a_file_is_read_again_each_time(pools: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "key").write_text(VALUE)
    before = resolve(pools, local(file="key"), tmp_path)
    assert resolve(pools, local(file="key"), tmp_path) == before
    (tmp_path / "key").write_text("rotated")
    assert resolve(pools, local(file="key"), tmp_path) != before


def test_a_pool_that_asks_for_no_credential_gets_none(build: Build) -> None:
    assert resolve({"ai/small": build.pool().spec}, LocalConfig()) == Credentials({}, {})


def test_a_secret_that_is_not_mapped_says_how_to_map_it(pools: dict[str, Any]) -> None:
    assert "map it in forebay.yaml: secrets.openai.api-key.{file|env}" in message(resolve(pools, LocalConfig()))


def test_a_missing_file_names_the_file_and_the_field(pools: dict[str, Any], tmp_path: Path) -> None:
    assert (
        message(resolve(pools, local(file="key"), tmp_path))
        == "secrets.openai.api-key.file: key: there is no such file"
    )


def test_an_unset_variable_is_named(pools: dict[str, Any]) -> None:
    assert "the environment variable KEY is not set" in message(resolve(pools, local(env="KEY")))


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"two\nlines", b"bell\x07", "schlüssel".encode(), b"\xff", b"a\r\nx: y"]
)
def test_what_no_header_can_carry_is_refused_without_being_shown(
    pools: dict[str, Any], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "key").write_bytes(content)
    told = message(resolve(pools, local(file="key"), tmp_path))
    assert told.startswith("secrets.openai.api-key.file: key ")
    assert "two" not in told


def test_a_huge_file_is_refused(pools: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"x" * (65 << 10))
    assert "longer than" in message(resolve(pools, local(file="key"), tmp_path))


def test_a_value_shows_itself_nowhere(pools: dict[str, Any]) -> None:
    credentials = resolve(pools, local(env="KEY"), environ={"KEY": VALUE})
    value = credentials.values["ai/big"]
    for shown in (repr(credentials), str(value), f"{value}", "%s" % value, repr({"k": value})):  # noqa: UP031
        assert VALUE not in shown
    with pytest.raises(TypeError):
        msgspec.json.encode(value)
    with pytest.raises(TypeError, match="not copied"):
        pickle.dumps(value)


def test_equal_values_are_equal() -> None:
    assert SecretText("a") == SecretText("a")
    assert SecretText("a") != SecretText("b")
    assert SecretText("a") != "a"
