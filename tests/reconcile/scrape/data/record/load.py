"""Writes an LLM server's page while it works: `python load.py BASE_URL PAGE MODEL[,ADAPTER...] LONG [priorities]`.

Twenty-four requests that end, one for a model that is not there, then LONG that do not end before the page is read.
Needs httpx.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

import httpx

PREFIX = "You are a careful assistant. " * 12


async def ask(client: httpx.AsyncClient, model: str, prompt: str, tokens: int, *, chat: bool = True) -> int:
    body = {"model": model, "max_tokens": tokens, "ignore_eos": True, "temperature": 0}
    body |= {"messages": [{"role": "user", "content": prompt}]} if chat else {"prompt": prompt}
    if "priorities" in sys.argv:
        body["priority"] = tokens % 2
    return (await client.post("/v1/chat/completions" if chat else "/v1/completions", json=body)).status_code


async def main(base: str, models: list[str], long: int) -> str:
    chance = random.Random(1)
    async with httpx.AsyncClient(base_url=base, timeout=240, trust_env=False) as client:
        for turn in range(6):
            asked = [
                ask(
                    *(client, models[(turn + n) % len(models)], PREFIX + f"question {n} " * chance.randint(1, 20)),
                    chance.randint(8, 60),
                    chat=n % 2 == 0,
                )
                for n in range(4)
            ]
            print(await asyncio.gather(*asked))
        print(await ask(client, "no-such-model", "hello", 5))
        prompt = PREFIX + "a long one, number {}"
        working = [
            asyncio.create_task(ask(client, models[n % len(models)], prompt.format(n), 3200 + n)) for n in range(long)
        ]
        await asyncio.sleep(12)
        page = (await client.get("/metrics")).text
        for each in working:
            each.cancel()
        return page


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(asyncio.run(main(sys.argv[1], sys.argv[3].split(","), int(sys.argv[4]))))
