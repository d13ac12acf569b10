"""Attachment: which policy a request belongs to, from host and path alone.

Envoy's virtual hosts are built from the same order, so both sides always name the same policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from forebay_api.policy import Attach


class Attachment(msgspec.Struct, frozen=True):
    """One hostname and prefix of one policy; `prefix` is ``""`` for the root, else ``/a/b`` without a trailing slash."""

    hostname: str
    prefix: str
    policy: str

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


def matching(ordered: Iterable[Attachment], host: str, path: str) -> Iterable[Attachment]:
    """Attachments that hold this host and path, in order."""
    return (a for a in ordered if a.covers(host) and a.holds(path))
