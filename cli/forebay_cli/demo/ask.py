"""Asking with the official `openai` client, and what came back: the explanation headers and how the answer ended."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from types import TracebackType
from typing import Any, Final

import msgspec
import openai
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from forebay_cli.demo.cases import Request

CALLER_KEY: Final = "the-callers-own-key"
"""Sent with every request; no server may ever see it."""
TIMEOUT_SECONDS: Final = 20.0
EXPLANATION: Final = "x-forebay-"
_SHOWN: Final = 400


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller saw. Times are monotonic seconds; `first_byte` is None where the answer's header never came.

    `status` is 0 where the connection ended without one. `complete`: the answer says itself that it is whole.
    `said` is the text's beginning, or an error's message; `code` an error's code. `told`: the caller was told of the
    end of an incomplete answer by an error.
    """

    started: float
    ended: float
    status: int
    first_byte: float | None = None
    complete: bool = False
    told: bool = False
    decided: dict[str, str] = {}
    server: str = ""
    said: str = ""
    code: str = ""

    @property
    def pool(self) -> str:
        """The pool that answered, without its namespace."""
        return self.decided.get("pool", "").rpartition("/")[2]

    @property
    def broken(self) -> bool:
        """The caller had received something, and not all of it."""
        return self.status == 200 and not self.complete


class Door:
    """Clients of one address, one a path prefix, over the same connections."""

    def __init__(self, url: str, *, key: str = CALLER_KEY, trust: ssl.SSLContext | None = None) -> None:
        self._url = url
        # Everything is on this machine: a proxy that the environment names has no part in it.
        transport = DefaultAsyncHttpxClient(verify=trust or True, trust_env=False)
        # Retries are Envoy's here, and to be seen: the client makes none.
        self._client = AsyncOpenAI(
            base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=TIMEOUT_SECONDS, http_client=transport
        )
        self._by_prefix = {"": self._client}
        self._draining: set[asyncio.Task[None]] = set()

    async def ask(self, request: Request) -> Answer:
        """Send a request and read the answer to its end; failures come back as Answers, too."""
        started = time.monotonic()
        try:
            raw = await self._call(request)(**request.body)
        except openai.APIStatusError as error:
            return _refusal(started, error)
        except openai.APIConnectionError as error:
            return Answer(started=started, ended=time.monotonic(), status=0, said=str(error), told=True)
        answer = Answer(
            started=started,
            ended=started,
            first_byte=time.monotonic(),
            status=raw.status_code,
            decided=_explanation(raw.headers),
            server=raw.headers.get("x-sim-server", ""),
        )
        said, complete, told = await (_read_stream(raw.parse()) if request.streamed else _read_whole(raw.parse()))
        return msgspec.structs.replace(answer, ended=time.monotonic(), said=said[:_SHOWN], complete=complete, told=told)

    async def first_byte_seconds(self, request: Request) -> float | None:
        """Time to the answer's header, or None where it is an error. The rest is read in the background, so that the
        connection can be used again."""
        started = time.monotonic()
        try:
            raw = await self._call(request)(**request.body)
        except openai.OpenAIError:
            return None
        seconds = time.monotonic() - started
        if request.streamed:
            task = asyncio.create_task(_drain(raw))
            self._draining.add(task)
            task.add_done_callback(self._draining.discard)
        return seconds

    async def settle(self) -> None:
        """Wait for what is still being read in the background."""
        await asyncio.gather(*self._draining)

    async def close(self) -> None:
        for task in tuple(self._draining):
            task.cancel()
        await asyncio.gather(*self._draining, return_exceptions=True)
        await self._client.close()

    async def __aenter__(self) -> Door:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _call(self, request: Request) -> Any:
        client = self._by_prefix.get(request.prefix)
        if client is None:
            client = self._client.with_options(base_url=f"{self._url}{request.prefix}/v1")
            self._by_prefix[request.prefix] = client
        if request.kind == "chat":
            return client.chat.completions.with_raw_response.create
        if request.kind == "responses":
            return client.responses.with_raw_response.create
        if request.kind == "embeddings":
            return client.embeddings.with_raw_response.create
        return client.models.with_raw_response.list


async def _drain(raw: Any) -> None:
    """The bytes, without the work of parsing them."""
    with contextlib.suppress(openai.APIError):
        async for _ in raw.http_response.aiter_raw():
            pass


async def _read_whole(parsed: Any) -> tuple[str, bool, bool]:
    if hasattr(parsed, "choices"):
        message = parsed.choices[0].message
        calls = message.tool_calls or ()
        return message.content or " ".join(call.function.arguments for call in calls), True, False
    if hasattr(parsed, "output_text"):
        return parsed.output_text, True, False
    data = parsed.data
    named = [getattr(entry, "id", "") or f"vector of {len(entry.embedding)}" for entry in data]
    return ", ".join(named), bool(data), False


async def _read_stream(events: Any) -> tuple[str, bool, bool]:
    """Text, whether the stream said that it is whole, and whether a premature end was told by an error."""
    text, complete = "", False
    try:
        async for event in events:
            for choice in getattr(event, "choices", ()):
                text += choice.delta.content or ""
                complete = complete or choice.finish_reason is not None
            if getattr(event, "type", "") == "response.completed":
                complete = True
    except openai.APIError:
        return text, False, True
    return text, complete, False


def _refusal(started: float, error: openai.APIStatusError) -> Answer:
    now = time.monotonic()
    return Answer(
        started=started,
        ended=now,
        first_byte=now,
        status=error.status_code,
        decided=_explanation(error.response.headers),
        server=error.response.headers.get("x-sim-server", ""),
        complete=True,
        said=_message(error)[:_SHOWN],
        code=error.code or "",
    )


def _message(error: openai.APIStatusError) -> str:
    body = error.body
    return str(body.get("message", "")) if isinstance(body, dict) else f"no error object: {str(body)[:80]}"


def _explanation(headers: Any) -> dict[str, str]:
    return {name[len(EXPLANATION) :]: value for name, value in headers.items() if name.startswith(EXPLANATION)}
