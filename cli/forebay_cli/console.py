"""Where commands print: results to standard output, everything else to standard error, colour only on a terminal."""

from __future__ import annotations

import enum
import sys
from typing import Any, NoReturn

import msgspec
import typer
from rich.console import Console

EXIT_FINDINGS = 1
EXIT_USAGE = 2


class Output(enum.StrEnum):
    """How a command prints its result."""

    table = "table"
    json = "json"


def stdout() -> Console:
    """Standard output; plain text without wrapping when it is not a terminal."""
    return Console(soft_wrap=not sys.stdout.isatty(), highlight=False)


def stderr() -> Console:
    return Console(stderr=True, soft_wrap=not sys.stderr.isatty(), highlight=False)


def print_json(value: Any, *, indent: bool = True) -> None:
    """One JSON document on standard output, msgspec structs included; at once, for whoever reads along."""
    encoded = msgspec.json.encode(value)
    sys.stdout.write((msgspec.json.format(encoded, indent=2) if indent else encoded).decode() + "\n")
    sys.stdout.flush()


def give_up(message: str, code: int = EXIT_USAGE) -> NoReturn:
    """Say why on standard error and stop."""
    stderr().print(f"forebay: {message}", markup=False)
    raise typer.Exit(code)
