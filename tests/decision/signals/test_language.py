"""Language: short and mixed texts, scripts, and what is said where nothing can be told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from builders import a_policy, a_pool, chat, compiled, decide, seen
from hypothesis import given
from hypothesis import strategies as st

from forebay_api.signal import Language
from forebay_decision.check import check_policy
from forebay_decision.record import SignalRecord
from forebay_decision.signals.language import LANGUAGES, LanguageDetector
from forebay_decision.work import Skipped

TEXTS = {
    "en": "Please summarise the attached report in three short paragraphs.",
    "fr": "Pouvez-vous résumer le rapport ci-joint en trois courts paragraphes ?",
    "de": "Bitte fasse den angehängten Bericht in drei kurzen Absätzen zusammen.",
    "es": "¿Podrías resumir el informe que te adjunto en tres párrafos cortos, por favor?",
    "it": "Per favore riassumi la relazione allegata in tre brevi paragrafi.",
    "pt": "Por favor, resuma o relatório em anexo em três parágrafos curtos, não mais.",
    "nl": "Vat het bijgevoegde rapport alstublieft samen in drie korte alinea's.",
    "pl": "Proszę streścić załączony raport w trzech krótkich akapitach.",
    "tr": "Lütfen ekteki raporu üç kısa paragrafta özetleyin.",
    "vi": "Vui lòng tóm tắt báo cáo đính kèm trong ba đoạn văn ngắn.",
    "id": "Tolong buatkan ringkasan dari laporan yang saya lampirkan, karena saya tidak punya waktu untuk membacanya.",
    "ru": "Пожалуйста, кратко изложите приложенный отчёт в трёх абзацах.",
    "uk": "Будь ласка, підсумуйте доданий звіт у трьох коротких абзацах.",
    "ar": "يرجى تلخيص التقرير المرفق في ثلاث فقرات قصيرة.",
    "he": "אנא סכם את הדוח המצורף בשלוש פסקאות קצרות.",
    "fa": "لطفاً گزارش پیوست را در سه بند کوتاه خلاصه کنید.",
    "hi": "कृपया संलग्न रिपोर्ट को तीन छोटे अनुच्छेदों में संक्षेप में बताएं।",
    "zh": "请将附件中的报告概括为三个简短的段落。",
    "ja": "添付のレポートを三つの短い段落に要約してください。",
    "ko": "첨부된 보고서를 짧은 세 문단으로 요약해 주세요.",
    "el": "Συνόψισε την αναφορά",
    "th": "สวัสดี",
    "ka": "გამარჯობა",
    "ta": "வணக்கம்",
}


def looked(text: str, *codes: str, **fields: Any) -> SignalRecord | Skipped:
    return LanguageDetector("l", Language(is_=list(codes) or ["fr"], **fields)).detect(seen(text))


@pytest.mark.parametrize("code", TEXTS)
def test_the_language_of_a_sentence_is_told(code: str) -> None:
    record = looked(TEXTS[code], code)
    assert isinstance(record, SignalRecord)
    assert (record.label, record.matched) == (code, True)


@pytest.mark.parametrize("text", ["Πώς φτιάχνω ψωμί στο σπίτι;", "Καλημέρα! Τι ώρα είναι; \n"])
def test_a_greek_question_is_greek_and_no_statement_of_a_program(text: str) -> None:
    record = looked(text, "el")
    assert isinstance(record, SignalRecord)
    assert record.label == "el"


def test_at_least_sixty_languages_are_known() -> None:
    assert len(LANGUAGES) > 150
    assert set(TEXTS) <= LANGUAGES


def test_code_addresses_and_fences_do_not_make_a_text_english() -> None:
    text = (
        "Warum liefert diese Funktion immer den falschen Wert zurück?\n```python\ndef mean(values):\n"
        "    return sum(values) / len(values)  # this is the place where the result is wrong\n```\n"
        "Siehe https://example.com/why/is/this/happening/to/me"
    )
    record = looked(text, "de")
    assert isinstance(record, SignalRecord)
    assert (record.label, record.labels) == ("de", ("de",))


def test_a_mixed_text_names_its_languages_or_is_unknown() -> None:
    half = TEXTS["fr"] * 3 + "\n" + TEXTS["ru"] * 3
    assert looked(half, confidence=0.9) == Skipped("no language has enough of the text")
    record = looked(half, confidence=0.3)
    assert isinstance(record, SignalRecord)
    assert set(record.labels or ()) == {"fr", "ru"}


@pytest.mark.parametrize("text", ["ok", "hm", "12345", "asdf qwer", "👍", "a" * 5000, "+-*/"])
def test_what_is_too_little_to_tell_is_unknown(text: str) -> None:
    assert looked(text) == Skipped("too short or too mixed to tell a language")


def test_a_code_that_no_language_has_is_refused() -> None:
    spec = a_policy(signals=[{"name": "l", "language": {"is": ["en", "xx"]}}])
    (finding,) = check_policy("default/p", spec, {"default/small": a_pool()})
    assert finding.path == "spec.signals[0].language.is"
    assert finding.message.startswith("no language 'xx' can be told: the codes are aa, ab,")


def test_several_signals_read_a_text_once() -> None:
    view = seen(TEXTS["fr"])
    for codes in (["fr"], ["de"]):
        LanguageDetector("l", Language(is_=codes)).detect(view)
    assert list(view.shared()) == [("language", "LatestTurn")]


def test_a_rule_may_ask_for_the_language() -> None:
    signals = [{"name": "l", "language": {"is": ["de", "fr"]}}]
    rules = [{"name": "german", "when": 'signals.l.label == "de" && signals.l.score > 0.5', "use": "all"}]
    policy = compiled(a_policy(signals=signals, rules=rules), {"default/small": a_pool()})
    assert decide(policy, chat(TEXTS["de"])).record.rule == "german"
    assert decide(policy, chat(TEXTS["fr"])).record.rule == "default"


def test_the_spec_is_spelled_is_in_manifests() -> None:
    assert msgspec.json.encode(Language(is_=["fr"])) == b'{"is":["fr"]}'


@given(st.text(max_size=300))
def test_no_text_makes_it_fail(text: str) -> None:
    looked(text + "a")


@given(st.text(alphabet="\x00\x07\x0b\x7f\x85\ufdd0\ufffe\U0001ffff\U0010ffff aé中", max_size=60))
def test_no_control_character_makes_it_fail(text: str) -> None:
    looked(text + "a")


def test_a_reject_rule_on_what_no_retry_would_tell_says_so_and_asks_for_none() -> None:
    policy = a_policy(
        signals=[{"name": "tongue", "language": {"is": ["fr"]}}],
        rules=[{"name": "no", "when": "signals.tongue.matched", "reject": {"message": "Non."}}],
    )
    answer = decide(compiled(policy, {"default/small": a_pool()}), chat("ok"))
    said = msgspec.json.decode(answer.body)["error"]
    assert (answer.status, said["code"]) == (503, "rule_undecidable")
    assert "tongue (too short or too mixed to tell a language)" in said["message"]
    assert "retry-after" not in dict(answer.headers)
