"""Quantities mean what they say, for every text their patterns let through."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay_api.quantities import (
    BODY_SIZE_PATTERN,
    BYTES_PATTERN,
    DURATION_PATTERN,
    MONEY_PATTERN,
    byte_count,
    duration_seconds,
    money,
)

UNITS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
SCALES = {"": 1, "Ki": 1024, "Mi": 1024**2, "Gi": 1024**3}


@given(st.lists(st.tuples(st.integers(0, 99_999), st.sampled_from(sorted(UNITS))), min_size=1, max_size=4))
def test_a_duration_is_the_sum_of_its_parts(parts: list[tuple[int, str]]) -> None:
    text = "".join(f"{number}{unit}" for number, unit in parts)

    assert re.search(DURATION_PATTERN, text)
    assert duration_seconds(text) == pytest.approx(sum(number * UNITS[unit] for number, unit in parts) / 1000)


@pytest.mark.parametrize("text", ["", "5", "1.5s", "-1s", "1d", "1 s", "123456s", "1s1s1s1s1s", "s"])
def test_what_is_no_gateway_api_duration_does_not_match(text: str) -> None:
    assert not re.search(DURATION_PATTERN, text)


@given(st.integers(0, 10**12 - 1), st.sampled_from(sorted(SCALES)))
def test_a_size_is_its_number_times_its_unit(number: int, unit: str) -> None:
    assert re.search(BYTES_PATTERN, f"{number}{unit}")
    assert byte_count(f"{number}{unit}") == number * SCALES[unit]


@given(st.from_regex(re.compile(BODY_SIZE_PATTERN, re.ASCII), fullmatch=True).map(lambda text: text.strip("\n")))
def test_a_body_size_is_between_a_byte_and_64_mebibytes(text: str) -> None:
    assert 1 <= byte_count(text) <= 64 * 1024**2


@pytest.mark.parametrize("text", ["0", "0Mi", "65Mi", "1Gi", "99999999", "10000Ki", "08Mi", "8M", "8MB", ""])
def test_what_is_no_body_size_does_not_match(text: str) -> None:
    assert not re.search(BODY_SIZE_PATTERN, text)


@given(st.decimals(0, 999_999_999, places=9))
def test_money_is_exact(amount: Decimal) -> None:
    assert re.search(MONEY_PATTERN, f"{amount:f}")
    assert money(f"{amount:f}") == amount


@pytest.mark.parametrize("text", ["-1", "1e3", ".5", "1.", "1,5", "$1", "NaN", "1234567890", "0.0000000001"])
def test_what_is_no_money_does_not_match(text: str) -> None:
    assert not re.search(MONEY_PATTERN, text)
