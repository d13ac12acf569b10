"""Where commands print: results to standard output, everything else to standard error, colour only on a terminal."""

from __future__ import annotations

import enum
import sys
from typing import Any, NoReturn, TextIO

import msgspec
import typer
from rich.console import Console

EXIT_FINDINGS = 1
EXIT_USAGE = 2
WIDEST = 4096


class Output(enum.StrEnum):
    """How a command prints its result."""

    table = "table"
    json = "json"


def stdout() -> Console:
    """Standard output; plain text without wrapping when it is not a terminal."""
    return Console(highlight=False, **_unwrapped(sys.stdout))


def stderr() -> Console:
    return Console(stderr=True, highlight=False, **_unwrapped(sys.stderr))


def _unwrapped(stream: TextIO) -> dict[str, Any]:
    """Lines as long as they are for whoever is not a terminal; tables fold at the width alone, so that is wide, too."""
    return {} if stream.isatty() else {"soft_wrap": True, "width": WIDEST}


def print_json(value: Any, *, indent: bool = True) -> None:
    """One JSON document on standard output, msgspec structs included; at once, for whoever reads along."""
    encoded = msgspec.json.encode(value)
    sys.stdout.write((msgspec.json.format(encoded, indent=2) if indent else encoded).decode() + "\n")
    sys.stdout.flush()


def give_up(message: str, code: int = EXIT_USAGE) -> NoReturn:
    """Say why on standard error and stop."""
    stderr().print(f"forebay: {message}", markup=False)
    raise typer.Exit(code)
