"""Whatever a request holds, every signal that needs no encoder answers or says unknown, within its time."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from builders import Seen, a_policy, a_pool, compiled, decide, seen
from hypothesis import given
from hypothesis import strategies as st

from forebay_api.signal import Signal
from forebay_decision.record import SignalRecord
from forebay_decision.route import Forward
from forebay_decision.signals.catalog import CATALOG
from forebay_decision.signals.pii.national import COUNTRIES
from forebay_decision.signals.scan import Scan
from forebay_decision.work import Skipped

ENTITIES = (
    *("CreditCard", "IBAN", "Email", "Phone", "IPAddress", "NationalID", "Secret", "CryptoAddress"),
    "URLCredentials",
)
SIGNALS: list[dict[str, Any]] = [
    {"name": "keyword", "keyword": {"any": ["a", "urgent", "a a"], "scope": "Conversation"}},
    {"name": "regex", "regex": {"pattern": "(a+)+$", "scope": "Conversation"}},
    {"name": "pii", "pii": {"entities": list(ENTITIES), "countries": list(COUNTRIES)[:32]}},
    {"name": "language", "language": {"is": ["en"]}},
    {"name": "structure", "structure": {"scope": "Conversation"}},
    {"name": "toolResult", "toolResult": {"scope": "Conversation"}},
    {"name": "reask", "reask": {"lookback": 16}},
    {"name": "claims", "claims": {"header": "x-plan", "any": ["gold"]}},
]
MEGABYTE = 1 << 20
BAD = {
    "empty": "",
    "one emoji": "😀",
    "one letter": "a" * MEGABYTE,
    "digits": "0123456789" * (MEGABYTE // 10),
    "spaced digits": "4111 " * (MEGABYTE // 5),
    "cards that fail": "4111111111111112 " * (MEGABYTE // 17),
    "numbers": "12-34-56 7.8.9 +1 (2) " * (MEGABYTE // 22),
    "at signs": "@" * MEGABYTE,
    "addresses": "a@b.c " * (MEGABYTE // 6),
    "colons": "a:b::c:" * (MEGABYTE // 7),
    "keys": "password=aB3$xyzq " * (MEGABYTE // 18),
    "right to left": "\u202e\u200fשלום " * (MEGABYTE // 15),
    "nul": "\x00" * MEGABYTE,
    "marks": "e" + "\u0316\u0301" * (MEGABYTE // 4),
    "mixed scripts": "aб日ก한ع" * (MEGABYTE // 18),
    "fences": "```\n" * (MEGABYTE // 4),
    "lines": "\n" * MEGABYTE,
    "braces": "{" * MEGABYTE,
    "no characters": "\ufdd0\ufffe\U0010ffff" * 1000,
}


def looked(view: Seen, signal: dict[str, Any]) -> SignalRecord | Skipped:
    parsed = msgspec.convert(signal, Signal)
    detector = CATALOG[parsed.kind](parsed.name, parsed.spec, None, None, None)  # type: ignore[arg-type]
    prepared = detector.prepare(view)
    return detector.detect(view, prepared.run() if isinstance(prepared, Scan) else prepared)


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_every_signal_answers_or_says_unknown(text: str) -> None:
    view = seen("what was it that I asked before?", text or " ", {"role": "tool", "content": text, "tool_call_id": "c"})
    view.seconds = 60.0
    started = time.thread_time()
    for signal in SIGNALS:
        assert isinstance(looked(view, signal), SignalRecord | Skipped)
    # Linear time: the worst of these takes a few seconds where it may take as long as it wants, not hours.
    assert time.thread_time() - started < 45.0


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_without_time_nothing_is_tried(text: str) -> None:
    view = seen(text or " ")
    view.seconds = 0.0005
    started = time.thread_time()
    for signal in SIGNALS:
        assert isinstance(looked(view, signal), SignalRecord | Skipped)
    assert time.thread_time() - started < 2.0


@given(st.text(max_size=200), st.text(max_size=50))
def test_no_text_makes_a_decision_with_all_of_them_fail(text: str, before: str) -> None:
    when = " || ".join(f"signals.{s['name']}.matched" for s in SIGNALS if s["name"] != "structure")
    rules = [{"name": "any", "when": f"{when} || signals.structure.codeShare > 0.5", "use": "all"}]
    policy = compiled(a_policy(signals=SIGNALS, rules=rules), {"default/small": a_pool()})
    body = {"model": "auto", "messages": [{"role": "user", "content": turn} for turn in (before, text)]}
    assert isinstance(decide(policy, msgspec.json.encode(body)), Forward)
