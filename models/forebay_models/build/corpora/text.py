"""When two texts count as the same, and which split a text belongs to: decided by the text alone, so no list of row
numbers has to be kept and a row that stands in two sources lands on one side."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence

NOT_WORD = re.compile(r"[^\w]+")
SHINGLE = 4
ALIKE = 0.6


def key(text: str) -> str:
    """Letters and digits, folded: texts that differ in case, punctuation or spacing have one key."""
    return NOT_WORD.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def share(text: str, salt: str) -> float:
    """A number in [0, 1) that depends on the text's key and the salt alone."""
    digest = hashlib.sha256(f"{salt}\0{key(text)[:400]}".encode(errors="replace")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def shingles(text: str) -> frozenset[str]:
    """Runs of four words, or the whole text where it is shorter."""
    words = key(text).split()
    if len(words) <= SHINGLE:
        return frozenset((" ".join(words),))
    return frozenset(" ".join(words[at : at + SHINGLE]) for at in range(len(words) - SHINGLE + 1))


class Near:
    """Finds texts that share most of their word runs with one of a reference set: what was only lightly edited."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._sets = [shingles(text) for text in texts]
        self._by_shingle: dict[str, list[int]] = {}
        for number, each in enumerate(self._sets):
            for shingle in each:
                self._by_shingle.setdefault(shingle, []).append(number)

    def __contains__(self, text: str) -> bool:
        own = shingles(text)
        shared: dict[int, int] = {}
        for shingle in own:
            for number in self._by_shingle.get(shingle, ())[:64]:
                shared[number] = shared.get(number, 0) + 1
        return any(count / min(len(own), len(self._sets[number])) >= ALIKE for number, count in shared.items())


def first_of_each(texts: Sequence[str]) -> list[int]:
    """Row numbers, one for each key, in order."""
    seen: set[str] = set()
    rows = []
    for number, text in enumerate(texts):
        if (name := key(text)) not in seen:
            seen.add(name)
            rows.append(number)
    return rows
