"""What agent harnesses put into a user's turn beside the user's words, and how to leave it out.

A signal asks what the person wants; a reminder or a directory listing that the harness repeats every turn would drown
it. Left out are whole blocks that are fenced as such: elements named in ELEMENTS (Claude Code, Codex, Cline, Roo Code,
Cursor, Continue) and code fences whose language is named in FENCES. A block that is not closed is left in: it may be
the person's own. Linear in the text: every opening either jumps over its block or rules out its name for good. And bounded
beside it, because a megabyte may be made of openings alone: after MOST_OPENINGS the rest is left in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

ELEMENTS: Final = (
    "additional_data",
    "attached_files",
    "command-args",
    "command-message",
    "command-name",
    "environment_context",
    "environment_details",
    "file_content",
    "function_results",
    "local-command-caveat",
    "local-command-stderr",
    "local-command-stdout",
    "open_and_recently_viewed_files",
    "system-reminder",
    "system_reminder",
    "tool_output",
    "tool_result",
    "tool_results",
    "user_info",
    "user_instructions",
    "workspace_info",
)
FENCES: Final = ("tool_output", "tool_outputs", "tool_result", "tool_results")

MOST_OPENINGS: Final = 16_384
"""That are looked at in all turns of a request together."""

_ELEMENT = re.compile(rf"<({'|'.join(map(re.escape, ELEMENTS))})(?=[\s>])[^<>]*+>")
_FENCE = re.compile(rf"^(`{{3,8}})(?:{'|'.join(FENCES)})[ \t]*+$", re.MULTILINE)
_FENCE_ENDS: Final = {"`" * n: re.compile(rf"^`{{{n},}}[ \t]*+$", re.MULTILINE) for n in range(3, 9)}


class Openings:
    """How many openings may still be looked at."""

    def __init__(self, left: int = MOST_OPENINGS) -> None:
        self.left = left


def strip_noise(text: str, openings: Openings | None = None) -> str:
    """`text` without harness blocks and surrounding whitespace; empty if nothing else is there.

    `openings` is shared by the texts of one request.
    """
    openings = openings or Openings()
    if "<" in text:
        text = _without(text, _ELEMENT, _element_end, openings)
    if "```tool_" in text:
        text = _without(text, _FENCE, _fence_end, openings)
    return text.strip()


def _without(text: str, opening: re.Pattern[str], end_of: Callable[[str, str, int], int], openings: Openings) -> str:
    """`text` without its blocks: each from a match of `opening` to where `end_of` says that what it opens ends.

    `end_of` gets the text, the first group of the match and where to look from; -1 says that there is no end.
    """
    kept: list[str] = []
    position = 0
    unclosed: set[str] = set()
    start = opening.search(text)
    while start is not None and openings.left > 0:
        openings.left -= 1
        name, resume = start[1], start.end()
        if name not in unclosed:
            end = end_of(text, name, resume)
            if end < 0:
                unclosed.add(name)
            else:
                kept.append(text[position : start.start()])
                position = resume = end
        start = opening.search(text, resume)
    kept.append(text[position:])
    return "".join(kept)


def _element_end(text: str, name: str, position: int) -> int:
    closing = f"</{name}>"
    found = text.find(closing, position)
    return found if found < 0 else found + len(closing)


def _fence_end(text: str, ticks: str, position: int) -> int:
    found = _FENCE_ENDS[ticks].search(text, position)
    return -1 if found is None else found.end()
