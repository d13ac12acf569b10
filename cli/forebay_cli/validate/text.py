"""A finding as a person reads it, the same wherever one is shown: place, severity, object, path, message."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from forebay_cli.validate.outcome import Line

_STYLES: Final = {"Error": "red", "Warning": "yellow", "Note": "dim"}


def finding_text(line: Line) -> Text:
    """One line, as compilers write theirs."""
    place = f"{line.source}:{line.line}: " if line.line else f"{line.source}: " if line.source else ""
    where = "".join(f"{part}: " for part in (line.object, line.path) if part)
    return Text.assemble(place, (line.severity.lower(), _STYLES[line.severity]), f": {where}{line.message}")
