"""Who gets in: by certificate, by name, or not at all."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from forebay_transport.identities import Identities, Role
from forebay_transport.security import PLAINTEXT, PlaintextRefused, Security, add_security_options, security_of

from ..authority import Authority

METHOD = "/test.Echo/Roles"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "tls")
    for role in ("operator", "data-plane", "envoy"):
        made.issue(role)
    return made


@asynccontextmanager
async def echo(security: Security, address: str = "127.0.0.1:0") -> AsyncIterator[str]:
    """A server that says which roles it takes its caller for."""

    async def roles(_: bytes, context: Any) -> bytes:
        found = security.roles(context)
        return b"trusted" if found is None else ",".join(sorted(found)).encode()

    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(roles)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", {"Roles": handler}),))
    port = security.listen(server, address)
    await server.start()
    try:
        yield address if address.startswith("unix:") else f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def ask(security: Security, address: str, name: str = "forebay-operator") -> str:
    channel = security.open_channel(address, name)
    try:
        return bytes(await channel.unary_unary(METHOD)(b"", timeout=60)).decode()
    except grpc.aio.AioRpcError as error:
        return error.code().name
    finally:
        await channel.close()


async def test_a_caller_is_what_its_certificate_says(authority: Authority) -> None:
    async with echo(authority.security("operator")) as address:
        assert await ask(authority.security("envoy"), address) == Role.ENVOY
        assert await ask(authority.security("data-plane"), address) == Role.DATA_PLANE


async def test_a_certificate_of_the_ca_with_a_name_of_nobody_has_no_role(authority: Authority) -> None:
    authority.issue("stranger", "other.example")
    async with echo(authority.security("operator")) as address:
        assert await ask(authority.security("stranger"), address) == ""


async def test_an_envoy_cannot_pose_as_the_operator(authority: Authority) -> None:
    async with echo(authority.security("envoy")) as address:
        assert await ask(authority.security("data-plane"), address) == "UNAVAILABLE"


async def test_a_caller_without_a_certificate_or_of_another_ca_is_not_let_in(
    authority: Authority, tmp_path: Path
) -> None:
    foreign = Authority(tmp_path / "foreign")
    foreign.issue("envoy")
    async with echo(authority.security("operator")) as address:
        assert await ask(foreign.security("envoy"), address) == "UNAVAILABLE"
        assert await ask(PLAINTEXT, address) == "UNAVAILABLE"
        bare = grpc.ssl_channel_credentials(authority.files("envoy").ca.read_bytes())
        options = [("grpc.ssl_target_name_override", "forebay-operator")]
        async with grpc.aio.secure_channel(address, bare, options=options) as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await channel.unary_unary(METHOD)(b"", timeout=60)


async def test_a_server_shows_its_new_certificate_to_the_next_caller_without_a_restart(authority: Authority) -> None:
    async with echo(authority.security("operator")) as address:
        assert await ask(authority.security("envoy"), address) == Role.ENVOY
        authority.renew()
        authority.issue("operator")
        assert await ask(authority.security("envoy"), address) == "UNAVAILABLE", "the caller is still of the old CA"
        authority.issue("envoy")
        assert await ask(authority.security("envoy"), address) == Role.ENVOY


async def test_a_unix_socket_is_plaintext_and_trusted_also_beside_tls(authority: Authority, tmp_path: Path) -> None:
    async with echo(authority.security("operator"), f"unix:{tmp_path}/s") as address:
        assert await ask(PLAINTEXT, address) == "trusted"


async def test_plaintext_beyond_this_machine_is_refused_with_a_sentence() -> None:
    with pytest.raises(
        PlaintextRefused, match=r"--listen 0\.0\.0\.0:1: .*there is no TLS: give --tls-cert.*--insecure"
    ):
        PLAINTEXT.admit(["unix:a", "127.0.0.1:1", "0.0.0.0:1"], "--listen")
    with pytest.raises(PlaintextRefused, match=r"operator\.example:1"):
        PLAINTEXT.open_channel("operator.example:1", "forebay-operator")
    Security(insecure=True).admit(["operator.example:1"], "--operator")


def parsed(*arguments: str) -> Security:
    parser = argparse.ArgumentParser()
    add_security_options(parser)
    return security_of(parser.parse_args(arguments))


def test_half_of_the_files_is_a_mistake_that_names_the_other_half() -> None:
    with pytest.raises(ValueError, match="--tls-key, --tls-ca: needed"):
        parsed("--tls-cert", "x")


def test_names_may_be_others_but_not_shared_by_roles(authority: Authority) -> None:
    security = parsed(*authority.options("envoy"), "--operator-name", "op.example")
    assert security.names == Identities(operator="op.example")
    with pytest.raises(ValueError, match="each role needs a name of its own"):
        parsed("--operator-name", "same", "--envoy-name", "same")
