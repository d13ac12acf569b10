"""Help whose examples can be copied: they keep their lines, however narrow the terminal is."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

_INDENT: Final = "    "
_AS_IT_IS: Final = "\b"
"""What the help formatter wants before a paragraph that it shall not fill anew."""


def help_text(command: Callable[..., Any]) -> str:
    """A command's docstring, in which every indented paragraph stays as it is written."""
    paragraphs = (inspect.getdoc(command) or "").split("\n\n")
    return "\n\n".join(f"{_AS_IT_IS}\n{part}" if part.startswith(_INDENT) else part for part in paragraphs)
