"""Policies that are ready to decide, all of one revision together, and which of them answers a request."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.wire import Origin
from forebay_decision.attachment import Attachment
from forebay_decision.attachments import NOWHERE, Attachments
from forebay_decision.policy.rules import CompiledRule
from forebay_decision.policy.vantage import Vantage
from forebay_decision.select.selection import Strategy

EXPLICIT = "explicit"
"""The strategy of requests that name a served model themselves."""


class CompiledPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """One policy, ready to decide. `served` maps each served model name to the strategy that picks its pool."""

    name: str
    spec: PolicySpec
    revision: str
    budget_seconds: float
    max_request_bytes: int
    vantage: Vantage
    rules: tuple[CompiledRule, ...]
    strategies: Mapping[str, Strategy]
    served: Mapping[str, Strategy]
    pools: Mapping[str, PoolSpec]
    """Every pool that it may send to, as it was compiled."""

    @property
    def mode(self) -> str:
        return self.spec.mode

    @property
    def served_models(self) -> tuple[str, ...]:
        """What GET /v1/models lists: virtual names without patterns, then the pools' own."""
        virtual = [name for name in self.spec.models if not name.endswith("*")]
        return tuple(dict.fromkeys([*virtual, *self.served]))

    @property
    def prefix(self) -> str:
        return self.spec.attach.prefix


class Match(msgspec.Struct, frozen=True):
    """The policy that answers, and those that decide beside it and change nothing. `untold`: a gateway has named the route by
    which the request came, and nobody has told of that, or of its host and path there: it may be about to."""

    policy: CompiledPolicy | None
    shadows: tuple[CompiledPolicy, ...] = ()
    untold: bool = False


class CompiledConfig(msgspec.Struct, frozen=True):
    """All policies of one revision. Those that are `placed` have targetRefs, the others `attach`: requests of the former
    come through a gateway of somebody's, requests of the latter through Forebay's own Envoy."""

    revision: str
    policies: Mapping[str, CompiledPolicy]
    enforced: Attachments
    shadows: Attachments
    placed: Attachments = Attachments(())
    placed_shadows: Attachments = Attachments(())
    based: Mapping[tuple[str, str], CompiledPolicy] = {}
    """Policies that take something else off the path than their `attach` says, by name and what they take off."""

    def match(self, host: str, path: str, origin: Origin = NOWHERE, *, known: bool = False) -> Match:
        """The policy of a request, and the shadows of the same attachment.

        `host` is lower case and without port. Where a gateway says by which route a request came, `origin` decides, and
        host and path what is taken off. What comes by a route, a rule or a host that nobody has told of is nobody's: there
        is nothing yet beside it that a decision could lead to, and with another model's name in it the request must not go
        on. A name of a form that is not known counts as none, unless it has to be `known`: a client may have chosen it.
        """
        if origin.route and self.placed.has_origins:
            return self._met(host, path, origin, known)
        for enforced, shadows in ((self.enforced, self.shadows), (self.placed, self.placed_shadows)):
            found = enforced.first(host, path)
            if found is not None:
                return Match(self._at(found), self._beside(found, shadows, host, path))
        return Match(None)

    def _met(self, host: str, path: str, origin: Origin, known: bool) -> Match:
        met = self.placed.met(origin)
        if met is not None:
            held = next((a for a in met if a.covers(host) and a.holds(path)), None)
            if held is None:
                return Match(None, untold=not known)
            beside = {a.policy: a for a in reversed(self.placed_shadows.met(origin) or ())}
            return Match(self._at(held), tuple(map(self._at, beside.values())))
        found = None if known else self.placed.first(host, path)
        if found is None:
            return Match(None)
        return Match(self._at(found), self._beside(found, self.placed_shadows, host, path))

    def _beside(self, found: Attachment, shadows: Attachments, host: str, path: str) -> tuple[CompiledPolicy, ...]:
        if not shadows:
            return ()
        at = found.hostname, found.prefix
        return tuple(self._at(a) for a in shadows.holding(host, path) if (a.hostname, a.prefix) == at)

    def _at(self, attachment: Attachment) -> CompiledPolicy:
        if attachment.base is None:
            return self.policies[attachment.policy]
        return self.based[attachment.policy, attachment.base]
