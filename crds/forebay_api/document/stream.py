"""A text of several YAML documents -> its documents, each read on its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import yaml

from forebay_api.document.builder import Bare, Builder, Malformed
from forebay_api.path import Path
from forebay_api.template import unrendered

MAX_DOCUMENT_CHARACTERS: Final = 1 << 20
"""As much as an API server could store: etcd takes 1.5 MiB an object."""

_CONFLICT: Final = ("<<<<<<< ", "=======", ">>>>>>> ")
_BYTE_ORDER_MARK: Final = "\ufeff"
_SEPARATOR: Final = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_NOTHING: Final = re.compile(r"(?:[ \t]*(?:#.*)?\r?\n|%.*\n)*[ \t]*(?:#.*|%.*)?")
# libyaml's parser is ten times as fast; the wheels of all platforms we support have it.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
    builder = Builder(first_line)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except Malformed as malformed:
        malformed.partial = builder.value
        raise
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, first_line, builder.value, text) from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise Malformed(f"not YAML: {str(error).splitlines()[0]}", first_line, partial=builder.value) from None
    return Document(builder.value, first_line, builder.lines, tuple(builder.bare))


def _likely_cause(lines: Sequence[str], start: int) -> str:
    """What to add to a parser's complaint about what begins at `start` and ends with these lines."""
    if any(line.startswith(_CONFLICT) for line in lines[start:]):
        return "; an unresolved conflict of git's"
    if any(_BYTE_ORDER_MARK in line for line in lines):
        return "; a byte order mark stands inside the text: take it out"
    return unrendered("\n".join(lines[start:]))


def _not_yaml(error: yaml.MarkedYAMLError, first_line: int, partial: Any, text: str) -> Malformed:
    mark = error.problem_mark or error.context_mark
    message = f"not YAML: {error.problem or error.context}"
    if mark is None:
        return Malformed(message, first_line, partial=partial)
    message += f", at column {mark.column + 1}"
    lines = text.split("\n")
    if mark.line < len(lines) and lines[mark.line][mark.column : mark.column + 1] == "\t":
        message += ", a tab: indent with spaces"
    if error.context_mark is not None and error.context_mark.line != mark.line:
        message += f", {error.context} from line {first_line + error.context_mark.line}"
    first = mark.line if error.context_mark is None else error.context_mark.line
    message += _likely_cause(lines[: mark.line + 1], min(first, mark.line))
    return Malformed(message, first_line + mark.line, partial=partial)
