"""Addresses of crypto-currencies whose own check sums are right.

Base58Check (Bitcoin, Litecoin, Dogecoin, Dash, Tron, Ripple), Bech32 and Bech32m (BIP 173, BIP 350: Bitcoin, Litecoin,
Cardano, Cosmos), and Ethereum's 40 hexadecimal digits, whose mixed case is a check sum (EIP-55) that is not looked at:
`0x` before exactly 40 digits is sign enough.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Final

from forebay_decision.signals.pii.finding import touches_word
from forebay_decision.signals.regex import compile_linear

_WRITTEN: Final = compile_linear(
    r"((?i:bc|tb|bcrt|ltc|tltc|addr|stake|cosmos|osmo|celestia|inj)1(?i:[02-9ac-hj-np-z]{11,100}))"
    r"|[13LMDAX9tTmn2r][1-9A-HJ-NP-Za-km-z]{25,}"
)
"""Bech32 as a group, else Base58Check."""
_ETHEREUM: Final = re.compile(rb"0x(?<!\w0x)[0-9a-fA-F]{40}(?!\w)")
_ALPHABET: Final = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE: Final = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_VERSIONS: Final = frozenset({0x00, 0x05, 0x6F, 0xC4, 0x30, 0x32, 0x3A, 0x1E, 0x16, 0x4C, 0x10, 0x41})
"""First bytes of addresses: Bitcoin (main and test), Litecoin, Dogecoin, Dash, Tron."""
_LENGTHS: Final = range(26, 36)
_CHARSET: Final = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32_SUMS: Final = frozenset({1, 0x2BC830A3})


def find_crypto_addresses(text: bytes) -> Iterator[tuple[int, int]]:
    for match in _WRITTEN.finditer(text):
        start, end = match.span()
        is_valid = _base58 if match[1] is None else _bech32
        if not touches_word(text, start, end) and is_valid(text[start:end]):
            yield start, end
    if b"0x" in text:
        yield from (match.span() for match in _ETHEREUM.finditer(text))


def _base58(written: bytes) -> bool:
    if len(written) not in _LENGTHS:
        return False
    ripple = written.startswith(b"r")
    alphabet = _RIPPLE if ripple else _ALPHABET
    number = 0
    for letter in written:
        number = number * 58 + alphabet.find(letter)
    try:
        payload = number.to_bytes(25, "big")
    except OverflowError:
        return False
    digest = hashlib.sha256(hashlib.sha256(payload[:21]).digest()).digest()
    return digest[:4] == payload[21:] and (ripple or payload[0] in _VERSIONS)


def _bech32(written: bytes) -> bool:
    if written != written.lower() and written != written.upper():
        return False
    prefix, _, data = written.lower().rpartition(b"1")
    values = [_CHARSET.find(letter) for letter in data]
    if not prefix or -1 in values:
        return False
    return _polymod([*(b >> 5 for b in prefix), 0, *(b & 31 for b in prefix), *values]) in _BECH32_SUMS


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            if top >> bit & 1:
                check ^= generator
    return check
