"""One process that answers for every scraped endpoint: a vLLM page of real size, on all addresses of the network.

The page's numbers are those of tests/reconcile/scrape/data; that the operator reads them is tested there.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parents[2] / "tests/reconcile/scrape/data/vllm.txt"


async def main(first: int, count: int) -> None:
    """Listen on `count` ports from `first`, on every address that this network has."""
    page = PAGE.read_bytes()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {len(page)}\r\n\r\n".encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(head + page)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    servers = [await asyncio.start_server(serve, "0.0.0.0", port) for port in range(first, first + count)]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
