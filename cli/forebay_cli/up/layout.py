"""From a directory to the Plan of one machine: what forebay.yaml says, which ports are free, where files may be written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from forebay_api.local import LocalConfig
from forebay_api.manifest import ManifestError, ManifestsRefused, load_local_config
from forebay_cli.up.plan import Addresses, Plan
from forebay_cli.up.ports import free_port
from forebay_operator.source.file import Unreadable, read_bounded
from forebay_operator.source.listing import legible_path

SHORT_PATH: Final = 80
"""Bytes. Unix socket paths may have 107; longer run directories are replaced by a temporary one, and so are those whose names
Envoy's JSON cannot hold."""


def make_plan(directory: Path, *, port: int | None, workers: int | None, log: str) -> Plan:
    """Read forebay.yaml, choose ports and make the run directory. Raises PortTaken and ManifestsRefused."""
    local = _local_config(directory)
    ports = tuple(
        free_port(
            listener.address,
            port if port is not None and index == 0 else listener.port,
            insist=(port is not None and index == 0 and port != 0),
        )
        for index, listener in enumerate(local.listeners)
    )
    run = _run_directory(directory)
    count = workers or local.workers
    admin = free_port("127.0.0.1", local.admin_port or 0, insist=local.admin_port is not None)
    addresses = Addresses(
        listeners=tuple(
            f"{'https' if listener.tls else 'http'}://{listener.address}:{chosen}"
            for listener, chosen in zip(local.listeners, ports, strict=True)
        ),
        admin=f"127.0.0.1:{admin}",
        operator=f"unix:{run}/operator.sock",
        data_planes=tuple(f"unix:{run}/dataplane-{index}.sock" for index in range(count)),
        metrics=tuple(
            free_port("127.0.0.1", local.metrics_port + index if local.metrics_port else 0, insist=False)
            for index in range(count)
        ),
    )
    return Plan(
        directory=directory,
        run=run,
        addresses=addresses,
        listener_ports=ports,
        log=log,
        secret_variables=_secret_variables(local),
        taken_ports=tuple(
            listener.port
            for listener, chosen in zip(local.listeners, ports, strict=True)
            if listener.port and listener.port != chosen and port is None
        ),
    )


def _local_config(directory: Path) -> LocalConfig:
    path = directory / "forebay.yaml"
    try:
        return load_local_config(read_bounded(path), path.name)
    except FileNotFoundError:
        return LocalConfig()
    except Unreadable as error:
        raise ManifestsRefused((ManifestError(source=path.name, message=str(error)),)) from None


def _secret_variables(local: LocalConfig) -> frozenset[str]:
    sources = (source for keys in local.secrets.values() for source in keys.values())
    return frozenset(source.env for source in sources if source.env is not None)


def _run_directory(directory: Path) -> Path:
    run = directory.resolve() / ".forebay"
    if len(os.fsencode(run)) > SHORT_PATH or legible_path(str(run)) != str(run) or not _is_ours(run):
        run = Path(tempfile.mkdtemp(prefix="forebay-"))
    (run / "logs").mkdir(exist_ok=True)
    (run / ".gitignore").write_text("*\n")
    return run


def _is_ours(run: Path) -> bool:
    """Whether the directory is there, made now if need be, and takes files that end up in it.

    Manifests may be somebody else's, and a checkout can bring a `.forebay` along: one whose links lead our files elsewhere.
    """
    try:
        run.mkdir(mode=0o700, exist_ok=True)
        if run.is_symlink() or run.stat().st_uid != os.geteuid() or not os.access(run, os.W_OK | os.X_OK):
            return False
        return not any(
            path.is_symlink() for folder in (run, run / "logs") if folder.is_dir() for path in folder.iterdir()
        )
    except OSError:
        return False
