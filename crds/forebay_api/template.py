"""Templates that nobody has rendered: a common mistake, and one that is told in other words wherever it is met first."""

from __future__ import annotations

import re
from typing import Final

UNRENDERED: Final = "; a template has to be rendered first (helm template, envsubst)"
_MARK: Final = re.compile(r"\{[{%]|\$\{\w+\}")


def unrendered(text: str) -> str:
    """What to add to a complaint about a text that looks like a template; otherwise empty."""
    return UNRENDERED if _MARK.search(text) else ""
