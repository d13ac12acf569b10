"""`toolResult`: failures in what tools gave back.

A result of a tool counts as failed when the body says so (an item of status `failed` or `incomplete`, or with an
`error`), when it is a JSON object that says so (`error` that is neither null nor empty, `isError`, `success: false`,
`ok: false`, a `status` of error or failure, an exit code other than 0), or when its text does: a first line that begins
with error, fatal, failed, exception, panic or an element of that name; a stack trace; a last line that names an
exception; an exit code or signal; what shells say of a command, file or permission that is missing; an HTTP status from
400. Of each result its first and last 2,048 letters are read, so that a file that speaks of errors is none by itself.

* `results`: results in scope (since the latest human turn, or all); `failures`: those that failed; `streak`: failed
  ones in a row, up to the newest. The newest 512 are looked at.
* Matches at `failures` or more.
* English words and the usual exit codes; what a tool says in its own way is not known to be a failure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import takewhile
from typing import Any, Final

import msgspec

from forebay_api.signal import ToolResult
from forebay_decision.record import SignalRecord
from forebay_decision.request import RequestView, Turn
from forebay_decision.signals.detector import Texts
from forebay_decision.signals.structure import TOOL_ROLES

MOST_RESULTS: Final = 512
_LETTERS: Final = 2048
_LARGEST_JSON: Final = 1 << 16
_FIRST_LINE: Final = re.compile(
    r"\s*(?:[\[<(*#-]{0,3}\s?)?(?:(?:fatal\s+)?(?:\w{1,40}_)?(?:error|exception|panic|failure)|fatal|failed|abort(?:ed)?|traceback)\b"
    r"(?!\s(?:handling|handler|codes?|messages?|logs?|pages?|rates?)\b)|\s*<(?:tool_use_)?error>",
    re.IGNORECASE,
)
_ANYWHERE: Final = re.compile(
    r"Traceback \(most recent call last\)|^.{0,120}: command not found|^(?:\S{1,80}: ){1,3}(?:No such file or directory"
    r"|Permission denied|cannot (?:access|open|stat) )|^\w{1,80}(?:Error|Exception)(?:: |$)|^thread '[^']{1,80}' panicked at "
    r"|^panic: |^\s{0,8}at [\w$.<>]{1,120}\([\w$.]{1,80}:\d+|[Ee]xit(?:ed with)?(?: status| code)?:? (?:code |status )?-?[1-9]\d{0,2}\b"
    r"|non-zero exit (?:status|code)|[Tt]imed out after |^(?:HTTP/[\d.]+ |[Ss]tatus(?: code)?:? ?)[45]\d\d\b",
    re.MULTILINE,
)
_BAD: Final = frozenset({"error", "errored", "failed", "failure", "fail", "exception", "timeout", "denied", "rejected"})
_TOLD: Final = ("error", "errors", "exception")
_TRUE_MEANS_FAILED: Final = ("isError", "is_error")
_FALSE_MEANS_FAILED: Final = ("success", "ok")
_EXIT: Final = ("exit_code", "exitCode", "returncode", "return_code")


class ToolResultDetector:
    """Counts the failed among the results of tools."""

    kind = "toolResult"
    cost = 19.0

    def __init__(self, name: str, spec: ToolResult) -> None:
        self.name = name
        self.scope = spec.scope
        self._failures = spec.failures

    def prepare(self, texts: Texts) -> None:
        """Nothing: the turns are all it takes."""

    def detect(self, texts: Texts, prepared: object = None) -> SignalRecord:
        results = self._results(texts.view)
        failed = [has_failed(turn) for turn in results[-MOST_RESULTS:]]
        values: dict[str, bool | int | float] = {
            "results": len(results),
            "failures": sum(failed),
            "streak": sum(1 for _ in takewhile(bool, reversed(failed))),
        }
        return SignalRecord(matched=values["failures"] >= self._failures, values=values)

    def _results(self, view: RequestView) -> list[Turn]:
        turns = view.turns[view.text_at + 1 :] if self.scope == "LatestTurn" else view.turns
        return [turn for turn in turns if turn.role in TOOL_ROLES or turn.failed]


def has_failed(turn: Turn) -> bool:
    """Whether a tool's result tells of a failure."""
    text = turn.text
    if turn.failed:
        return True
    if text.lstrip()[:1] == "{" and len(text) <= _LARGEST_JSON:
        try:
            told = msgspec.json.decode(text, type=dict[str, Any])
        except (msgspec.MsgspecError, RecursionError):
            pass
        else:
            return _says_failed(told)
    if _FIRST_LINE.match(text[:_LETTERS]) is not None:
        return True
    ends = text if len(text) <= 2 * _LETTERS else f"{text[:_LETTERS]}\n{text[-_LETTERS:]}"
    return _ANYWHERE.search(ends) is not None


def _says_failed(told: Mapping[str, Any]) -> bool:
    status = told.get("status")
    return (
        any(told.get(key) not in (None, "", False, 0, [], {}) for key in _TOLD)
        or any(told.get(key) is True for key in _TRUE_MEANS_FAILED)
        or any(told.get(key) is False for key in _FALSE_MEANS_FAILED)
        or any(isinstance(told.get(key), int) and told[key] != 0 for key in _EXIT)
        or (isinstance(status, str) and status.lower() in _BAD)
        or (isinstance(status, int) and 400 <= status <= 599)
    )
