"""What of the API server may be read, and where: namespaces by kind, kinds that are served, and what is shut."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from typing import Final

from forebay_operator.cluster.connection import Api, ApiError
from forebay_operator.cluster.kinds import HTTP_ROUTES, POLICY_DATA, SECRETS, SERVICES, SLICES, WRITTEN, Resource
from forebay_operator.options import ClusterOptions

SHUT: Final = (403, 404)
"""What may not be read, or is not there to be read."""


class Reach:
    """Asks, and remembers nothing: who asks keeps what is shut."""

    def __init__(self, options: ClusterOptions, api: Api) -> None:
        self._options = options
        self._api = api

    def namespaces(self, resource: Resource, barred: Collection[str]) -> tuple[str, ...]:
        """Where a kind is followed; empty means everywhere. Our own planes' Services are always among them. `barred`
        are the namespaces in which ConfigMaps may not be read."""
        if resource == SECRETS:
            return self._options.credential_namespaces
        if not resource.namespaced:
            return ()
        watched = self._options.watched
        if resource == POLICY_DATA:
            return tuple(namespace for namespace in watched if namespace not in barred)
        # The way to the data planes is in our own namespace. Routes are beside Gateways, and followed with those.
        written = self._options.gateway_api and resource in WRITTEN and resource != HTTP_ROUTES
        if watched and (resource in (SERVICES, SLICES) or written):
            return tuple(dict.fromkeys((*watched, self._options.namespace)))
        return watched

    async def listed(
        self, resource: Resource, barred: Collection[str], locked: Collection[str]
    ) -> AsyncGenerator[tuple[str, str, str], None]:
        """Namespace, name and uid of each object of a kind, wherever it is followed. `locked` are the namespaces whose
        Secrets may not be read.

        Raises:
            ApiError: the API server does not say.
        """
        scopes: tuple[str | None, ...] = self.namespaces(resource, barred) or (None,)
        query = {"labelSelector": resource.selector} if resource.selector else {}
        for namespace in scopes:
            if resource == SECRETS and namespace in locked:
                continue
            async for entry in self._api.names(resource.path(namespace), query):
                yield entry

    async def shut(self, resource: Resource, namespaces: Sequence[str | None]) -> frozenset[str] | None:
        """Namespaces in which a kind may not be listed, "" for all; None where the API server does not say."""
        shut = set()
        for namespace in namespaces:
            query = {"labelSelector": resource.selector}
            try:
                await anext(self._api.names(resource.path(namespace), query), None)
            except ApiError as error:
                if error.status not in SHUT:
                    return None
                shut.add(namespace or "")
        return frozenset(shut)

    async def serves(self, resource: Resource) -> bool:
        """Whether the API server has a kind.

        Raises:
            ApiError: it does not say.
        """
        try:
            found = await self._api.get(resource.root)
        except ApiError as error:
            if error.gone:
                return False
            raise
        return any(entry.get("name") == resource.plural for entry in found.get("resources") or ())
