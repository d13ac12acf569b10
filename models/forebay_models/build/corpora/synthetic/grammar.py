"""A grammar: `{name}` in a template stands for one of the choices of that name, filled in turn."""

import random
import re
from collections.abc import Iterator, Mapping, Sequence

SLOT = re.compile(r"\{(\w+)\}")
Grammar = Mapping[str, Sequence[str]]


def expand(template: str, grammar: Grammar, chance: random.Random) -> str:
    """The template with every slot filled, slots within choices included."""
    while (slot := SLOT.search(template)) is not None:
        template = template[: slot.start()] + chance.choice(grammar[slot[1]]) + template[slot.end() :]
    return template


def several(grammar: Grammar, start: str, count: int, seed: int) -> Iterator[str]:
    """`count` different sentences from `start`, fewer where the grammar has no more."""
    chance = random.Random(f"{start} {seed}")
    seen: set[str] = set()
    for _ in range(count * 8):
        text = vary(expand(chance.choice(grammar[start]), grammar, chance), chance)
        if text not in seen:
            seen.add(text)
            yield text
        if len(seen) == count:
            return


def vary(text: str, chance: random.Random) -> str:
    """The small liberties that people take with capitals and full stops: so that neither tells the classes apart."""
    draw = chance.random()
    if draw < 0.12:
        return text.lower()
    if draw < 0.16:
        return text.upper() if len(text) < 120 else text
    if draw < 0.30:
        return text.rstrip(".!")
    if draw < 0.40 and len(text) < 200:
        words = text.split()
        at = chance.randrange(len(words))
        words[at] = words[at].upper()
        return " ".join(words)
    return text
