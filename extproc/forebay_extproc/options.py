"""The data plane's command line."""

from __future__ import annotations

import argparse
import os
import re
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from forebay_api.quantities import BYTES_PATTERN, byte_count
from forebay_extproc.cgroup import LEAST_BYTES, UNLIMITED_BYTES, bytes_for_bodies
from forebay_extproc.telemetry.logs import LEVELS
from forebay_transport.address import is_ip, split
from forebay_transport.security import PLAINTEXT, Security, UnusableTls, add_security_options, security_of

MAX_THREADS: Final = 64


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses are gRPC's (``unix:/path``, ``host:port``). `operators` are all replicas' or a name that stands for all.
    `peer_service` is a name that stands for all of them, who then are called by their IP addresses. `last_good` is this
    process's own copy, `last_good_dir` the operator's, mounted. `peers` are the other replicas: name -> address.
    `metrics_port` None opens no port, 0 takes a free one. `grace_seconds` bounds how long a stop waits for requests."""

    listen: tuple[str, ...]
    operators: tuple[str, ...]
    node_id: str
    replica: str
    peers: dict[str, str] = {}
    peer_service: str | None = None
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
    last_good: Path | None = None
    artefacts: Path | None = None
    last_good_dir: Path | None = None
    security: Security = PLAINTEXT
    log: str = "info"
    grace_seconds: float = 5.0
    encoder_threads: int = 1
    body_memory: int = UNLIMITED_BYTES


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Options from the command line; a mistake ends the process with status 2 and a sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m forebay_extproc", description="Forebay's data plane: decides for Envoy where requests go."
    )
    host = socket.gethostname()
    parser.add_argument(
        "--listen", action="append", required=True, metavar="ADDRESS", help="unix:/path or host:port; may be repeated"
    )
    parser.add_argument(
        "--operator",
        action="append",
        required=True,
        metavar="ADDRESS",
        help="an operator's xDS address; a name stands for all its addresses, and the one that leads is found; repeatable",
    )
    parser.add_argument("--node-id", default=host, help="this process's name towards the operator (%(default)s)")
    parser.add_argument("--replica", default=f"{host}-{os.getpid()}", help="its name in decisions (host and pid)")
    parser.add_argument(
        "--peers",
        action="append",
        default=[],
        type=_peer,
        metavar="REPLICA=ADDRESS",
        help="another replica; repeatable",
    )
    parser.add_argument(
        "--peer-service",
        metavar="HOST:PORT",
        help="a name for all replicas, such as a headless Service; --replica is then this one's own IP address",
    )
    parser.add_argument("--metrics-host", default="127.0.0.1", help="address of the metrics port (%(default)s)")
    parser.add_argument("--metrics-port", type=_port, metavar="PORT", help="/metrics, /healthz, /readyz; 0: a free one")
    parser.add_argument("--last-good", type=Path, metavar="FILE", help="where the last good configuration is kept")
    parser.add_argument(
        "--artifacts", type=Path, metavar="DIR", help="where classifier artefacts lie that policies name by path"
    )
    parser.add_argument(
        "--last-good-dir",
        type=Path,
        metavar="DIR",
        help="where the operator's last good configuration is mounted; used where there is no copy of one's own",
    )
    parser.add_argument("--log", default="info", choices=LEVELS, help="least level logged (%(default)s)")
    parser.add_argument("--grace", type=_seconds, default=5.0, metavar="SECONDS", help="longest stop (%(default)s)")
    parser.add_argument(
        "--encoder-threads",
        type=_threads,
        default=suggest_threads(len(os.sched_getaffinity(0))),
        metavar="N",
        help="texts encoded at once, 1 to 64 (%(default)s: two where three cores or more may be used, else one)",
    )
    parser.add_argument(
        "--body-memory",
        type=_size,
        metavar="SIZE",
        help="what the bodies of all requests may take together, such as 768Mi (three eighths of the control group's memory "
        "limit, 512Mi without one); what does not fit is answered with 503",
    )
    add_security_options(parser)
    found = parser.parse_args(arguments)
    try:
        security = security_of(found)
        security.admit(found.listen, "--listen")
        security.admit(found.operator, "--operator")
        security.admit([address for _, address in found.peers], "--peers")
        if found.peer_service is not None:
            split(found.peer_service)
            security.admit([found.peer_service], "--peer-service")
            if not is_ip(found.replica):
                raise ValueError("--replica: with --peer-service it is this replica's own IP address, as peers see it")
    except (ValueError, UnusableTls) as error:
        parser.error(str(error))
    return Options(
        listen=tuple(found.listen),
        operators=tuple(found.operator),
        node_id=found.node_id,
        replica=found.replica,
        peers={name: address for name, address in found.peers if name != found.replica},
        peer_service=found.peer_service,
        metrics_host=found.metrics_host,
        metrics_port=found.metrics_port,
        last_good=found.last_good,
        artefacts=found.artifacts,
        last_good_dir=found.last_good_dir,
        security=security,
        log=found.log,
        grace_seconds=found.grace,
        encoder_threads=found.encoder_threads,
        body_memory=bytes_for_bodies() if found.body_memory is None else found.body_memory,
    )


def suggest_threads(cores: int) -> int:
    """Encoders' threads where nobody says: one core is left to the event loop and to Envoy; a loop cannot feed more than two."""
    return max(1, min(2, cores - 1))


def _peer(text: str) -> tuple[str, str]:
    name, equals, address = text.partition("=")
    if not (name and equals and address):
        raise argparse.ArgumentTypeError(f"{text!r} is not REPLICA=ADDRESS")
    return name, address


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


def _threads(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MAX_THREADS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of threads from 1 to {MAX_THREADS}")
    return int(text)


def _size(text: str) -> int:
    if not re.match(BYTES_PATTERN, text) or byte_count(text) < LEAST_BYTES:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size from {LEAST_BYTES >> 20}Mi, such as 768Mi")
    return byte_count(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds <= 3600.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 3600")
    return seconds
