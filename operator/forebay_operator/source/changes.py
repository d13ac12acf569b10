"""Tells that something in a directory may have changed, however it changed: says when to look, never what to see.

The kernel's notifications are quick and not complete: they miss files behind links that lead elsewhere, a root that is
replaced, and whatever happens where watches have run out. So a slow, regular look stands behind them.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Final

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

DEBOUNCE_MS: Final = 50
"""A burst of changes is told at the latest after this time."""
QUIET_MS: Final = 15
"""...and earlier, once nothing has changed for so long."""
RESCAN_SECONDS: Final = 2.0
MISSING_SECONDS: Final = 0.1
"""How often a directory that is not there is looked for."""
_LOG = logging.getLogger(__name__)


async def changes(root: Path, *, rescan: float = RESCAN_SECONDS) -> AsyncGenerator[None, None]:
    """Yields once the directory is watched, and then whenever something in it may have changed, at least every
    `rescan` seconds. Outlives the directory: yields when it is gone, and again when there is one of that name."""
    missing = False
    while True:
        held = await asyncio.to_thread(_hold, root)
        if held is None:
            if not missing:
                yield
            missing = True
            await asyncio.sleep(MISSING_SECONDS)
            continue
        try:
            if missing:
                await asyncio.sleep(DEBOUNCE_MS / 1000)  # whoever makes a directory goes on to fill it
                missing = False
            async with aclosing(_watched(root, rescan)) as notifications:
                async for _ in notifications:
                    yield
                    if not await asyncio.to_thread(_is, root, held):
                        break
        finally:
            os.close(held)


async def _watched(root: Path, rescan: float) -> AsyncGenerator[None, None]:
    """As `_notified`; where the directory cannot be watched, every `rescan` seconds."""
    try:
        notify = RustNotify([str(root)], False, False, 0, True, True)
    except (OSError, WatchfilesRustInternalError) as error:
        _LOG.warning("%s cannot be watched (%s): looking every %g s instead", root, error, rescan)
        yield
        await asyncio.sleep(rescan)
        return
    async with aclosing(_notified(notify, rescan)) as notifications:
        async for _ in notifications:
            yield


async def _notified(notify: RustNotify, rescan: float) -> AsyncGenerator[None, None]:
    """Yields at once, and after each batch of notifications or `rescan` seconds without any, until notification ends.

    It waits in a thread of its own: one that waits for good must not take a place in the loop's shared pool.
    """
    stop = threading.Event()
    loop = asyncio.get_running_loop()
    thread = ThreadPoolExecutor(1, thread_name_prefix="watch-manifests")
    try:
        yield
        while True:
            told = await loop.run_in_executor(
                thread, notify.watch, DEBOUNCE_MS, QUIET_MS, max(1, int(rescan * 1000)), stop
            )
            if told in ("stop", "signal"):
                return
            yield
    finally:
        stop.set()
        thread.shutdown(wait=False)


def _hold(root: Path) -> int | None:
    """A descriptor of the directory. While it is open no other directory can get its inode number, so that one removed
    and made again at once is told from the one that is watched."""
    try:
        return os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None


def _is(root: Path, held: int) -> bool:
    """Whether `root` is still the directory that is held."""
    try:
        return os.path.samestat(root.stat(), os.fstat(held))
    except OSError:
        return False
