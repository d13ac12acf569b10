"""Places inside a manifest, written as Kubernetes writes them: ``spec.rules[2].when``."""

from __future__ import annotations

import json
import re
from typing import Final

Path = tuple[str | int, ...]
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,63}")


def render_path(path: Path) -> str:
    """The path as text; keys that would read ambiguously stand quoted in brackets. Empty for the whole object."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step[:63])}]"
    return text
