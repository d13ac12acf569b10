"""Requests with a text behind them: "Find the bug:" and a program, "Shorten this:" and a page."""

import random
from collections.abc import Iterator, Sequence
from typing import Final

ABOUT_PROGRAMS: Final = (
    "What is wrong with this?", "Please review this function.", "Can you simplify the code below?", "Add type hints.", "Add error handling to this:", "Translate this to Go:",
    "Rewrite it in Rust.", "Document this method.", "I get an error here, why?", "Find the bug:", "Is this thread-safe?", "How can I make this faster?", "What is the complexity of this code?",
    "Convert to async:", "Turn this into a class.", "Comment each line.", "Why is this slow?", "Write a docstring for it:", "Can this be done without a loop?", "Review my change:",
    "Help me understand this snippet", "Does this leak memory?", "Port this to Python 3:", "Which test cases am I missing?", "Clean this up please.", "Was macht dieser Code?",
    "Que fait cette fonction ?", "¿Qué hace este código?", "Our linter complains about this:", "Summarise what this file does.",
)  # fmt: skip
ABOUT_PAGES: Final = (
    "Summarise this:", "What does this page say about upgrades?", "Translate into German:", "Explain this section to me.", "Shorten the following text:", "Is this still up to date?",
    "Turn this into bullet points:", "What do I have to do first?", "Fix the spelling in this:", "Fasse das zusammen:", "Extract all names:", "Which options are mentioned?",
    "Rewrite in plain words:", "Here is what I found:", "I got this e-mail, how should I answer?", "tl;dr?", "What does this setting do?", "Why does this fail to start?",
    "Check this file for mistakes:", "Answer from this text: what changed?",
)  # fmt: skip
GAPS: Final = ("\n", "\n\n", "\n```\n")
FIRST: Final = 0.75
"""Of requests that stand before what they bring."""


def handed(asks: Sequence[str], texts: Sequence[str], count: int, seed: int) -> Iterator[str]:
    """`count` of the texts, each with one of the requests before it or behind."""
    chance = random.Random(seed)
    for text in chance.sample(texts, count):
        ask, gap, brought = chance.choice(asks), chance.choice(GAPS), text[: chance.randint(100, 480)]
        if chance.random() < FIRST:
            yield f"{ask}{gap}{brought}" + ("\n```" if "`" in gap else "")
        else:
            yield f"{brought}\n\n{ask}"
