"""Attachment: which policy a request belongs to, from host and path, or from the gateway's route that it came by.

Envoy's virtual hosts are built from the same order, so both sides always name the same policy.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from forebay_api.policy import Attach, PolicySpec
from forebay_api.wire import Origin, Place, PlacedSpec


class Attachment(msgspec.Struct, frozen=True):
    """One hostname and prefix of one policy; `prefix` is ``""`` for the root, else ``/a/b`` without a trailing slash.

    `base` is the part of it that is taken off before the path is read; None is all of it. `origins` are the gateway's
    routes by which its requests come; None where it has `attach`, and requests come through Forebay's own Envoy.
    """

    hostname: str
    prefix: str
    policy: str
    base: str | None = None
    origins: tuple[Origin, ...] | None = None

    def covers(self, host: str) -> bool:
        if self.hostname == "*":
            return True
        if self.hostname.startswith("*."):
            return host.endswith(self.hostname[1:]) and len(host) > len(self.hostname) - 1
        return host == self.hostname

    def holds(self, path: str) -> bool:
        """Whether the path starts with the prefix, in whole segments."""
        return path.startswith(self.prefix) and (len(path) == len(self.prefix) or path[len(self.prefix)] in "/?")

    @property
    def rank(self) -> tuple[int, int, int]:
        """Smaller is more specific: exact hosts, then longer wildcards, then ``*``; within a host longer prefixes."""
        kind = 2 if self.hostname == "*" else 1 if self.hostname.startswith("*.") else 0
        return kind, -len(self.hostname), -len(self.prefix)


def attachments(policies: Mapping[str, Attach]) -> tuple[Attachment, ...]:
    """Every attachment of these policies, the most specific first; equal ones by policy name."""
    found = [
        Attachment(host, attach.prefix, policy) for policy, attach in policies.items() for host in attach.hostnames
    ]
    return tuple(sorted(found, key=lambda a: (a.rank, a.policy)))


def spec_attachments(policies: Mapping[str, PolicySpec]) -> tuple[Attachment, ...]:
    """Every attachment of these policies in the same order, also of those whose targets were resolved to places."""
    found = [*attachments({name: spec.attach for name, spec in policies.items() if placed(spec) is None})]
    for name, spec in policies.items():
        for place in placed(spec) or ():
            found += [Attachment(host, place.prefix, name, place.base, place.origins) for host in place.hostnames]
    return tuple(sorted(found, key=lambda a: (a.rank, a.policy)))


def placed(spec: PolicySpec) -> tuple[Place, ...] | None:
    """Where a policy's targets have it asked; None where it has `attach`."""
    return spec.places if isinstance(spec, PlacedSpec) else None
