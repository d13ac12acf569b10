"""`structure`: the request's shape as numbers that rules compare, such as `signals.shape.codeShare > 0.3`.

It has no `matched`: what is much or little is the rule's to say.

* `tokens`: upper estimate of what the model reads (`request.promptTokens`).
* `messages`: all turns; `turns`: human ones among them, whatever they hold.
* `tools`: tools offered; `images`: images attached, each frame of reference of a video among them.
* `codeShare`: letters in code over all letters, in [0,1]: fenced blocks, and lines that have the form of program text.
  Of more than 65,536 letters the first and the last half are judged. Unknown where the text cannot be read (token ids).
* `agentStep`: results of tools since the latest human turn. 0: a person has just spoken; 3: an agent is at its fourth
  step.
* `toolLoop`: how often the most frequent tool call since the latest human turn was made, same tool and same arguments.
  0: none, 1: no repetition; 3 or more is hardly ever work.
"""

from __future__ import annotations

from collections import Counter

from forebay_api.signal import Structure
from forebay_decision.record import SignalRecord
from forebay_decision.request import RequestView, Turn
from forebay_decision.signals.code import share_of_code
from forebay_decision.signals.detector import Texts

TOOL_ROLES = frozenset({"tool", "function"})


class StructureDetector:
    """Counts."""

    kind = "structure"
    cost = 18.0

    def __init__(self, name: str, spec: Structure) -> None:
        self.name = name
        self.scope = spec.scope

    def prepare(self, texts: Texts) -> None:
        """Nothing: the view is all it takes."""

    def detect(self, texts: Texts, prepared: object = None) -> SignalRecord:
        view = texts.view
        since = view.turns[view.text_at + 1 :]
        values: dict[str, bool | int | float] = {
            "tokens": view.prompt_tokens,
            "messages": len(view.turns),
            "turns": sum(turn.human for turn in view.turns),
            "tools": len(view.tools),
            "images": view.images,
            "agentStep": sum(turn.role in TOOL_ROLES for turn in since),
            "toolLoop": _most_repeated(since),
        }
        if not view.unread:
            values["codeShare"] = round(share_of_code(self._text(view, texts)), 6)
        return SignalRecord(values=values)

    def _text(self, view: RequestView, texts: Texts) -> str:
        return view.text if self.scope == "LatestTurn" else texts.scoped(self.scope).decode("utf-8", "replace")


def _most_repeated(turns: tuple[Turn, ...]) -> int:
    made = Counter((turn.calls, turn.text) for turn in turns if turn.calls)
    return max(made.values(), default=0)
