"""The file of --config: listeners and trust, read again while the operator runs."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final

from forebay_api.local import LocalConfig
from forebay_api.manifest import ManifestsRefused, load_local_config
from forebay_operator.options import ConfigUnusable
from forebay_operator.source.jwks import with_keys

LOOK_SECONDS: Final = 2.0
_LOG = logging.getLogger(__name__)


class ConfigFile:
    """`local` is what was read last; what cannot be read later changes nothing. Without a path it stays empty."""

    def __init__(self, path: Path | None) -> None:
        self.local = LocalConfig()
        self._path = path
        self._fault = ""

    def start(self) -> None:
        """Raises ConfigUnusable: other listeners than those that were asked for serve nobody."""
        if self._path is None:
            return
        read = self._read(self._path)
        if read is None:
            raise ConfigUnusable(f"--config {self._path}: {self._fault}")
        self.local = read

    async def change(self) -> None:
        """Return once the file says something else; never, without one."""
        if self._path is None:
            await asyncio.Event().wait()
            return
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            found = await asyncio.to_thread(self._read, self._path)
            if found is not None and found != self.local:
                self.local = found
                return

    def _read(self, path: Path) -> LocalConfig | None:
        try:
            read = load_local_config(path.read_bytes(), path.name)
        except (OSError, ManifestsRefused) as error:
            self._note(str(error))
            return None
        found, faults = with_keys(read, path.name, base=path.parent, before=self.local)
        self._note("; ".join(map(str, faults)))
        return found

    def _note(self, fault: str) -> None:
        if fault and fault != self._fault:
            _LOG.warning("--config: %s; what was read before stays, if anything", fault)
        self._fault = fault
