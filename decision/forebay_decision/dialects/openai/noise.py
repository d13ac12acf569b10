"""What agent harnesses put into a user's turn beside the user's words, and how to leave it out.

A signal asks what the person wants; a reminder or a directory listing that the harness repeats every turn would drown
it. Left out are whole blocks that are fenced as such: elements named in ELEMENTS (Claude Code, Codex, Cline, Roo Code,
Cursor, Continue) and code fences whose language is named in FENCES. A block that is not closed is left in: it may be
the person's own. Linear in the text: every opening either jumps over its block or rules out its name for good.
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

_ELEMENT = re.compile(rf"<({'|'.join(map(re.escape, ELEMENTS))})(?=[\s>])[^<>]*+>")
_FENCE = re.compile(rf"(`{{3,}}+)(?:{'|'.join(FENCES)})[ \t]*+\n")


def strip_noise(text: str) -> str:
    """`text` without harness blocks and surrounding whitespace; empty if nothing else is there."""
    if "<" in text:
        text = _without(text, _ELEMENT, lambda name: f"</{name}>")
    if "```tool_" in text:
        text = _without(text, _FENCE, lambda ticks: f"\n{ticks}")
    return text.strip()


def _without(text: str, opening: re.Pattern[str], closing: Callable[[str], str]) -> str:
    """`text` without what stands between each match of `opening` and the first closing of its first group after it."""
    kept: list[str] = []
    position = 0
    unclosed: set[str] = set()
    start = opening.search(text)
    while start is not None:
        name, resume = start[1], start.end()
        if name not in unclosed:
            close = closing(name)
            # A fence's closing line may follow its opening line at once.
            end = text.find(close, resume - 1)
            if end < 0:
                unclosed.add(name)
            else:
                kept.append(text[position : start.start()])
                position = resume = end + len(close)
        start = opening.search(text, resume)
    kept.append(text[position:])
    return "".join(kept)
