"""Every link of a page to another page, a file or a heading of this repository leads there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
OUTSIDE: Final = ("http://", "https://", "mailto:")
FENCED: Final = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE: Final = re.compile(r"`[^`\n]*`")
LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
LEFT_OUT: Final = frozenset({".venv", "build", "node_modules", "shared"})


def pages() -> Iterator[Path]:
    for path in sorted(ROOT.glob("**/*.md")):
        parts = path.relative_to(ROOT).parts
        if not LEFT_OUT & set(parts) and not any(part.startswith(".") for part in parts):
            yield path


@cache
def anchors(page: Path) -> frozenset[str]:
    """Headings as GitHub names them."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", page.read_text("utf-8")), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower().strip() for heading in headings)
    return frozenset(re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in plain)


def dead(page: Path) -> Iterator[str]:
    text = CODE.sub("", FENCED.sub("", page.read_text("utf-8")))
    for link in LINK.findall(text):
        if link.startswith(OUTSIDE):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            yield link


@pytest.mark.parametrize("page", tuple(pages()), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert list(dead(page)) == []
