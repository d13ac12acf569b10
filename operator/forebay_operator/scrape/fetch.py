"""One scrape of one endpoint: a bounded GET, told as a Sample whatever happens."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import aiohttp
from yarl import URL

from forebay_operator.scrape.reading import Reading, read_load
from forebay_operator.scrape.sample import Outcome, Sample
from forebay_operator.scrape.targets import Target

MAX_PAGE_BYTES: Final = 2 << 20
MAX_URLS: Final = 16384
"""Kept, because the same ones are asked for again and again."""
_CHUNK_BYTES: Final = 64 << 10
_NOBODY_LISTENS: Final = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.EHOSTDOWN})
_HEADERS: Final = {"accept": "text/plain;version=0.0.4", "accept-encoding": "identity"}


class _Unreadable(Exception):
    """The server answered, and the answer holds no load."""


async def fetch(session: aiohttp.ClientSession, target: Target, clock: Callable[[], float]) -> Sample:
    """Read one page within the target's time-out. Never raises but for cancellation."""
    try:
        reading = await _read(session, target)
    except _Unreadable as error:
        return _sample(target, clock(), "Failed", detail=str(error))
    except aiohttp.ClientConnectorError as error:
        down = target.serving and error.os_error.errno in _NOBODY_LISTENS
        return _sample(target, clock(), "Down" if down else "Failed", detail=f"cannot connect: {error.strerror}")
    except TimeoutError:
        return _sample(target, clock(), "Failed", detail=f"no whole answer within {target.timeout:g} s")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        # ValueError: a host name that is none, or a header line that aiohttp cannot read.
        return _sample(target, clock(), "Failed", detail=f"{type(error).__name__}: {error}"[:200])
    return _sample(target, clock(), "Read", reading=reading)


async def _read(session: aiohttp.ClientSession, target: Target) -> Reading:
    url = _url(target.scheme, target.host, target.port, target.path)
    timeout = aiohttp.ClientTimeout(total=target.timeout)
    async with session.get(url, headers=_HEADERS, timeout=timeout, allow_redirects=False) as answer:
        if answer.status != 200:
            raise _Unreadable(f"status {answer.status} for {target.path}")
        page = bytearray()
        async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
            page += chunk
            if len(page) > MAX_PAGE_BYTES:
                raise _Unreadable(f"the page is longer than {MAX_PAGE_BYTES} bytes")
    reading = read_load(bytes(page), target.names, time.time())
    if reading is None:
        raise _Unreadable(f"the page lacks {target.names.queued[0]} or {target.names.running[0]}")
    return reading


@lru_cache(maxsize=MAX_URLS)
def _url(scheme: str, host: str, port: int, path: str) -> URL:
    return URL.build(scheme=scheme, host=host, port=port, path=path)


def _sample(target: Target, at: float, outcome: Outcome, *, reading: Reading | None = None, detail: str = "") -> Sample:
    return Sample(target.pool, target.endpoint, at, outcome, reading, detail)
