"""YAML text -> documents of JSON values that know their lines, within bounds.

Built from parser events and not from composed nodes, so that the bounds hold while the text is read: depth, node count
(aliases count as often as they are used) and size. Duplicate keys, tags, merge keys and keys that are not text are
refused, because readers disagree on what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
import yaml

from forebay_api.path import Path
from forebay_api.scalars import is_boolean_to_kubectl, resolve_scalar

MAX_DOCUMENT_CHARACTERS: Final = 1 << 20
"""As much as an API server could store: etcd takes 1.5 MiB an object."""
MAX_DOCUMENTS: Final = 1000
MAX_NODES: Final = 100_000
MAX_DEPTH: Final = 64

_SEPARATOR: Final = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_NOTHING: Final = re.compile(r"(?:[ \t]*(?:#.*)?\r?\n|%.*\n)*[ \t]*(?:#.*|%.*)?")
_TEXT_TAGS: Final = ("!", "tag:yaml.org,2002:str")
# libyaml's parser is ten times as fast; the wheels of all platforms we support have it.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Bare(msgspec.Struct, frozen=True):
    """An unquoted word that is text here and a boolean to kubectl."""

    path: Path
    line: int
    text: str


class Document(msgspec.Struct, frozen=True):
    """One document: a JSON value, the 1-based line of each place in it, and the words kubectl would misread."""

    value: Any
    line: int
    lines: Mapping[Path, int]
    bare: tuple[Bare, ...]

    def line_of(self, path: Path) -> int:
        """The line of the nearest place that is written out."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, self.line)


class Malformed(Exception):
    """Text that is no document within the bounds."""

    def __init__(self, message: str, line: int, path: Path = ()) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.path = path


def split_documents(text: str) -> Iterator[tuple[str, int]]:
    """The text of each document and its first line, so that one malformed document does not take the others along.

    Column-zero ``---`` cannot stand inside a document, not even in a block of text.
    """
    start, line = 0, 1
    marks = [mark.start() for mark in _SEPARATOR.finditer(text)]
    for end in [*marks, len(text)]:
        chunk = text[start:end]
        body = chunk.removeprefix("---")
        if not _NOTHING.fullmatch(body):
            yield chunk, line
        line += chunk.count("\n")
        start = end


def read_document(text: str, first_line: int = 1) -> Document:
    """The one document of a text. Raises Malformed."""
    if len(text) > MAX_DOCUMENT_CHARACTERS:
        raise Malformed(f"a document may have {MAX_DOCUMENT_CHARACTERS} characters, not {len(text)}", first_line)
    builder = _Builder(first_line)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, first_line) from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise Malformed(f"not YAML: {str(error).splitlines()[0]}", first_line) from None
    return Document(builder.value, first_line, builder.lines, tuple(builder.bare))


def _not_yaml(error: yaml.MarkedYAMLError, first_line: int) -> Malformed:
    mark = error.problem_mark or error.context_mark
    problem = f"not YAML: {error.problem or error.context}"
    if mark is None:
        return Malformed(problem, first_line)
    return Malformed(f"{problem}, at column {mark.column + 1}", first_line + mark.line)


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


class _Builder:
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
                raise Malformed("begin each document with --- on a line of its own", line)
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
        if plain and is_boolean_to_kubectl(event.value):
            self.bare.append(Bare(path, line, event.value))
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
        if plain and is_boolean_to_kubectl(key):
            self.bare.append(Bare((*frame.path, key), line, key))
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
            raise Malformed("keys are text, not lists or mappings", line, self._stack[-1].path)
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
