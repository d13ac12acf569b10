"""The door to the API server: who we are, and the few calls that kopf does not make for us (writes, sweeps, probes).

kopf logs in and watches; the same credentials serve here, read again when they are a minute old or were refused, because
a ServiceAccount's token is replaced on disk while the process runs.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import kopf
import msgspec

from forebay_api.document.builder import Malformed
from forebay_api.document.stream import read_document, split_documents

REQUEST_SECONDS: Final = 5.0
CREDENTIAL_SECONDS: Final = 60.0
PAGE: Final = 500
"""Objects a page of a list."""
MAX_ANSWER_BYTES: Final = 64 << 20
CHUNK_BYTES: Final = 256 << 10
CONNECTIONS: Final = 16
"""More than all that ask at a time, so that the Lease never waits for a status."""

JSON: Final = "application/json"
APPLY: Final = "application/apply-patch+yaml"
METADATA: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

Json = Any
"""A decoded JSON value."""


class ApiError(Exception):
    """The API server has refused, or could not be reached (`status` 0). Holds no body but the server's own message."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status or 'unreachable'} {reason}: {message}"[:512])
        self.status = status
        self.reason = reason

    @property
    def gone(self) -> bool:
        return self.status == 404

    @property
    def conflict(self) -> bool:
        return self.status == 409

    @property
    def overloaded(self) -> bool:
        """Whoever asks again at once makes it worse: out of reach, too many requests, or an error of the server's."""
        return self.status in (0, 429) or self.status >= 500


class Login:
    """Where credentials come from: a kubeconfig, or the pod's ServiceAccount. `namespace` is the default one there."""

    def __init__(self, kubeconfig: Path | None = None) -> None:
        self._kubeconfig = kubeconfig

    def __call__(self, **_: Any) -> kopf.ConnectionInfo:
        """As kopf's login handlers are called. Raises kopf.LoginError where there are no credentials."""
        settings = kopf.OperatorSettings()
        if self._kubeconfig is not None:
            return _from_kubeconfig(self._kubeconfig)
        found = kopf.login_with_service_account(settings=settings)
        if found is None:
            raise kopf.LoginError("no ServiceAccount token is mounted here: name a kubeconfig with --kubeconfig")
        return found


class Api:
    """A session with the API server. Every call is bounded in time and size; errors are ApiErrors.

    `seconds` bounds a write as a whole, on both sides: what has not been answered by then is given up here, and by the
    API server where it has read it.
    """

    def __init__(self, login: Login) -> None:
        self._login = login
        self._session: aiohttp.ClientSession | None = None
        self._server = ""
        self._since = 0.0
        self._opening = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str) -> Json:
        return await self._call("GET", path)

    async def version(self, path: str) -> str:
        """What an object's `version_of` is now, without its content."""
        return version_of(await self._call("GET", path, accept=METADATA))

    async def create(self, path: str, body: Mapping[str, Any], *, seconds: float = REQUEST_SECONDS) -> Json:
        return await self._call("POST", path, body, seconds=seconds)

    async def replace(self, path: str, body: Mapping[str, Any]) -> Json:
        """PUT: refused with a conflict unless the body's resourceVersion is the newest."""
        return await self._call("PUT", path, body)

    async def apply(
        self, path: str, body: Mapping[str, Any], *, manager: str, seconds: float = REQUEST_SECONDS
    ) -> Json:
        """Server-side apply: the fields in `body` are `manager`'s from now on, and no other field is touched."""
        query = {"fieldManager": manager, "force": "true"}
        return await self._call("PATCH", path, body, kind=APPLY, query=query, seconds=seconds)

    async def delete(self, path: str, *, uid: str, seconds: float = REQUEST_SECONDS) -> Json:
        """Only this incarnation of the object: another one that has taken the name is a conflict."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        return await self._call("DELETE", path, options, seconds=seconds)

    async def names(self, path: str, query: Mapping[str, str]) -> AsyncIterator[tuple[str, str, str]]:
        """Namespace, name and uid of every object of a collection: metadata only, page by page."""
        token = ""
        while True:
            paged = {**query, "limit": str(PAGE), **({"continue": token} if token else {})}
            page = await self._call("GET", path, query=paged, accept=METADATA_LIST)
            for item in page.get("items") or ():
                meta = item["metadata"]
                yield meta.get("namespace", ""), meta["name"], meta["uid"]
            token = (page.get("metadata") or {}).get("continue", "")
            if not token:
                return

    async def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        kind: str = JSON,
        query: Mapping[str, str] | None = None,
        accept: str = JSON,
        seconds: float | None = None,
    ) -> Json:
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(method, path, body, kind, dict(query or {}), accept, seconds)
        except TimeoutError:
            raise ApiError(0, "TimeoutError", f"no answer within {seconds:g} s") from None

    async def _exchange(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        kind: str,
        query: dict[str, str],
        accept: str,
        seconds: float | None,
    ) -> Json:
        if seconds is not None:
            query["timeout"] = f"{max(1, math.ceil(seconds * 1000))}ms"
        data = None if body is None else msgspec.json.encode(body)
        headers = {"accept": accept, **({"content-type": kind} if data is not None else {})}
        for attempt in (1, 2):
            async with self._ready(renew=attempt == 2) as session:
                status, answer = await _send(session, method, self._server + path, data, headers, query)
            if status != 401 or attempt == 2:
                break
        if status >= 400:
            raise _refused(status, answer)
        try:
            return msgspec.json.decode(answer) if answer else {}
        except msgspec.DecodeError as error:
            raise ApiError(status, "BadAnswer", f"the answer is no JSON: {error}") from error

    @asynccontextmanager
    async def _ready(self, *, renew: bool) -> AsyncIterator[aiohttp.ClientSession]:
        async with self._opening:
            if renew or self._session is None or time.monotonic() - self._since > CREDENTIAL_SECONDS:
                try:
                    fresh = await asyncio.to_thread(self._login)
                    opened = _open(fresh)
                except Exception as error:  # files are being replaced, or nobody has written them yet
                    raise ApiError(0, type(error).__name__, f"no credentials: {error}") from error
                former, self._session = self._session, opened
                self._server, self._since = fresh.server.rstrip("/"), time.monotonic()
                if former is not None:
                    task = asyncio.create_task(_close_later(former))
                    self._closing.add(task)
                    task.add_done_callback(self._closing.discard)
            session = self._session
        yield session


def version_of(stored: Json) -> str:
    """Of an object as it was read or written: another one where it was changed or made anew since."""
    meta = stored.get("metadata") or {}
    return f"{meta.get('uid')}/{meta.get('resourceVersion')}"


async def _send(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    query: Mapping[str, str] | None,
) -> tuple[int, bytes]:
    try:
        async with session.request(method, url, data=body, headers=headers, params=query) as answer:
            data = bytearray()
            async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                data += chunk
                if len(data) > MAX_ANSWER_BYTES:
                    raise ApiError(answer.status, "TooLarge", f"an answer of more than {MAX_ANSWER_BYTES} bytes")
            return answer.status, bytes(data)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise ApiError(0, type(error).__name__, str(error) or f"no answer within {REQUEST_SECONDS:g} s") from error


def _refused(status: int, answer: bytes) -> ApiError:
    try:
        told = msgspec.json.decode(answer)
    except msgspec.DecodeError:
        told = {}
    if not isinstance(told, dict):
        told = {}
    return ApiError(status, str(told.get("reason", "")), str(told.get("message", "no message")))


async def _close_later(session: aiohttp.ClientSession) -> None:
    """Once requests that began with a former session have had time to end."""
    try:
        await asyncio.sleep(REQUEST_SECONDS)
    finally:
        await session.close()


def _open(info: kopf.ConnectionInfo) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=info.as_ssl_context(), limit=CONNECTIONS),
        headers=info.as_http_headers(),
        timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _from_kubeconfig(path: Path) -> kopf.ConnectionInfo:
    """The current context of one kubeconfig file: server, CA, token or client certificate."""
    try:
        config = read_document(*next(iter(split_documents(path.read_text("utf-8"))))).value
        context = _named(config["contexts"], config["current-context"])["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        user = _named(config["users"], context["user"])["user"]
    except (OSError, Malformed, KeyError, TypeError, StopIteration) as error:
        raise kopf.LoginError(f"{path} is no usable kubeconfig: {type(error).__name__}: {error}") from None
    if unknown := {"exec", "auth-provider"} & user.keys():
        raise kopf.LoginError(f"{path}: users[].user.{min(unknown)} is not supported: use a token or a certificate")
    base = path.parent
    token_file = user.get("tokenFile")
    return kopf.ConnectionInfo(
        server=cluster["server"],
        ca_path=_beside(base, cluster.get("certificate-authority")),
        ca_data=cluster.get("certificate-authority-data"),
        insecure=cluster.get("insecure-skip-tls-verify"),
        token=(base / token_file).read_text("utf-8").strip() if token_file else user.get("token"),
        username=user.get("username"),
        password=user.get("password"),
        certificate_path=_beside(base, user.get("client-certificate")),
        certificate_data=user.get("client-certificate-data"),
        private_key_path=_beside(base, user.get("client-key")),
        private_key_data=user.get("client-key-data"),
        default_namespace=context.get("namespace"),
    )


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def _beside(base: Path, name: str | None) -> str | None:
    return None if name is None else str(base / name)
