"""One policy under its path prefix: what all its routes have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from re import escape
from typing import Final

import msgspec

from forebay_api.policy import Attach, Default, FailOpen, PolicySpec
from forebay_api.quantities import byte_count
from forebay_operator.envoy.actions import by_silence, pool_action
from forebay_operator.envoy.explanations import SERVED, response_headers
from forebay_operator.envoy.inputs import EnvoyInputs
from forebay_operator.envoy.local_replies import credential_missing
from forebay_operator.envoy.messages import overwritten, span
from forebay_operator.envoy.proto import core, matcher, protobuf, route

EDIT_ROOM: Final = 1 << 16
"""Bytes that edits may add to a body that was at its limit."""


class Attachment(msgspec.Struct, frozen=True):
    """Policy `name`, and everything that its routes are made from."""

    name: str
    spec: PolicySpec
    inputs: EnvoyInputs

    def reduced(self, *pools: str, fail_open: FailOpen | None = None) -> Attachment:
        """The part of it that routes to these pools are made from: equal whenever those routes are."""
        spec = PolicySpec(
            attach=Attach(path_prefix=self.spec.attach.path_prefix),
            max_request_bytes=self.spec.max_request_bytes,
            fail_open=fail_open,
            strategies=[],
            default=Default(use=""),
        )
        return Attachment(self.name, spec, self.inputs.within(*pools))

    @property
    def prefix(self) -> str:
        """``""`` for the root, else ``/segment...`` without a trailing slash."""
        return self.spec.attach.prefix

    @property
    def body_limit(self) -> int:
        """maxRequestBytes. The data plane, the bypass and native routes hold to it exactly; Envoy's buffer bounds
        what reaches them, with room for edits and never below a connection's own buffer."""
        return byte_count(self.spec.max_request_bytes)

    def match(self, *headers: route.HeaderMatcher) -> route.RouteMatch:
        """Paths under the prefix, by whole segments."""
        if not self.prefix:
            return route.RouteMatch(prefix="/", headers=list(headers))
        return route.RouteMatch(path_separated_prefix=self.prefix, headers=list(headers))

    def stripped(self, action: route.RouteAction) -> route.RouteAction:
        """The action with the prefix taken off; a plain prefix rewrite to ``/`` would leave two slashes."""
        if self.prefix:
            action.regex_rewrite = matcher.RegexMatchAndSubstitute(
                pattern=matcher.RegexMatcher(regex=f"^{escape(self.prefix)}/?"), substitution="/"
            )
        return action

    def made(
        self,
        name: str,
        match: route.RouteMatch,
        action: route.RouteAction,
        filters: Mapping[str, protobuf.Any] | None = None,
        fields: tuple[str, ...] = SERVED,
    ) -> route.Route:
        """A route of this attachment; `fields` are decision fields shown beside those of its virtual host."""
        return route.Route(
            name=f"{self.name}/{name}",
            match=match,
            route=self.stripped(action),
            typed_per_filter_config=dict(sorted((filters or {}).items())),
            response_headers_to_add=response_headers(fields),
            request_body_buffer_limit=self.body_limit + EDIT_ROOM,
        )

    def to_servers(
        self, name: str, pool: str, match: route.RouteMatch, filters: Mapping[str, protobuf.Any] | None = None
    ) -> route.Route:
        """A route to a pool's servers, straight or by way of its picker."""
        return self.made(
            name, match, pool_action(pool, self.inputs.pools[pool], self.inputs.pickers.get(pool)), filters
        )

    def to_pool(
        self,
        name: str,
        pool: str,
        match: route.RouteMatch,
        namespace: str,
        filters: Mapping[str, protobuf.Any] | None = None,
    ) -> Iterator[route.Route]:
        """Routes to a pool: streamed and plain answers apart, or 503 while its credential is missing."""
        spec = self.inputs.pools[pool]
        if pool in self.inputs.missing_secrets:
            yield unavailable(f"{self.name}/{name}", match, pool)
        else:
            made = self.to_servers(name, pool, match, filters)
            yield from by_silence(made, namespace, span(spec.resilience.stream_idle_timeout))


def unavailable(name: str, match: route.RouteMatch, pool: str) -> route.Route:
    """Answers at once that the pool's credential is missing."""
    return route.Route(
        name=name,
        match=match,
        direct_response=credential_missing(pool),
        response_headers_to_add=[json_content(), *response_headers(SERVED)],
    )


def json_content() -> core.HeaderValueOption:
    return overwritten("content-type", "application/json")
