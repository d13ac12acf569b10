"""How far each object has come: since when its present content is on offer, and who does not have it yet.

Acknowledgements count publications. An object's content was first part of one of them, so whoever has acknowledged that
one or a later one has the object; what else changes afterwards says nothing about it. That keeps status true and still:
a change of one policy moves no other object's status.

Whoever serves an object is waited for, and nobody else: requests to a policy with targetRefs come by somebody else's Envoys,
so ours, where there are any, have no say in it.

Once every replica had an object's content, a replica that comes later (a new pod, a reconnect) is missed only if it
takes requests and has been behind for GRACE_SECONDS: until it has a configuration it is not ready and serves nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Final

import msgspec

from forebay_api.wire import PlacedSpec
from forebay_operator.telling.progress import Rollout
from forebay_operator.xds.acknowledgements import Acknowledgements, Kind, Rejection

GRACE_SECONDS: Final = 5.0
TAKEOVER_SECONDS: Final = 10.0
"""How long replicas have to find a new leader before they count as behind."""

Content = msgspec.Struct


class Progress(msgspec.Struct):
    """One object: what of it is on offer, since which publication, and whether all have had it."""

    content: Content
    version: str
    sequence: int
    reached: bool = False
    told: tuple[frozenset[str], Mapping[str, Kind], Mapping[str, str], Rollout] | None = None
    """The last rollout, and what it was made from."""


class Programme:
    """Mutable, single-threaded, without a clock. Objects go by ``kind namespace/name``."""

    def __init__(self) -> None:
        self._objects: dict[str, Progress] = {}
        self._behind: dict[str, float] = {}
        self._spared_until = 0.0
        self._planes: tuple[Mapping[str, Kind], Mapping[str, Kind]] = ({}, {})
        """Replicas as they were expected last, and the data planes among them."""

    def note(self, contents: Mapping[str, Content], sequence: int, reached: Callable[[str, str], bool]) -> None:
        """These objects are on offer since publication `sequence`, where their content is new.

        `reached(object, version)` says whether the stored status shows that all had this content before we began.
        """
        for name in self._objects.keys() - contents.keys():
            del self._objects[name]
        for name, content in contents.items():
            known = self._objects.get(name)
            if known is None or (known.content is not content and known.content != content):
                version = sha256(msgspec.msgpack.encode(content, order="deterministic")).hexdigest()[:12]
                if known is None or known.version != version:
                    had = known is None and reached(name, version)
                    self._objects[name] = Progress(content, version, sequence, had)

    def take_over(self, now: float) -> None:
        """Leadership begins now: replicas are about to connect."""
        self._behind.clear()
        self._spared_until = now + TAKEOVER_SECONDS

    def version(self, name: str) -> str | None:
        """Content hash of what is on offer of an object, None where nothing is."""
        known = self._objects.get(name)
        return known.version if known is not None else None

    def rollouts(
        self,
        names: Iterable[str],
        missing: Callable[[int], frozenset[str]],
        rejections: Iterable[Rejection],
        expected: Mapping[str, Kind],
        ready: frozenset[str],
        now: float,
    ) -> dict[str, Rollout]:
        """How far each named object has come, at those who serve it. `missing(sequence)` are the expected replicas without
        that publication."""
        texts: dict[str, str] = {}
        for rejection in rejections:
            told = f"{rejection.type_url.rpartition('.')[2]} {rejection.name}: {rejection.text}"
            texts[rejection.client] = "; ".join(filter(None, (texts.get(rejection.client), told)))
        known = {name: self._objects[name] for name in names if name in self._objects}
        absent = {sequence: missing(sequence) for sequence in {p.sequence for p in known.values()}}
        planes = self._data_planes(expected)
        lacked = {sequence: nodes.intersection(planes) for sequence, nodes in absent.items()}
        reached = [
            (lacked if _behind_a_gateway(p.content) else absent)[p.sequence] for p in known.values() if p.reached
        ]
        self._note_behind(reached, now)
        late = {n for n, since in self._behind.items() if now >= max(since + GRACE_SECONDS, self._spared_until)}
        behind = late & ready
        found = {}
        for name, progress in known.items():
            elsewhere = _behind_a_gateway(progress.content)
            lacking, serving = (lacked, planes) if elsewhere else (absent, expected)
            missed = lacking[progress.sequence]
            if not missed and serving:
                progress.reached = True
            if progress.reached:
                missed = missed & behind
            found[name] = _rollout(progress, missed, serving, texts if missed else _NONE)
        return found

    def _data_planes(self, expected: Mapping[str, Kind]) -> Mapping[str, Kind]:
        """The data planes among them; the very same value as long as `expected` is."""
        if self._planes[0] is not expected:
            planes = {node: kind for node, kind in expected.items() if kind is Kind.DATA_PLANE}
            self._planes = (expected, planes)
        return self._planes[1]

    def _note_behind(self, lacking: Iterable[frozenset[str]], now: float) -> None:
        """A replica counts as behind from the moment it lacks what all have had."""
        behind: set[str] = set().union(*set(lacking))
        self._behind = {node: self._behind.get(node, now) for node in behind}


_NONE: Final[Mapping[str, str]] = {}


def _behind_a_gateway(content: Content) -> bool:
    return isinstance(content, PlacedSpec)


def _rollout(
    progress: Progress, lacking: frozenset[str], expected: Mapping[str, Kind], texts: Mapping[str, str]
) -> Rollout:
    """How far the object has come; the very same value as the last time where nothing has changed."""
    last = progress.told
    if last is not None and last[0] == lacking and last[1] is expected and last[2] == texts:
        return last[3]
    refused = {node: text for node, text in texts.items() if node in lacking}
    acknowledgements = Acknowledgements(
        progress.version, len(expected), len(expected) - len(lacking), tuple(sorted(lacking)), refused
    )
    made = Rollout(acknowledgements, expected)
    progress.told = (lacking, expected, texts, made)
    return made
