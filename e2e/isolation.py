"""A network of the tests' own: only a loopback interface, which also holds the documentation addresses 192.0.2.0/24.

An API server takes no 127.0.0.0/8 address into an EndpointSlice. In a network namespace of its own the loopback interface
may hold others, and nothing in it can reach, or be reached from, anything outside (RFC 5737 keeps the range unused).
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path
from typing import Final

HOST: Final = "192.0.2.1"
"""Any address of its /24 may be listened on."""
_NEW_USER: Final = 0x10000000
_NEW_NET: Final = 0x40000000
_SET_ADDRESS: Final = 0x8916
_SET_MASK: Final = 0x891C
_SET_FLAGS: Final = 0x8914
_UP_AND_RUNNING: Final = 0x41


def isolate() -> str:
    """Move this process into such a network; empty, or why that is not possible. Before any thread is started."""
    libc = ctypes.CDLL(None, use_errno=True)
    root = os.geteuid() == 0
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_NEW_NET if root else _NEW_NET | _NEW_USER):
        return f"no network namespace: {os.strerror(ctypes.get_errno())}"
    if not root:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    with socket.socket() as control:
        _interface(control, _SET_FLAGS, b"lo", struct.pack("h", _UP_AND_RUNNING))
        _interface(control, _SET_ADDRESS, b"lo:1", _address(HOST))
        _interface(control, _SET_MASK, b"lo:1", _address("255.255.255.0"))
    return ""


def can_listen() -> bool:
    """Whether this process has the documentation addresses."""
    with socket.socket() as probe:
        try:
            probe.bind((HOST, 0))
        except OSError:
            return False
    return True


def _interface(control: socket.socket, request: int, name: bytes, value: bytes) -> None:
    fcntl.ioctl(control, request, struct.pack("16s24s", name, value))


def _address(host: str) -> bytes:
    return struct.pack("HH4s", socket.AF_INET, 0, socket.inet_aton(host))
