"""The files that Envoy starts with, in the state directory: its bootstrap, and where its certificates are."""

from __future__ import annotations

from pathlib import Path

import msgspec

from forebay_operator.envoy.bootstrap import bootstrap
from forebay_operator.envoy.identity import PeerTls, sds_files
from forebay_operator.launch.memory import heap_bytes
from forebay_operator.launch.options import Options


def write_files(options: Options, stand_in: str | None) -> Path:
    """Write them; return the bootstrap's path. `stand_in` is the stand-in's loopback address. Raises OSError."""
    state = options.state.resolve()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificates = options.security.certificates
    if certificates is not None:
        for path, content in sds_files(certificates.files, str(state)).items():
            Path(path).write_bytes(content)
    made = bootstrap(
        operator=options.operators,
        admin=options.admin,
        node_id=options.node_id,
        tls=None if certificates is None else PeerTls(options.security.names.operator, str(state)),
        stand_in=stand_in,
        stats=options.stats,
        heap=heap_bytes(),
    )
    config = state / "bootstrap.json"
    config.write_bytes(msgspec.json.encode(made))
    return config
