"""`reask`: the user says again what an earlier turn said, a sign that the answer did not help.

The latest human turn is compared with the `lookback` human turns before it, as sets of folded words, by Jaccard
distance: 1 - (words in both) / (words in either). Below `maxDistance` (0.45 by default: more than 55 % of the words
are the same) the turn is the same question in other words. Word order and repetition do not count.

* `distance`: the least distance to an earlier turn, in [0,1]; 1 where there is none to compare with.
* `verbatim`: an earlier turn has exactly the same words. It matches, too; `signals.x.matched && !signals.x.verbatim`
  leaves it out.
* A turn of fewer than three different words ("go on", "yes please") repeats nothing. Of a turn its first 1,024 letters
  are read.
* English, and languages that put spaces between words; in others a run of letters counts as one word, and only
  verbatim repetition is seen. Measured on Quora's question pairs, see the catalogue.
"""

from __future__ import annotations

from typing import Final

from forebay_api.signal import Reask
from forebay_decision.record import SignalRecord
from forebay_decision.signals.detector import Texts
from forebay_decision.signals.folding import fold

LEAST_WORDS: Final = 3
_MOST_LETTERS: Final = 1024
_NO_WORD: Final = bytes(byte if byte >= 0x80 or chr(byte).isalnum() else 0x20 for byte in range(256))
"""ASCII's letters and digits as they are, its other signs as spaces: quicker than looking for words."""


class ReaskDetector:
    """Matches when the latest human turn repeats an earlier one."""

    kind = "reask"
    scope = "LatestTurn"
    cost = 12.0

    def __init__(self, name: str, spec: Reask) -> None:
        self.name = name
        self._max_distance = spec.max_distance
        self._lookback = spec.lookback

    def prepare(self, texts: Texts) -> None:
        """Nothing: the turns are all it takes."""

    def detect(self, texts: Texts, prepared: object = None) -> SignalRecord:
        turns = texts.view.human_turns(self._lookback + 1)
        distance = 1.0
        if len(turns) > 1:
            latest, *earlier = map(_words, turns)
            distance = min((_distance(latest, words) for words in earlier), default=1.0)
        values: dict[str, bool | int | float] = {"distance": round(distance, 6), "verbatim": distance == 0.0}
        return SignalRecord(matched=distance < self._max_distance, values=values)


def _words(text: str) -> frozenset[bytes]:
    return frozenset(fold(text[:_MOST_LETTERS]).encode("utf-8", "replace").translate(_NO_WORD).split())


def _distance(one: frozenset[bytes], other: frozenset[bytes]) -> float:
    if len(one) < LEAST_WORDS or len(other) < LEAST_WORDS:
        return 1.0
    return 1.0 - len(one & other) / len(one | other)
