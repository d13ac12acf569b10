"""Which addresses may go without TLS, and what a name stands for."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from forebay_transport.address import is_local, resolve, split


@pytest.mark.parametrize("address", ["unix:/run/x.sock", "127.0.0.1:1", "127.8.9.1:1", "[::1]:1", "localhost:1"])
def test_what_stays_on_this_machine_is_local(address: str) -> None:
    assert is_local(address)


@pytest.mark.parametrize("address", ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "operator:1", "localhost.example:1"])
def test_what_others_can_reach_is_not(address: str) -> None:
    assert not is_local(address)


@pytest.mark.parametrize("address", ["", "host", ":1", "host:", "host:x", "host:70000"])
def test_what_is_no_address_is_refused_with_the_forms_that_are(address: str) -> None:
    with pytest.raises(ValueError, match=r"unix:/path, host:port or \[v6\]:port"):
        split(address)


async def test_a_name_stands_for_all_its_addresses_and_one_for_none_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def look_up(host: str, port: int, **_: Any) -> list[Any]:
        if host != "many":
            raise socket.gaierror("unknown")
        return [
            (0, 0, 0, "", ("10.0.0.1", port)),
            (0, 0, 0, "", ("fd00::1", port, 0, 0)),
            (0, 0, 0, "", ("10.0.0.1", port)),
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
    found = await resolve(["unix:/a", "many:7", "none:7", "10.0.0.9:7", "unix:/a"])
    assert found == ("unix:/a", "10.0.0.1:7", "[fd00::1]:7", "10.0.0.9:7")
