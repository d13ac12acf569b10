"""What is known of who has what: the facts behind `Programmed=True` and behind its message while it is False."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a client is: it decides which resources it has to acknowledge, and which stage waits for it."""

    ENVOY = "envoy"
    DATA_PLANE = "dataplane"

    @classmethod
    def of(cls, node_id: str) -> Kind:
        """Tell the kind of a client nobody announced, by its name: ``dataplane/...``, else Envoy."""
        return cls.DATA_PLANE if node_id.startswith(f"{cls.DATA_PLANE}/") else cls.ENVOY


@dataclass(frozen=True, slots=True)
class Rejection:
    """One resource that one client refused at the version on offer; `text` is the client's own."""

    client: str
    type_url: str
    name: str
    version: str
    text: str

    @property
    def what(self) -> tuple[str, str, str]:
        """Type URL, name and version: what was refused, whoever refused it."""
        return self.type_url, self.name, self.version


@dataclass(frozen=True, slots=True)
class Acknowledgements:
    """Who of the expected replicas has `revision` or a later one. `missing` names the rest, refusers included.

    `rejected`: replica -> its text. Rejections are those of the newest revision.
    """

    revision: str
    expected: int
    acknowledged: int
    missing: tuple[str, ...] = ()
    rejected: Mapping[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """True when every expected replica has it. Nobody expected is nobody programmed: False."""
        return self.expected > 0 and self.acknowledged == self.expected

    @property
    def settled(self) -> bool:
        """True when there is nothing left to wait for: all have it, or all that do not have refused it."""
        return self.expected > 0 and all(name in self.rejected for name in self.missing)
