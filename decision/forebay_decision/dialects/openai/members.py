"""Where the top-level members of a JSON body stand, so that a change touches their bytes and no others.

msgspec checks the syntax of the whole body in C and hands out each value's raw bytes, but not where they stand, and
of duplicate keys only the last. So the top level is walked once more: a key, a colon, and then the very bytes that
msgspec found for this key must stand there, and after them a comma or the closing brace. A JSON string, array or
object is not the prefix of another one, and a number or literal is told from a longer one by what follows it; so the
walk is in step with msgspec exactly when no key occurs twice. Values are compared by memcmp and never looked into.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final, TypeAlias

import msgspec

from forebay_decision.errors import BadRequest
from forebay_decision.request import Span

Members: TypeAlias = Mapping[str, tuple[Span, msgspec.Raw]]

# Members' raw values are buffers, not bytes, whatever msgspec's stubs say: no methods, no comparison but by `bytes()`.

MAX_MEMBERS: Final = 1024
"""Far above what any endpoint knows; bounds the walk."""

_WS = rb"[ \t\n\r]*+"
_KEY = _WS + rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"' + _WS + rb":" + _WS
_FIRST = re.compile(_WS + rb"\{" + _KEY, re.DOTALL)
_NEXT = re.compile(_WS + rb"," + _KEY, re.DOTALL)
_END = re.compile(_WS + rb"\}")
_LONE_SURROGATE = re.compile(rb"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|[c-fC-F][0-9a-fA-F]{2})", re.DOTALL)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_BOM = b"\xef\xbb\xbf"


def scan(body: bytes, at: str = "") -> Members:
    """Key -> span and raw bytes of its value, in the order of the body.

    `at` names the member that `body` is the value of, for messages. Raises BadRequest for anything that is not one
    JSON object (RFC 8259) in valid UTF-8, for keys that occur twice (escapes decoded), and for more than MAX_MEMBERS
    of them; RecursionError where it is nested deeper than the interpreter's stack.
    """
    raws = _decode(body, at)
    found: dict[str, tuple[Span, msgspec.Raw]] = {}
    key, end = "", 0
    step = _FIRST.match(body)
    while step is not None:
        key = _key(step[1])
        start = step.end()
        raw = raws[key]
        if key in found or not body.startswith(raw, start):
            raise _duplicate(key, at)
        end = start + len(raw)
        found[key] = (Span(start, end), raw)
        step = _NEXT.match(body, end)
    if found and _END.match(body, end) is None:
        raise _duplicate(key, at)
    return found


class _Twice(Exception):
    """A key, or several, of one object."""


def refuse_duplicates(members: Members, which: Iterable[str]) -> None:
    """Raises BadRequest where an object anywhere inside one of these members has a key twice, RecursionError as `scan`.

    A decoder keeps the last one and some servers take the first: a rule would then judge a text that no model reads, or a
    tool that nobody offers. What is asked about all text needs no such check: `unspoken` gathers both values.
    """
    for name in which:
        if name in members and b"{" in (raw := bytes(members[name][1])):
            try:
                (_check_once if name in _REPEATED else _check)(raw)
            except _Twice as twice:
                raise _duplicate(str(twice), name, name) from None
            except json.JSONDecodeError as error:
                # What msgspec skips over it does not look at as closely.
                raise BadRequest(f"'{name}' is not valid JSON: {error.msg}.", code="invalid_json", param=name) from None


MOST_REMEMBERED: Final = 4096
"""Members that are known to be sound where they come again, by a hash that nobody can aim at: no text is kept."""
_REPEATED: Final = frozenset({"tools", "functions", "response_format", "text"})
"""What an agent sends with every request of its own, letter for letter: looking it through takes longer than all the rest."""


def _check(raw: bytes) -> None:
    _OBJECTS.decode(raw.decode())


def _check_once(raw: bytes) -> None:
    digest = blake2b(raw, digest_size=16).digest()
    if digest in _SOUND:
        return
    _check(raw)
    if len(_SOUND) >= MOST_REMEMBERED:
        _SOUND.clear()
    _SOUND[digest] = None


_SOUND: Final[dict[bytes, None]] = {}


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) > 1 and len(dict(pairs)) != len(pairs):
        raise _Twice(Counter(key for key, _ in pairs).most_common(1)[0][0])


_OBJECTS: Final = json.JSONDecoder(object_pairs_hook=_once, parse_int=len, parse_float=len)


def _decode(body: bytes, at: str) -> dict[str, msgspec.Raw]:
    subject = f"'{at}'" if at else "The body"
    try:
        # msgspec skips over strings without decoding them.
        if not body.isascii():
            body.decode()
        raws = _OBJECT.decode(body)
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"The body is not valid UTF-8 (byte {error.start}): encode it as UTF-8.", code="invalid_utf8"
        ) from None
    except msgspec.ValidationError as error:
        found = str(error).rpartition("got ")[2].strip("`")
        raise BadRequest(
            f"{subject} must be a JSON object, and is of type {found}.", code="invalid_type", param=at or None
        ) from None
    except msgspec.DecodeError as error:
        raise BadRequest(_syntax(body, str(error)), code="invalid_json") from None
    if len(raws) > MAX_MEMBERS:
        raise BadRequest(
            f"{subject} has {len(raws)} members, more than {MAX_MEMBERS}.", code="too_many_members", param=at or None
        )
    return raws


def _syntax(body: bytes, fault: str) -> str:
    if not body.strip():
        return "The body is empty: send a JSON object."
    if body.startswith(_BOM):
        return "The body starts with a byte order mark: leave it out."
    if _LONE_SURROGATE.search(body):
        return "The body is not valid JSON: an escaped UTF-16 surrogate stands without its other half."
    return f"The body is not valid JSON: {fault.removeprefix('JSON is malformed: ')}."


def _key(raw: bytes) -> str:
    return raw.decode() if b"\\" not in raw else _TEXT.decode(b'"' + raw + b'"')


def _duplicate(key: str, at: str, param: str = "") -> BadRequest:
    shown = key if len(key) <= 64 else key[:64] + "…"
    param = param or (f"{at}.{shown}" if at else shown)
    return BadRequest(
        f"The key {shown!r} occurs more than once{f' in {at!r}' if at else ''}: servers disagree on which one counts.",
        code="duplicate_key",
        param=param,
    )
