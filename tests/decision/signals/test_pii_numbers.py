"""Numbers with check digits: none is taken whose check fails; phones are known as libphonenumber knows them."""

from __future__ import annotations

import random
import re
from importlib import import_module

import phonenumbers
import pytest

from forebay_decision.signals.pii.card import find_cards, is_card, luhn
from forebay_decision.signals.pii.iban import LENGTHS, find_ibans
from forebay_decision.signals.pii.national import COUNTRIES, NUMBERS, NationalNumbers
from forebay_decision.signals.pii.phone import CALLING_CODES, find_phones

TRIES = 10_000


def digits(rng: random.Random, length: int) -> str:
    return "".join(rng.choices("0123456789", k=length))


def test_no_random_digits_that_fail_luhn_are_a_card() -> None:
    rng = random.Random(1)
    tried = 0
    while tried < TRIES:
        number = rng.choice(["4", "51", "37", "6011", "35", "62", ""]) + digits(rng, rng.randint(10, 15))
        if not 12 <= len(number) <= 19 or luhn(number.encode()):
            continue
        tried += 1
        assert list(find_cards(f"card {number}.".encode())) == []


def test_issuers_and_lengths_are_told_apart() -> None:
    good = ("4111111111111111", "4222222222222", "5555555555554444", "2223003122003222", "378282246310005")
    more = (
        "6011111111111117",
        "30569309025904",
        "3530111333300000",
        "6200000000000005",
        "6304000000000000",
        "2200000000000004",
    )
    bad = ("5555555555554", "37828224631000", "1111111111111117", "0000000000000000", "411111111111111")
    assert [number for number in (*good, *more) if not is_card(number.encode())] == []
    assert [number for number in bad if is_card(number.encode())] == []


def test_no_random_iban_that_fails_mod_97_is_taken() -> None:
    rng = random.Random(2)
    countries = sorted(LENGTHS)
    tried = 0
    while tried < TRIES:
        country = rng.choice(countries)
        number = country + digits(rng, LENGTHS[country] - 2)
        if int("".join(str(int(letter, 36)) for letter in number[4:] + number[:4])) % 97 == 1:
            continue
        tried += 1
        assert list(find_ibans(number.encode())) == []


def test_lengths_of_ibans_are_those_of_the_registry() -> None:
    registry = import_module("stdnum.iban")
    known = {country: value for country in LENGTHS if (value := _length(registry, country))}
    assert {country: LENGTHS[country] for country in known} == known


def _length(registry: object, country: str) -> int:
    info = registry._ibandb.info(country)[0][1]  # type: ignore[attr-defined]
    sizes = re.findall(r"(\d+)!?[nac]", info.get("bban", ""))
    return 4 + sum(map(int, sizes)) if sizes else 0


@pytest.mark.parametrize("country", COUNTRIES)
def test_no_random_number_whose_check_fails_is_a_national_id(country: str) -> None:
    rng = random.Random(3)
    find = NationalNumbers([country])
    kinds = [number for number in NUMBERS if number.country == country]
    checks = [import_module(f"stdnum.{number.module}").is_valid for number in kinds if number.module]
    pictures = [(number, picture) for number in kinds for picture in (*number.pictures, *number.plain) if number.module]
    if not pictures:
        return
    tried = 0
    for _ in range(4 * TRIES):
        number, picture = rng.choice(pictures)
        written = re.sub("9", lambda _: rng.choice("0123456789"), picture)
        written = re.sub("A", lambda _: rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), written)
        if any(check(written) for check in checks):
            continue
        tried += 1
        word = number.words[0] if number.words else "id"
        found = [f"{word} {written}".encode()[start:end] for start, end in find(f"{word} {written}".encode())]
        assert [piece for piece in found if len(piece) == len(written)] == []
        if tried == TRIES // len(COUNTRIES):
            return


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: f"{number.country}-{number.module}")
def test_every_kind_of_national_id_finds_a_number_that_its_module_takes(number: object) -> None:
    rng = random.Random(4)
    module, country = number.module, number.country  # type: ignore[attr-defined]
    if not module:
        return
    check = import_module(f"stdnum.{module}").is_valid
    find = NationalNumbers([country])
    for picture in (*number.pictures, *number.plain):  # type: ignore[attr-defined]
        written = _valid(rng, picture, check)
        if written is None:
            continue
        text = f"{(number.words or ('id',))[0]}: {written} is mine".encode()  # type: ignore[attr-defined]
        assert [text[start:end].decode() for start, end in find(text)] == [written]


def _valid(rng: random.Random, picture: str, check: object) -> str | None:
    """A number of this picture that passes, by trying; None where that takes too long."""
    for _ in range(20_000):
        written = re.sub("9", lambda _: rng.choice("0123456789"), picture)
        written = re.sub("A", lambda _: rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), written)
        try:
            if check(written):  # type: ignore[operator]
                return written
        except KeyError:
            pass  # python-stdnum's cn.ric, for provinces that do not exist
    return None


def test_calling_codes_are_those_of_libphonenumber() -> None:
    assert {str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE} - CALLING_CODES == set()


@pytest.mark.parametrize("kind", [phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE])
def test_example_numbers_of_every_country_are_found(kind: int) -> None:
    missed = []
    for region in phonenumbers.SUPPORTED_REGIONS:
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None:
            continue
        abroad = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
        compact = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        home = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
        texts = [f"Reach them at {abroad}.", f"It is {compact}, ok?"]
        if sum(map(str.isdigit, home)) >= 7:
            texts.append(f"Phone: {home}\n")
        missed += [text for text in texts if len(list(find_phones(text.encode()))) != 1]
    assert missed == []
