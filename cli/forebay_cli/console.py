"""Where commands print: results to standard output, everything else to standard error, colour only on a terminal.

Much of what is printed was written by somebody else: manifests, prompts, names of files. None of it may move the cursor,
recolour the terminal or turn letters round.
"""

from __future__ import annotations

import enum
import errno
import io
import os
import re
import sys
from collections.abc import Iterable
from typing import Any, Final, NoReturn, TextIO, cast

import msgspec
import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

EXIT_FINDINGS = 1
EXIT_USAGE = 2
WIDEST = 4096
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]"
)
"""Control characters but for tabs and line ends, those that reorder what is read (UAX 9), and such as have no width."""
_PADDING: Final = re.compile(r"[ ]+$", re.MULTILINE)


class Output(enum.StrEnum):
    """How a command prints its result."""

    table = "table"
    json = "json"


def legible(text: str) -> str:
    """The text with what nobody would see of it written out: ``\\u001b`` for an escape."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class _Legible(Console):
    """A console on which other people's text is text."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        # Before lines are laid out: what is written out is longer.
        if isinstance(renderable, str):
            renderable = legible(renderable)
        elif isinstance(renderable, Text) and _UNSEEN.search(renderable.plain):
            renderable = Text(legible(renderable.plain), renderable.style)
        return super().render(renderable, options)

    def on_broken_pipe(self) -> NoReturn:
        # Rich would leave at once, and servers have something to stop first.
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


class _Unpadded(io.TextIOBase):
    """A stream that takes the blanks off line ends with which tables fill their last column."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(_PADDING.sub("", text))

    def flush(self) -> None:
        self._stream.flush()


def stdout() -> Console:
    """Standard output; plain text without wrapping when it is not a terminal."""
    return _console(sys.stdout)


def stderr() -> Console:
    return _console(sys.stderr)


def _console(stream: TextIO) -> Console:
    """Lines as long as they are for whoever is not a terminal; tables fold at the width alone, so that is wide, too."""
    if stream.isatty():
        return _Legible(file=stream, highlight=False)
    return _Legible(file=cast("TextIO", _Unpadded(stream)), highlight=False, soft_wrap=True, width=WIDEST)


def print_json(value: Any, *, indent: bool = True) -> None:
    """One JSON document on standard output, msgspec structs included; at once, for whoever reads along."""
    encoded = msgspec.json.encode(value)
    sys.stdout.write((msgspec.json.format(encoded, indent=2) if indent else encoded).decode() + "\n")
    sys.stdout.flush()


def give_up(message: str, code: int = EXIT_USAGE) -> NoReturn:
    """Say why on standard error and stop."""
    stderr().print(f"forebay: {message}", markup=False)
    raise typer.Exit(code)
