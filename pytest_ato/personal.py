"""Personal data in text: what it looks like, and which of it passes its own check.

Owns the patterns and the checks, for whoever finds or hides it; keeps nothing. Every pattern is
bounded and has one way to match, so that hostile text costs time in proportion to its length.
python-stdnum and phonenumbers are loaded when something looks like one of theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

CARD: Final = "card"
IBAN: Final = "iban"
SSN: Final = "ssn"
EMAIL: Final = "e-mail"
PHONE: Final = "phone"

_CARD: Final = re.compile(
    rb"(?<![0-9A-Za-z_.-])[0-9](?:[ -]?[0-9]){13,15}(?![0-9A-Za-z_]|[.-][0-9])"
)
_BRANDS: Final = re.compile(
    rb"4[0-9]{15}|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}|"
    rb"3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}|"
    rb"35(?:2[89]|[3-8][0-9])[0-9]{12}"
)
"""Lengths and beginnings that card schemes use (ISO/IEC 7812): one number in ten passes the check
digit by chance, one in fifty this as well."""
_IBAN: Final = re.compile(
    rb"(?<![0-9A-Za-z])[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,3})?(?![0-9A-Za-z])"
)
_SSN: Final = re.compile(rb"(?<![0-9A-Za-z_.+-])[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}(?![0-9A-Za-z_-])")
_EMAIL: Final = re.compile(
    rb"(?<![0-9A-Za-z._%+-])[0-9A-Za-z_%+-](?:[0-9A-Za-z._%+-]{0,62}[0-9A-Za-z_%+-])?"
    rb"@(?:[0-9A-Za-z-]{1,63}\.){1,5}[A-Za-z]{2,24}(?![0-9A-Za-z-])"
)
_PHONE: Final = re.compile(
    rb"(?<![0-9A-Za-z.+-])(?:\+[1-9][0-9]{0,2}(?:[ .()-]{0,2}[0-9]){6,12}|"
    rb"(?:\([0-9]{3}\) ?|[0-9]{3}[-.])[0-9]{3}[-.][0-9]{4})(?![0-9A-Za-z-])"
)
LONGEST: Final = 300
"""Bytes that no value is longer than; what is searched in pieces overlaps by as much."""


@dataclass(frozen=True, slots=True)
class Personal:
    """One value, at bytes `start` to `stop` of what was searched."""

    kind: str
    start: int
    stop: int
    value: bytes
    """Without separators."""


def find(
    data: bytes, kinds: frozenset[str] = frozenset({CARD, IBAN, SSN, EMAIL, PHONE})
) -> Iterator[Personal]:
    """Yield the values in `data` that pass their checks; those of different kinds may overlap."""
    for kind, (pattern, check) in _KINDS.items():
        if kind not in kinds or not _may_hold(kind, data):
            continue
        for match in pattern.finditer(data):
            found = check(match.group())
            if found:
                stop = match.start() + found[1]
                yield Personal(kind, match.start(), stop, found[0])


def _may_hold(kind: str, data: bytes) -> bool:
    return kind != EMAIL or b"@" in data


_Check = Callable[[bytes], tuple[bytes, int] | None]
"""Gives a value without separators and how many bytes of the text it takes, or None."""


def _card(text: bytes) -> tuple[bytes, int] | None:
    digits = text.replace(b" ", b"").replace(b"-", b"")
    # The check digit of a number of equal digits is right more often than not: 0000..., 4444....
    if len(set(digits)) < 2 or not _BRANDS.fullmatch(digits):
        return None
    from stdnum import luhn

    return (digits, len(text)) if luhn.is_valid(digits.decode()) else None


def _iban(text: bytes) -> tuple[bytes, int] | None:
    from stdnum import iban

    while text:  # words in capitals may follow: give back what a space separates
        compact = text.replace(b" ", b"")
        if len(compact) >= 15 and iban.is_valid(compact.decode()):
            return compact, len(text)
        text = text.rpartition(b" ")[0]
    return None


def _ssn(text: bytes) -> tuple[bytes, int] | None:
    from stdnum.us import ssn

    digits = text.replace(b"-", b"")
    if len(set(digits)) < 2 or not ssn.is_valid(text.decode()):
        return None
    return digits, len(text)


def _email(text: bytes) -> tuple[bytes, int] | None:
    return (text.lower(), len(text)) if b".." not in text else None


def _phone(text: bytes) -> tuple[bytes, int] | None:
    import phonenumbers

    try:
        number = phonenumbers.parse(text.decode(), "US")  # the default for numbers without a "+"
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return f"{number.country_code}{number.national_number}".encode(), len(text)


_KINDS: Final[dict[str, tuple[re.Pattern[bytes], _Check]]] = {
    CARD: (_CARD, _card),
    IBAN: (_IBAN, _iban),
    SSN: (_SSN, _ssn),
    EMAIL: (_EMAIL, _email),
    PHONE: (_PHONE, _phone),
}
