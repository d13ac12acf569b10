"""Objects that are stored and have no verdict of their own: without a word of why, their statuses would be those of before."""

from __future__ import annotations

from typing import TypeAlias

from forebay_operator.cluster.kinds import POLICIES, POOLS
from forebay_operator.cluster.store import Picture, Stored
from forebay_operator.judgement.verdict import Verdicts

Objects: TypeAlias = dict[tuple[str, str], Stored]
"""By plural and "namespace/name"."""


def unjudged(picture: Picture, verdicts: Verdicts) -> Objects:
    """Those whose newest version there is no verdict on, as where reconciling fails as a whole."""
    return {
        (resource.plural, name): entry
        for resource, stored, judged in (
            (POLICIES, picture.stored_policies, verdicts.policies),
            (POOLS, picture.stored_pools, verdicts.pools),
        )
        for name, entry in stored.items()
        if name not in judged or judged[name].generation != entry.generation
    }


def unreadable(picture: Picture) -> Objects:
    """Those that we cannot take, not even in an earlier version."""
    return {
        (resource.plural, name): entry
        for resource, stored, known in (
            (POLICIES, picture.stored_policies, picture.policies),
            (POOLS, picture.stored_pools, picture.pools),
        )
        for name, entry in stored.items()
        if entry.refused is not None and name not in known
    }
