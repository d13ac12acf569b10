"""Personal data: what is found, what is not, and that no text of it is kept."""

from __future__ import annotations

import json
import re
import time
from random import Random
from typing import Any

import msgspec
import pytest
from builders import Seen, a_policy, a_pool, chat, compiled, decide, seen
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay_api.signal import Pii
from forebay_decision.record import SignalRecord
from forebay_decision.signals.pii import PiiDetector
from forebay_decision.signals.pii.secret import FORMS, find_secrets
from forebay_decision.signals.regex import PatternError
from forebay_decision.signals.scan import Looked, Scan
from forebay_decision.work import Skipped

ALL = (
    *("CreditCard", "IBAN", "Email", "Phone", "IPAddress", "NationalID", "Secret", "CryptoAddress"),
    "URLCredentials",
)


def counted(text: str, *entities: str, **fields: Any) -> dict[str, int]:
    """Entities found in a text, those that were not left out."""
    record = looked(seen(text), *entities, **fields)
    assert isinstance(record, SignalRecord)
    return {entity: count for entity, count in (record.counts or {}).items() if count}


def looked(view: Seen, *entities: str, **fields: Any) -> SignalRecord | Skipped:
    detector = PiiDetector("p", msgspec.convert({"entities": list(entities or ALL), **fields}, Pii))
    prepared = detector.prepare(view)
    return detector.detect(
        view, prepared.run() if prepared is not None and not isinstance(prepared, Skipped) else prepared
    )


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("card 4111111111111111 please", "CreditCard"),
        ("4111-1111-1111-1111", "CreditCard"),
        ("4111 1111 1111 1111 exp 12/29", "CreditCard"),
        ("Amex 3782 822463 10005", "CreditCard"),
        ("卡号4111111111111111。", "CreditCard"),
        ("４１１１ １１１１ １１１１ １１１１", "CreditCard"),
        ("4111\u00a01111\u00a01111\u00a01111", "CreditCard"),
        ("IBAN: DE89 3704 0044 0532 0130 00", "IBAN"),
        ("pay gb29nwbk60161331926819 today", "IBAN"),
        ("NO93 8601 1117 947 is mine", "IBAN"),
        ("mail ada.lovelace+x@mail.example.co.uk now", "Email"),
        ("<mailto:ada@example.com>", "Email"),
        ("email=ada@example.org&x=1", "Email"),
        ("用户@例子.广告", "Email"),
        ("call 415-555-0132 tomorrow", "Phone"),
        ("(415) 555-0132", "Phone"),
        ("+44 20 7946 0958", "Phone"),
        ("+49 (0)30 901820", "Phone"),
        ("06.12.34.56.78", "Phone"),
        ("Telefon: 030 901820", "Phone"),
        ("手机 13800138000", "Phone"),
        ("ring me on 7946 0958.", "Phone"),
        ("345-899-3560x4587", "Phone"),
        ("host 203.0.113.7:8080", "IPAddress"),
        ("at 2001:db8::8a2e:370:7334.", "IPAddress"),
        ("fe80::1ff:fe23:4567:890a", "IPAddress"),
        ("SSN 536-90-4399", "NationalID"),
        ("my social security number is 536904399", "NationalID"),
        ("DNI 12345678Z", "NationalID"),
        ("codice fiscale RSSMRA85T10A562S", "NationalID"),
        ("CPF 390.533.447-05", "NationalID"),
        ("NINO AB 12 34 56 C", "NationalID"),
        ("PESEL 44051401359", "NationalID"),
        ("NIR 2 95 10 99 126 111 93", "NationalID"),
        ("身份证 11010519491231002X", "NationalID"),
        ("personnummer 880320-0016", "NationalID"),
        ("AKIAIOSFODNN7RT3QXZ2", "Secret"),
        ("token ghp_16C7e42F292c6912E7710c838347Ae178B4a", "Secret"),
        ("sk-ant-api03-Zm9vYmFyYmF6cXV4MTIzNDU2", "Secret"),
        ("sk-proj-Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA", "Secret"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow", "Secret"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N", "Secret"),
        ('password: "Tr0ub4dor&3"', "Secret"),
        ("DB_PASSWORD=hunter2!9x", "Secret"),
        ("Authorization: Bearer 3f9aC0ffee77zz10Qp", "Secret"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "CryptoAddress"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "CryptoAddress"),
        ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "CryptoAddress"),
        ("0x52908400098527886E0F7030069857D2E4169EE7", "CryptoAddress"),
        ("rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh", "CryptoAddress"),
        ("postgres://app:s3cr3t@db.internal:5432/x", "URLCredentials"),
        ("https://ada:lovelace@example.com/", "URLCredentials"),
    ],
)
def test_an_entity_is_found_and_nothing_else(text: str, entity: str) -> None:
    assert counted(text) == {entity: 1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4111111111111112",  # Luhn
        "9111111111111111",  # no issuer
        "0.4111111111111111",
        "x4111111111111111",
        "123e4567-e89b-12d3-a456-426614174000",
        "GB29 NWBK 6016 1331 9268 18",  # a digit short
        "DE89 3704 0044 0532 0130 01",
        "ZZ89370400440532013000",
        "an @mention, a@b, user@localhost",
        "icon@2x.png and react@18.2.0",
        "on 2024-11-25 at 12:34:56",
        "from 1998-2004 to 2010-2020",
        "12.345.678,90 or 3.14159265358",
        "1000000000 users and 123456789 rows",
        "at 17151 2450 Crown St",
        "version 1.2.3.4",
        "127.0.0.1 and ::1 and 0.0.0.0",
        "std::vector, a::b, dead::beef, b[::2]",
        "MAC 00:1A:2B:3C:4D:5E",
        "1:8:28:56:70:56:28:8",
        "000-12-3456 and 666-12-3456",
        "12345678A",  # letter of the DNI
        "390.533.447-06",
        "order 536904399",
        "password: ${DB_PASSWORD}",
        "password = get_password()",
        "api_key: your-api-key-here",
        "token: per_token",
        "the password is incorrect",
        "AKIAIOSFODNN7EXAMPLE",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
        "0x52908400098527886E0F7030069857D2E4169EE",
        "http://example.com:8080/a@b",
        "https://${USER}:${PASSWORD}@example.com",
        "\u202e\u200f\u0000\ufffd",
        "😀",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert counted(text) == {}


def test_a_card_is_no_phone_number_whoever_asks_for_phones() -> None:
    assert counted("call about card 4111 1111 1111 1111", "Phone") == {}
    assert counted("my phone: 536-90-4399", "Phone") == {}


def test_every_entity_that_was_asked_for_has_a_count() -> None:
    record = looked(seen("ada@example.com, bob@example.com, 203.0.113.7"), "CreditCard", "IPAddress", "Email")
    assert isinstance(record, SignalRecord)
    assert record.counts == {"CreditCard": 0, "IPAddress": 1, "Email": 2}
    assert (record.matched, record.label, record.labels) == (True, "IPAddress", ("IPAddress", "Email"))


def test_least_says_how_many_findings_count() -> None:
    text = "ada@example.com and bob@example.com"
    for least, matched in ((2, True), (3, False)):
        record = looked(seen(text), "Email", least=least)
        assert isinstance(record, SignalRecord)
        assert record.matched is matched


def test_only_the_countries_that_are_named_count() -> None:
    text = "DNI 12345678Z, SSN 536-90-4399"
    assert counted(text, "NationalID") == {"NationalID": 2}
    assert counted(text, "NationalID", countries=["ES"]) == {"NationalID": 1}


def test_a_country_without_known_numbers_is_refused_with_the_known_ones() -> None:
    with pytest.raises(PatternError, match="no national id of 'XX' is known: the countries are AR, AT"):
        PiiDetector("p", Pii(entities=["NationalID"], countries=["XX"]))


def test_all_text_is_read_unless_the_policy_says_otherwise() -> None:
    turns = ({"role": "system", "content": "Ada is ada@example.com"}, "hello")
    for scope, matched in (("Conversation", True), ("LatestTurn", False)):
        record = looked(seen(*turns), "Email", scope=scope)
        assert isinstance(record, SignalRecord)
        assert record.matched is matched


@pytest.mark.parametrize("offset", [16_384 - 20, 16_384 - 8, 16_384, 65_536 + 3])
def test_an_entity_at_the_edge_of_a_chunk_is_counted_once(offset: int) -> None:
    text = "x " * (offset // 2) + "DE89 3704 0044 0532 0130 00" + " x" * 40_000
    assert counted(text) == {"IBAN": 1}


def test_a_long_text_is_a_work_and_one_that_cannot_be_done_in_time_is_skipped() -> None:
    view = seen("a" * 400_000)
    detector = PiiDetector("p", Pii(entities=["CreditCard"]))
    assert isinstance(detector.prepare(view), Scan)
    view.seconds = 0.001
    assert detector.prepare(view) == Skipped("deadline")


@pytest.mark.parametrize("text", ["4111 1111 1111 1111 " * 200, "١٢٣٤ " * 400, "a@b." * 1000])
def test_a_text_of_numbers_and_signs_leaves_the_event_loop_to_others_before_prose_does(text: str) -> None:
    detector = PiiDetector("p", Pii(entities=["Phone"]))
    assert isinstance(detector.prepare(seen(text)), Scan)
    assert detector.prepare(seen(text[:500])) is None
    assert detector.prepare(seen("Which of the three suppliers was late, and why? " * 80)) is None
    hurried = seen(text)
    hurried.seconds = 0.003
    assert isinstance(detector.prepare(hurried), Scan), "there is time to begin"


def test_prose_of_some_chunks_is_looked_at_on_the_spot_and_once() -> None:
    view = seen("Which of the three suppliers was late and why " * 400)
    detector = PiiDetector("p", Pii(entities=["Email"]))
    planned = detector.prepare(view)
    assert isinstance(planned, Looked)
    assert planned.inline
    assert isinstance(record := detector.detect(view, planned.run()), SignalRecord)
    assert record.matched is False


def test_words_that_are_nearly_addresses_leave_the_event_loop_to_others_once_they_turn_out_to_be_slow() -> None:
    """Each is a candidate for a check that costs microseconds, and looks like a word."""
    view = seen(("T" * 34 + " ") * 900 + "mail a@example.com")
    view.seconds = 60.0
    detector = PiiDetector("p", Pii(entities=["CryptoAddress", "Email"]))
    began = time.thread_time()
    planned = detector.prepare(view)
    assert time.thread_time() - began < 0.02, "a chunk of 8 kB at most, where all takes 10 ms"
    assert isinstance(planned, Scan)
    record = detector.detect(view, planned.run())
    assert isinstance(record, SignalRecord)
    assert record.counts["Email"] == 1


@pytest.mark.parametrize("dense", ["DE44 ", "4111 1111 1111 1112 ", "1.2.3.4 "])
def test_the_deadline_ends_dense_text_within_a_few_milliseconds(dense: str) -> None:
    """The thread that it runs on is the encoder's: what goes on beyond the deadline, others wait for."""
    text = dense * (32_000 // len(dense))
    detector = PiiDetector("p", Pii(entities=["IBAN", "CreditCard", "IPAddress", "Phone"]))
    steps = detector._steps(seen(text))
    longest = 0.0
    for _ in range(6):
        began = time.thread_time()
        next(steps)
        longest = max(longest, time.thread_time() - began)
    assert longest < 0.04, "some 5 ms; a chunk of 16 kB took 50"


def test_a_text_made_of_the_beginnings_of_keys_takes_no_longer_than_others() -> None:
    """An automaton of all forms at once took seconds for it."""
    parts = ["sk-", "ghp_", "eyJ", "AKIA", "xoxb-", "hf_", "glc_", "pypi-AgE", "SG.", "hvs.", "ops_eyJ", "A1b2C3d4E5"]
    random = Random(1)
    texts = ["".join(random.choices(parts, k=2000)) for _ in range(4)]
    began = time.process_time()
    for text in texts:
        looked(seen(text), "Secret")
    assert time.process_time() - began < 2.0, "for 4 texts of 8 kB"


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_key_is_found(form: str) -> None:
    printable = st.characters(min_codepoint=33, max_codepoint=126)

    @settings(max_examples=2)
    @given(st.from_regex(re.compile(form, re.ASCII), fullmatch=True, alphabet=printable | st.just(" ")))
    def found(key: str) -> None:
        if not re.search("your|example|placeholder|changeme|change[_-]me|insert|dummy|redact|mask|hidden|sample", key):
            assert (4, 4 + len(key)) in set(find_secrets(f"key {key} .".encode()))

    found()


def test_a_key_longer_than_its_form_is_none() -> None:
    assert not list(find_secrets(b"sk-" + b"a1B2" * 70))
    assert list(find_secrets(b"sk-" + b"a1B2" * 60))


def test_the_record_counts_and_keeps_no_text() -> None:
    secrets = [
        "4111111111111111",
        "ada@example.com",
        "536-90-4399",
        "+44 20 7946 0958",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    ]
    record = looked(seen(" ; ".join(secrets)))
    written = json.dumps(msgspec.to_builtins(record))
    assert isinstance(record, SignalRecord)
    assert record.counts is not None
    assert sum(record.counts.values()) == len(secrets)
    assert not any(secret in written for secret in secrets)


def test_rules_ask_for_counts_and_labels() -> None:
    signals = [{"name": "p", "pii": {"entities": ["Email", "Phone"]}}]
    rules = [{"name": "many", "when": 'signals.p.counts["Email"] > 1 && !("Phone" in signals.p.labels)', "use": "all"}]
    policy = compiled(a_policy(signals=signals, rules=rules), {"default/small": a_pool()})
    assert decide(policy, chat("a@example.com b@example.com")).record.rule == "many"
    assert decide(policy, chat("a@example.com")).record.rule == "default"


def test_in_a_text_that_was_cut_what_was_not_found_is_open() -> None:
    signals = [{"name": "p", "pii": {"entities": ["Email", "CreditCard"]}}]
    rules = [{"name": "card", "when": 'signals.p.counts["CreditCard"] > 0', "constrain": {"boundary": "Private"}}]
    policy = compiled(
        a_policy(signals=signals, rules=rules), {"default/small": a_pool({"name": "m", "contextTokens": 10_000_000})}
    )
    text = "ada@example.com " + "a" * 600_000 + " 4111111111111111 " + "a" * 600_000
    record = decide(policy, chat(text)).record
    assert record.signals["p"].matched
    assert record.constraints == {"boundary": "Private"}


@given(st.text(max_size=400))
def test_no_text_makes_it_fail(text: str) -> None:
    record = looked(seen(text + "a"))
    assert isinstance(record, SignalRecord)
    assert record.matched is bool(sum((record.counts or {}).values()))


DENSE = "0123456789 .-:/()+@abcdefxXyZ\n$=_é\u00a0"


@given(st.text(alphabet=DENSE, max_size=300))
def test_no_jumble_of_digits_and_signs_makes_it_fail(text: str) -> None:
    looked(seen(text + "a"))
