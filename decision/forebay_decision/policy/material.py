"""Material: what the signals of one request read, each form of it made once, and what could not be read of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Final

from forebay_decision.request import RequestView
from forebay_decision.token import Verified

EXHAUSTIVE: Final = frozenset({"keyword", "regex", "pii"})
"""Kinds whose "no" is about every letter of the text."""
WORDLESS: Final = frozenset({"structure", "claims"})
"""Kinds that say themselves what they do not know; that some text cannot be read changes nothing about the rest."""
LARGEST_TEXT: Final = 1 << 20
"""Bytes of text that signals read; of a longer one the head and the tail, half each."""


class Material:
    """Fulfils `Texts` for one request. `deadline` is a time of `clock`, in seconds."""

    def __init__(
        self,
        view: RequestView,
        headers: Mapping[str, str],
        verified: Verified,
        clock: Callable[[], float],
        deadline: float,
    ) -> None:
        self._view = view
        self._headers = headers
        self._verified = verified
        self._clock = clock
        self._deadline = deadline
        self._scoped: dict[str, bytes] = {}
        self._cut: set[str] = set()
        self._embeddings: dict[str, object] = {}
        self._shared: dict[Hashable, object] = {}

    def unread(self, kind: str, scope: str) -> str:
        """Why "nothing was found" is not known of what a signal of this kind has read; empty where it is."""
        if kind in WORDLESS:
            return ""
        if self._view.unread:
            return f"{self._view.unread} cannot be read"
        return "the text was too long to be read in full" if kind in EXHAUSTIVE and scope in self._cut else ""

    def scoped(self, scope: str) -> bytes:
        text = self._scoped.get(scope)
        if text is None:
            whole = self._view.text if scope == "LatestTurn" else self._view.conversation
            read = whole.encode("utf-8", "replace")
            text = self._scoped[scope] = _bounded(read)
            if len(text) < len(read):
                self._cut.add(scope)
        return text

    @property
    def latest(self) -> str:
        return self._view.text

    @property
    def view(self) -> RequestView:
        return self._view

    @property
    def headers(self) -> Mapping[str, str]:
        return self._headers

    @property
    def verified(self) -> Verified:
        return self._verified

    def seconds_left(self) -> float:
        return self._deadline - self._clock()

    def embeddings(self) -> dict[str, object]:
        return self._embeddings

    def shared(self) -> dict[Hashable, object]:
        return self._shared


def _bounded(text: bytes) -> bytes:
    if len(text) <= LARGEST_TEXT:
        return text
    half = LARGEST_TEXT // 2
    return text[:half] + b"\n" + text[-half:]
