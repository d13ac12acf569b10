"""Windows: long text in pieces that an encoder reads whole, so that a sentence hidden in pages is not averaged away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from forebay_decision.request import RequestView
from forebay_decision.signals.similarity import LETTERS_PER_TOKEN, TRANSFORMER_SECONDS
from forebay_decision.signals.structure import TOOL_ROLES
from forebay_decision.work import Skipped

if TYPE_CHECKING:
    from forebay_models.encoder import Encoder

LETTERS: Final = 480
OVERLAP: Final = 80
"""A sentence at the edge of one window stands whole in the next, if it is no longer than this."""
MOST_WINDOWS: Final = 32
MAX_TOKENS: Final = 192


class Window(msgspec.Struct, frozen=True):
    """A piece of one result; `result` counts from the newest."""

    text: str
    result: int
    start: int
    end: int


class EncodeWindows:
    """One encoder pass a window. The result: rows, windows, and whether that was all of the text."""

    inline = False

    def __init__(self, encoder: Encoder, windows: Sequence[Window], whole: bool, read: Callable[[str], str]) -> None:
        self._encoder = encoder
        self._read = read
        self._windows = windows
        self._whole = whole
        self.label = f"encode {len(windows)} windows"

    @property
    def expected_seconds(self) -> float:
        return sum(_seconds(window) for window in self._windows)

    def run(self) -> tuple[Any, Sequence[Window], bool]:
        texts = [self._read(window.text) for window in self._windows]
        rows = self._encoder.encode(texts, max_tokens=MAX_TOKENS)
        return rows, self._windows, self._whole


def tool_results(view: RequestView) -> list[str]:
    """What tools gave back since the latest human turn, the newest first."""
    turns = view.turns[view.text_at + 1 :]
    return [turn.text for turn in reversed(turns) if turn.role in TOOL_ROLES and turn.text.strip()]


def plan_windows(
    encoder: Encoder, results: Sequence[str], seconds: float, read: Callable[[str], str] = str
) -> EncodeWindows | Skipped:
    """As many windows as fit into `seconds`, at most MOST_WINDOWS; Skipped where not one does. `read` is applied to each
    before it is encoded."""
    chosen: list[Window] = []
    for window in _windows(results):
        seconds -= _seconds(window)
        if seconds < 0 or len(chosen) == MOST_WINDOWS:
            return EncodeWindows(encoder, chosen, False, read) if chosen else Skipped("deadline")
        chosen.append(window)
    return EncodeWindows(encoder, chosen, True, read)


def _windows(results: Sequence[str]) -> Iterator[Window]:
    for number, text in enumerate(results):
        start = 0
        while start < len(text):
            end = min(start + LETTERS, len(text))
            yield Window(text[start:end], number, start, end)
            start = len(text) if end == len(text) else end - OVERLAP


def _seconds(window: Window) -> float:
    base, per_token = TRANSFORMER_SECONDS
    return base + per_token * min(len(window.text) / LETTERS_PER_TOKEN, MAX_TOKENS)
