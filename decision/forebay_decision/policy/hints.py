"""What is added to a complaint about an expression: the name that is near, or how CEL spells what was meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

_UNDECLARED: Final = re.compile(r"undeclared reference to '([^']+)'")
_NOT_BOOLEAN: Final = re.compile(r"no matching overload for '(_&&_|_\|\|_|!_)'")
_UNEXPECTED: Final = re.compile(r"(?:mismatched input|extraneous input|token recognition error at:) '(.+?) ?'")
_SPELLING: Final[Mapping[str, str]] = {
    "and": "&& for and",
    "&": "&& for and",
    "or": "|| for or",
    "|": "|| for or",
    "=": "== for is equal to",
    "is": "== for is equal to",
    "=>": ">= for at least",
    ">": "!= for is not equal to",
    "like": '.contains("...") or .matches("...")',
    "“": 'straight quotes, "x"',
    "”": 'straight quotes, "x"',
}
_END: Final = "<EOF>"
_TOLD: Final = 20
"""Words that a message names before it says how many more there are."""


def hint(complaint: str, declared: Mapping[str, Any]) -> str:
    """What mends it, as far as the complaint tells; otherwise empty. `declared` are the variables of the policy."""
    if _NOT_BOOLEAN.search(complaint) is not None:
        return "; it takes booleans: compare a number, as in `x > 0`"
    if unexpected := _UNEXPECTED.search(complaint):
        return _spelling(unexpected.group(1))
    undeclared = _UNDECLARED.search(complaint)
    return "" if undeclared is None else _near(undeclared.group(1), declared)


def _spelling(word: str) -> str:
    if word == _END:
        return "; it ends too early"
    return f"; CEL writes {_SPELLING[word]}" if word in _SPELLING else ""


def _near(word: str, declared: Mapping[str, Any]) -> str:
    if members := sorted({name.removeprefix(word + ".") for name in declared if name.startswith(word + ".")}):
        return f"; it is no value by itself: {word} has {_few(members)}"
    of, _, part = word.rpartition(".")
    if parts := [name.rpartition(".")[2] for name in declared if name.startswith(of + ".")] if of else []:
        close = difflib.get_close_matches(part, parts, n=1, cutoff=0.6)
        return f"; did you mean '{of}.{close[0]}'?" if close else f"; {of} has {', '.join(parts)}"
    return did_you_mean(word, declared)


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def there_are(choices: Iterable[str]) -> str:
    return f"; there are {_few(sorted(choices))}"


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return f"{', '.join(names[:_TOLD])}{more}"
