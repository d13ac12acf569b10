"""Parser events -> one JSON value that knows its lines, within bounds.

Built from events and not from composed nodes, so that the bounds hold while the text is read: depth, and a node count
in which aliases weigh as much as what they name. Duplicate keys, tags, merge keys and keys that are not text are
refused, because readers disagree on what they mean.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import yaml

from forebay_api.document.scalars import kubectl_reading, resolve_scalar
from forebay_api.path import Path
from forebay_api.template import UNRENDERED

MAX_NODES: Final = 100_000
MAX_DEPTH: Final = 64
_TEXT_TAGS: Final = ("!", "tag:yaml.org,2002:str")


class Bare(msgspec.Struct, frozen=True):
    """An unquoted word that is text here and something else, `reading`, to kubectl."""

    path: Path
    line: int
    text: str
    reading: str


class Malformed(Exception):
    """Text that is no document within the bounds. `partial` is what had been read of it."""

    def __init__(self, message: str, line: int, path: Path = (), partial: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.path = path
        self.partial = partial


class _Frame:
    """A mapping or sequence under construction; `height` is how many levels stand below it so far."""

    __slots__ = ("anchor", "container", "height", "key", "nodes_before", "path")

    def __init__(self, container: dict[str, Any] | list[Any], path: Path, anchor: str | None, nodes: int) -> None:
        self.container = container
        self.path = path
        self.anchor = anchor
        self.nodes_before = nodes
        self.height = 0
        self.key: str | None = None


class Builder:
    """Folds events into one value. Reads no event after the first that breaks a bound."""

    def __init__(self, first_line: int) -> None:
        self.value: Any = None
        self.lines: dict[Path, int] = {}
        self.bare: list[Bare] = []
        self._first_line = first_line
        self._documents = 0
        self._nodes = 0
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Any, int, int]] = {}  # value, nodes, height

    def take(self, event: yaml.Event) -> None:
        line = self._first_line + (event.start_mark.line if event.start_mark else 0)
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise Malformed("a second document begins here", line)
        elif isinstance(event, yaml.AliasEvent):
            self._take_alias(event.anchor or "", line)
        elif isinstance(event, yaml.ScalarEvent):
            self._take_scalar(event, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open({} if isinstance(event, yaml.MappingStartEvent) else [], event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close()

    def _take_scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        plain = event.implicit[0] and event.tag is None
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            raise Malformed(f"tags such as {event.tag} are not supported: remove it", line, self._place())
        if self._stack and isinstance(self._stack[-1].container, dict) and self._stack[-1].key is None:
            self._take_key(event.value, plain, line)
            return
        path = self._place()
        try:
            value = resolve_scalar(event.value) if plain else event.value
        except ValueError as error:
            raise Malformed(f"{error}", line, path) from None
        if plain and isinstance(value, str) and (reading := kubectl_reading(value)):
            self.bare.append(Bare(path, line, event.value, reading))
        self._count(1, line)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1, 0)
        self._put(value, line)

    def _take_key(self, key: str, plain: bool, line: int) -> None:
        frame = self._stack[-1]
        if plain and key == "<<":
            raise Malformed("merge keys (<<) are not supported: write the fields out", line, frame.path)
        if plain and not _is_text(key):
            raise Malformed(f'keys are text: write "{key[:40]}" in quotes', line, frame.path)
        if key in frame.container:
            raise Malformed(f'the key "{key[:40]}" stands here twice: remove one', line, (*frame.path, key))
        if plain and (reading := kubectl_reading(key)):
            self.bare.append(Bare((*frame.path, key), line, key, reading))
        frame.key = key
        self.lines[(*frame.path, key)] = line

    def _take_alias(self, anchor: str, line: int) -> None:
        if self._expects_key():
            raise Malformed("keys are text, not aliases", line, self._stack[-1].path)
        if anchor not in self._anchors:
            raise Malformed(f"the alias *{anchor[:40]} stands before the end of what it names", line, self._place())
        value, nodes, height = self._anchors[anchor]
        self._count(nodes, line)
        self._check_depth(height, line)
        if self._stack:
            self._stack[-1].height = max(self._stack[-1].height, height)
        self._put(value, line)

    def _open(self, container: dict[str, Any] | list[Any], event: yaml.CollectionStartEvent, line: int) -> None:
        if event.tag is not None:
            raise Malformed(f"tags such as {event.tag} are not supported: remove it", line, self._place())
        if self._expects_key():
            hint = UNRENDERED if isinstance(container, dict) else ""
            raise Malformed(f"keys are text, not lists or mappings{hint}", line, self._stack[-1].path)
        self._count(1, line)
        self._check_depth(1, line)
        frame = _Frame(container, self._place(), event.anchor, self._nodes - 1)
        self._put(container, line)
        self._stack.append(frame)

    def _close(self) -> None:
        frame = self._stack.pop()
        if self._stack:
            self._stack[-1].height = max(self._stack[-1].height, frame.height + 1)
        if frame.anchor:
            self._anchors[frame.anchor] = (frame.container, self._nodes - frame.nodes_before, frame.height + 1)

    def _put(self, value: Any, line: int) -> None:
        if not self._stack:
            self.value = value
            self.lines.setdefault((), line)
            return
        frame = self._stack[-1]
        self.lines.setdefault(self._place(), line)
        if isinstance(frame.container, dict):
            assert frame.key is not None  # noqa: S101 - _take_key comes before every value
            frame.container[frame.key] = value
            frame.key = None
        else:
            frame.container.append(value)

    def _place(self) -> Path:
        if not self._stack:
            return ()
        frame = self._stack[-1]
        step = frame.key if isinstance(frame.container, dict) else len(frame.container)
        return frame.path if step is None else (*frame.path, step)

    def _expects_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].container, dict) and self._stack[-1].key is None

    def _count(self, nodes: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise Malformed(f"more than {MAX_NODES} values, aliases written out: split the document", line)

    def _check_depth(self, height: int, line: int) -> None:
        if len(self._stack) + height > MAX_DEPTH:
            raise Malformed(f"nested deeper than {MAX_DEPTH} levels", line)


def _is_text(plain: str) -> bool:
    try:
        return isinstance(resolve_scalar(plain), str)
    except ValueError:
        return False
