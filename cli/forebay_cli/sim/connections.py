"""The ways in which a server fails its client on the connection itself."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import NoReturn

# Time for bytes already written to reach the client: a reset discards what has not been delivered.
_DELIVERY_SECONDS = 0.02
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


async def wait_forever() -> NoReturn:
    """Never returns; ends by cancellation when the client leaves or the server stops."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError("unreachable: nothing resolves this future")


def abort_connection(transport: asyncio.Transport | None) -> None:
    """Closes a connection at once, with a TCP reset rather than an orderly end."""
    if transport is None:
        return
    # A closing transport may have given its descriptor back already: no option may be set on that number any more.
    if not transport.is_closing():
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()


async def reset_and_wait(transport: asyncio.Transport | None, *, after_write: bool) -> NoReturn:
    """Resets the request's own connection; never returns, for the handler is cancelled together with it."""
    if after_write:
        await asyncio.sleep(_DELIVERY_SECONDS)
    abort_connection(transport)
    await wait_forever()
