"""What a replica has been sent, and when it makes a consistent set. No I/O.

Objects come one by one, in any order; a Revision names those that belong together by content hash. A set is complete
when every named object is here, or was refused here: an object that this version cannot read is refused alone, and the
set then holds its last accepted version, or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from forebay_api.base import Tolerant
from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.wire import (
    POLICY_TYPE,
    POOL_STATE_TYPE,
    POOL_TYPE,
    READER,
    REVISION_TYPE,
    PolicyResource,
    PoolResource,
    PoolState,
    Revision,
)
from forebay_extproc.discovery import Item, Update

_KINDS: Final[Mapping[str, type[Tolerant]]] = {
    POLICY_TYPE: PolicyResource,
    POOL_TYPE: PoolResource,
    POOL_STATE_TYPE: PoolState,
    REVISION_TYPE: Revision,
}


class ConfigSet(msgspec.Struct, frozen=True):
    """Policies and pools that belong together, by ``namespace/name``. `refused` says what is not in, or not in its newest form."""

    revision: str
    policies: Mapping[str, PolicySpec]
    pools: Mapping[str, PoolSpec]
    refused: Mapping[str, str] = {}


class _Version(Tolerant, frozen=True):
    """Read before anything else, because what is too new may not decode otherwise."""

    min_reader: int = READER


class _Held(NamedTuple):
    item: Item
    content: Tolerant


class Candidate(NamedTuple):
    """A complete set, with the objects it is made of: type -> name -> item, each decoded once, when it came.

    `version` is the revision resource's; empty for a set that is in force only in part.
    """

    config: ConfigSet
    items: Mapping[str, Mapping[str, Item]]
    version: str


class Inventory:
    """Mutable, single-threaded."""

    def __init__(self) -> None:
        self.applied: Candidate | None = None
        self._held: dict[str, dict[str, _Held]] = {url: {} for url in _KINDS}
        self._refused: dict[tuple[str, str], tuple[str, str]] = {}

    @property
    def empty(self) -> bool:
        """True until the first policy, pool or revision."""
        return not any(self._held[url] for url in (POLICY_TYPE, POOL_TYPE, REVISION_TYPE))

    def versions(self, type_url: str) -> dict[str, str]:
        """Name -> version of what need not be sent again. A revision counts only once it is applied."""
        versions = {name: held.item.version for name, held in self._held[type_url].items()}
        if type_url == REVISION_TYPE and (self.applied is None or self.applied.version not in versions.values()):
            return {}
        return versions

    def states(self) -> dict[str, PoolState]:
        """Pool name -> its state."""
        held = (each.content for each in self._held[POOL_STATE_TYPE].values())
        return {content.name: content for content in held if isinstance(content, PoolState)}

    def take(self, update: Update) -> str | None:
        """Take in a response; return what was refused of it, object by object, as one text, None where nothing was."""
        errors = []
        held = self._held[update.type_url]
        for item in update.items:
            try:
                held[item.name] = _Held(item, _read(update.type_url, item))
                self._refused.pop((update.type_url, item.name), None)
            except ValueError as error:
                self._refused[update.type_url, item.name] = (item.version, str(error))
                errors.append(str(error))
        for name in update.removed:
            held.pop(name, None)
            self._refused.pop((update.type_url, name), None)
        return "; ".join(errors) or None

    def candidate(self) -> Candidate | None:
        """The newest revision as a set, None while an object it names is missing or no revision has come."""
        wanted = next(iter(self._held[REVISION_TYPE].values()), None)
        if wanted is None or not isinstance(wanted.content, Revision):
            return None
        refused: dict[str, str] = {}
        named = {POLICY_TYPE: wanted.content.policies, POOL_TYPE: wanted.content.pools}
        objects: dict[str, dict[str, _Held]] = {url: {} for url in named}
        for url, hashes in named.items():
            for name, version in hashes.items():
                held = self._held[url].get(name)
                if held is not None and held.item.version == version:
                    objects[url][name] = held
                elif (refusal := self._refused.get((url, name))) is not None and refusal[0] == version:
                    refused[name] = refusal[1]
                    if self.applied is not None and (former := self.applied.items[url].get(name)) is not None:
                        objects[url][name] = _Held(former, _read(url, former))
                else:
                    return None
        return _assemble(wanted.content.id, objects, refused, wanted.item.version)

    def accept(self, candidate: Candidate, without: Mapping[str, str]) -> None:
        """The set is in force, but for the policies in `without`, which stay as they were."""
        policies = dict(candidate.items[POLICY_TYPE])
        for name in without:
            former = None if self.applied is None else self.applied.items[POLICY_TYPE].get(name)
            if former is not None:
                policies[name] = former
            else:
                policies.pop(name, None)
        # A set that is in force only in part is not claimed to be had, so that a new stream hears of it again.
        version = "" if without else candidate.version
        self.applied = candidate._replace(items={**candidate.items, POLICY_TYPE: policies}, version=version)


def _read(url: str, item: Item) -> Tolerant:
    label = f"{url.rpartition('.')[2]} {item.name}"
    try:
        needed = msgspec.msgpack.decode(item.value, type=_Version).min_reader
        if needed > READER:
            raise ValueError(f"{label}: needs reader {needed}, this data plane reads {READER}; upgrade the data plane")
        return msgspec.msgpack.decode(item.value, type=_KINDS[url])
    except msgspec.MsgspecError as error:
        raise ValueError(f"{label}: {error}") from error


def _assemble(
    revision: str, objects: Mapping[str, Mapping[str, _Held]], refused: Mapping[str, str], version: str
) -> Candidate:
    policies = [held.content for held in objects[POLICY_TYPE].values()]
    pools = [held.content for held in objects[POOL_TYPE].values()]
    config = ConfigSet(
        revision,
        {each.name: each.spec for each in policies if isinstance(each, PolicyResource)},
        {each.name: each.spec for each in pools if isinstance(each, PoolResource)},
        refused,
    )
    items = {url: {name: held.item for name, held in named.items()} for url, named in objects.items()}
    return Candidate(config, items, version)
