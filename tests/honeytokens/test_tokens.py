"""Token formats, each checked by the arithmetic that its issuer published."""

from __future__ import annotations

import random
import secrets
import zlib
from collections.abc import Callable

import pytest

from pytest_ato.honeytokens import documents, draw, tokens

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def checksum_holds(token: str) -> bool:
    """CRC-32 of the 30 random characters, in base62, is the last six."""
    random_part, digits = token[4:34], token[34:]
    number = 0
    for digit in digits:
        number = number * 62 + ALPHABET.index(digit)
    return len(token) == 40 and zlib.crc32(random_part.encode()) == number


@pytest.mark.parametrize(
    ("make", "prefix"), [(tokens.github_token, "ghp_"), (tokens.npm_token, "npm_")]
)
def test_checksums(make: Callable[[draw.Entropy], str], prefix: str) -> None:
    for _ in range(500):
        token = make(secrets.token_bytes)
        assert token.startswith(prefix)
        assert checksum_holds(token)


def test_the_checksum_test_itself_accepts_only_a_real_token() -> None:
    # Published by GitHub as a revoked specimen of the format.
    specimen = "ghp_" + "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ" + "0mLq17"
    assert checksum_holds(specimen)
    assert not checksum_holds(specimen[:-1] + "8")


def luhn(number: str) -> int:
    total = 0
    for place, digit in enumerate(map(int, reversed(number))):
        double = digit * 2 if place % 2 else digit
        total += double - 9 if double > 9 else double
    return total % 10


def test_people_numbers_pass_their_checks() -> None:
    for _ in range(500):
        card = documents.card_number(secrets.token_bytes)
        assert len(card) == 16
        assert card[0] == "4"
        assert luhn(card) == 0
        iban = documents.iban(secrets.token_bytes)
        assert len(iban) == 22
        moved = iban[4:] + iban[:4]
        assert int("".join(str(int(char, 36)) for char in moved)) % 97 == 1
        area, group, serial = map(int, documents.ssn(secrets.token_bytes).split("-"))
        assert 0 < area < 900
        assert area != 666
        assert group
        assert serial


def test_known_number_passes_the_luhn_used_here() -> None:
    assert luhn("79927398713") == 0
    assert luhn("79927398710") != 0


def test_letters_are_unbiased() -> None:
    source = random.Random(1)
    drawn = draw.letters(source.randbytes, 62_000)
    counts = [drawn.count(letter) for letter in ALPHABET]
    # 1000 expected each, standard deviation 32; a plain modulo gives eight letters 1211.
    assert max(counts) < 1150
    assert min(counts) > 850


def test_letters_survive_a_source_that_is_refused_at_first() -> None:
    answers = iter([b"\xff" * 40, b"\x00" * 40])
    assert draw.letters(lambda _: next(answers), 10) == "0" * 10


def test_uuid_version_and_variant() -> None:
    for _ in range(100):
        text = draw.uuid4(secrets.token_bytes)
        assert (text[14], text[19] in "89ab", len(text)) == ("4", True, 36)
