"""The operator's command line, for the directory source."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import msgspec


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """`data_planes` maps node id -> address that Envoy reaches it at. `listener_ports` replace the ports of
    forebay.yaml's listeners, in order."""

    directory: Path
    listen: tuple[str, ...]
    data_planes: dict[str, str]
    envoys: tuple[str, ...]
    listener_ports: tuple[int, ...] = ()
    log: str = "info"


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Options from the command line; a mistake ends the process with status 2 and a sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m forebay_operator",
        description="Forebay's control plane over a directory: turns manifests into live configuration.",
    )
    parser.add_argument("--directory", type=Path, required=True, help="where the manifests and forebay.yaml are")
    parser.add_argument("--listen", action="append", required=True, metavar="ADDRESS", help="unix:/path or host:port")
    parser.add_argument(
        "--data-plane", action="append", default=[], type=_pair, metavar="NODE=ADDRESS", help="a data-plane worker"
    )
    parser.add_argument(
        "--expect-envoy", action="append", default=[], metavar="NODE", help="an Envoy that must have all"
    )
    parser.add_argument(
        "--listener-ports", type=_ports, default=(), help="ports for forebay.yaml's listeners, in order"
    )
    parser.add_argument(
        "--log", default="info", choices=("debug", "info", "warning", "error"), help="least level logged"
    )
    found = parser.parse_args(arguments)
    return Options(
        directory=found.directory,
        listen=tuple(found.listen),
        data_planes=dict(found.data_plane),
        envoys=tuple(found.expect_envoy),
        listener_ports=found.listener_ports,
        log=found.log,
    )


def _pair(text: str) -> tuple[str, str]:
    name, equals, address = text.partition("=")
    if not (name and equals and address):
        raise argparse.ArgumentTypeError(f"{text!r} is not NODE=ADDRESS")
    return name, address


def _ports(text: str) -> tuple[int, ...]:
    ports = text.split(",")
    if not all(port.isdigit() and 0 < int(port) < 65536 for port in ports):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of ports such as 10080,10443")
    return tuple(map(int, ports))
