"""Addresses: which of them stay on this machine, and so may go without TLS; and what a name stands for now."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

RESOLVE_SECONDS: Final = 2.0
MAX_ADDRESSES: Final = 64
"""Addresses of one name that are used; a name with more is no Service of ours."""


class PlaintextRefused(ValueError):
    """An address that others can reach was to be used without TLS."""


def is_unix(address: str) -> bool:
    """True for ``unix:/path``."""
    return address.startswith("unix:")


def is_local(address: str) -> bool:
    """True for Unix sockets, loopback addresses and ``localhost``: nobody beyond this machine can listen in."""
    if is_unix(address):
        return True
    host = split(address)[0]
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def split(address: str) -> tuple[str, int]:
    """Host, without brackets, and port of ``host:port`` or ``[v6]:port``.

    Raises ValueError where it is neither.
    """
    host, colon, port = address.removeprefix("ipv4:").removeprefix("ipv6:").rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{address!r} is no address: write unix:/path, host:port or [v6]:port")
    return host.removeprefix("[").removesuffix("]"), int(port)


def joined(host: str, port: int) -> str:
    """``host:port``, IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def resolve(addresses: Iterable[str]) -> tuple[str, ...]:
    """The addresses with names replaced by all that they stand for now; a name that stands for nothing is left out."""
    found: dict[str, None] = {}
    for address in addresses:
        for each in (address,) if is_unix(address) or is_ip(split(address)[0]) else await _look_up(address):
            found[each] = None
    return tuple(found)


def is_ip(host: str) -> bool:
    """True for an address as it stands in a URL without brackets: ``10.0.0.7``, ``fd00::7``."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def _look_up(address: str) -> tuple[str, ...]:
    host, port = split(address)
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:  # TimeoutError is one
        return ()
    return tuple(dict.fromkeys(joined(str(answer[4][0]), port) for answer in answers))[:MAX_ADDRESSES]
