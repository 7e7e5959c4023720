"""Personal data: what passes its check is found, what only looks alike is not, in linear time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.personal import CARD, EMAIL, IBAN, PHONE, SSN, find


def kinds(text: str) -> list[tuple[str, str]]:
    return [(found.kind, found.value.decode()) for found in find(text.encode())]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("pan=4111111111111111&x", CARD, "4111111111111111"),
        ("card 4111 1111 1111 1111.", CARD, "4111111111111111"),
        ('"5500-0000-0000-0004"', CARD, "5500000000000004"),
        ("378282246310005", CARD, "378282246310005"),
        ("6011111111111117,", CARD, "6011111111111117"),
        ("IBAN DE89370400440532013000", IBAN, "DE89370400440532013000"),
        ("DE89 3704 0044 0532 0130 00 THANK YOU", IBAN, "DE89370400440532013000"),
        ("GB82WEST12345698765432;", IBAN, "GB82WEST12345698765432"),
        ("ssn: 219-09-9998", SSN, "219099998"),
        ("<jane.doe@vendor.example>", EMAIL, "jane.doe@vendor.example"),
        ("+1-415-231-2671", PHONE, "14152312671"),
        ("(415) 231-2671", PHONE, "14152312671"),
        ("+44 20 7946 0958", PHONE, "442079460958"),
    ],
)
def test_is_found(text: str, kind: str, value: str) -> None:
    assert (kind, value) in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "order 4111111111111112",  # fails Luhn
        "0000000000000000 4444444444444444",  # passes it, all one digit
        "1234567890123452",  # passes it, no scheme begins so
        "94111111111111111 41111111111111111",  # part of longer numbers
        "v4.4111111111111111 id_4111111111111111 4111111111111111.5",
        "DE88370400440532013000",  # wrong check digits
        "ZZ89370400440532013000",  # no such country
        "XDE89370400440532013000",
        "000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000",  # never issued
        "2025-11-25 1219-09-9998 219-09-99981",
        "user@localhost a..b@vendor.example git@",
        "12:34:56 1-2-3 +12 1.2.3.4 192.0.2.10",
    ],
)
def test_is_not_found(text: str) -> None:
    assert kinds(text) == []


@given(st.binary(max_size=400))
@settings(max_examples=60)
def test_any_bytes_do_no_harm(data: bytes) -> None:
    for found in find(data):
        assert 0 <= found.start < found.stop <= len(data)
        assert found.value


@pytest.mark.parametrize(
    "unit", [b"4", b"4 ", b"1-", b"a.", b"a@", b"a@a.", b"DE89 ", b"A1B2 ", b"+1 ", b"(415) ", b"%"]
)
def test_time_is_linear(unit: bytes) -> None:
    def cost(size: int) -> float:
        data = unit * (size // len(unit))
        began = time.process_time()
        list(find(data))
        return time.process_time() - began

    assert cost(64 << 10) < 1.0 + 64 * cost(8 << 10)
