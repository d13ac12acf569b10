"""Who gets an attachment: per hostname and path prefix one Enforce policy, any number of Shadow policies.

The oldest wins, then the first by name. Files have no age, so in a directory the name decides. Policies with targetRefs
have been judged by their targets (gateway/attach.py): data planes tell them apart by the gateway's route.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from forebay_api.base import ObjectMeta
from forebay_api.policy import PolicySpec
from forebay_decision.attachment import placed


class Rival(msgspec.Struct, frozen=True):
    """The policy that holds what another one asks for."""

    policy: str
    hostname: str
    path_prefix: str


class Bid(msgspec.Struct, frozen=True):
    """A policy with the versions that could be published, the preferred one first; none where all are refused."""

    name: str
    metadata: ObjectMeta
    versions: tuple[PolicySpec, ...]


class Award(msgspec.Struct, frozen=True):
    """What is published of a policy, and who stood in the way of its preferred version."""

    spec: PolicySpec | None
    rivals: tuple[Rival, ...] = ()


def award_attachments(bids: Sequence[Bid]) -> Mapping[str, Award]:
    """For each policy the first of its versions all of whose attachments are free when its turn comes."""
    holders: dict[tuple[str, str], str] = {}
    return {bid.name: _award(bid, holders) for bid in sorted(bids, key=_seniority)}


def _award(bid: Bid, holders: dict[tuple[str, str], str]) -> Award:
    first_rivals: tuple[Rival, ...] = ()
    for position, spec in enumerate(bid.versions):
        claims = _claims(spec)
        rivals = tuple(Rival(holders[claim], *claim) for claim in claims if claim in holders)
        if position == 0:
            first_rivals = rivals
        if not rivals:
            holders.update(dict.fromkeys(claims, bid.name))
            return Award(spec, first_rivals)
    return Award(None, first_rivals)


def _claims(spec: PolicySpec) -> tuple[tuple[str, str], ...]:
    if spec.mode == "Shadow" or placed(spec) is not None:
        return ()
    return tuple((hostname, spec.attach.path_prefix) for hostname in dict.fromkeys(spec.attach.hostnames))


def _seniority(bid: Bid) -> tuple[datetime, str]:
    return seniority(bid.metadata), bid.name


def seniority(metadata: ObjectMeta) -> datetime:
    """When it was made: the smaller goes first."""
    return _age(metadata.creation_timestamp)


def _age(timestamp: str | None) -> datetime:
    """An object without a readable age is younger than any that has one."""
    try:
        age = datetime.fromisoformat(timestamp or "")
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)
    return age if age.tzinfo else age.replace(tzinfo=UTC)
