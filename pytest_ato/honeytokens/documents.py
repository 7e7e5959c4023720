"""The customer list: personal data whose numbers pass their own check digits.

Owns the CSV and the number formats. The people do not exist.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Final

from pytest_ato.honeytokens.carrier import FileCarrier
from pytest_ato.honeytokens.draw import DIGITS, Entropy, between, letters, pick
from pytest_ato.honeytokens.scene import FIRST_NAMES, LAST_NAMES, Scene, invent_name

ROWS: Final = 8

_COLUMNS: Final = (
    "customer_id", "first_name", "last_name", "email", "phone", "date_of_birth", "ssn",
    "card_number", "card_expiry", "iban",
)  # fmt: skip


def customer_list(scene: Scene) -> FileCarrier:
    """An export of customers; its marker is every card number and IBAN in it, one a line."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    numbers: list[str] = []
    customer = between(scene.entropy, 10_000, 90_000)
    for _ in range(ROWS):
        customer += between(scene.entropy, 1, 40)
        card, account = card_number(scene.entropy), iban(scene.entropy)
        numbers += (card, account)
        rows.writerow((customer, *_person(scene), card, _expiry(scene), account))
    saved = scene.past(10, 120)
    day = datetime.fromtimestamp(saved, UTC).strftime("%Y-%m-%d")
    return FileCarrier(
        name="customer_list",
        family="pii",
        path=f"Documents/customers_{day}.csv",
        content=text.getvalue().encode(),
        markers={"customer_list": "\n".join(numbers)},
        mtime=saved,
        mode=0o644,
    )


def card_number(entropy: Entropy) -> str:
    """A Visa number of 16 digits that passes the Luhn check (ISO/IEC 7812-1)."""
    body = "4" + letters(entropy, 14, DIGITS)
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in body[::2])
    rest = sum(int(digit) for digit in body[1::2])
    return body + str(-(doubled + rest) % 10)


def iban(entropy: Entropy) -> str:
    """A German IBAN: check digits modulo 97 (ISO 13616), bank code, account number."""
    bank = str(between(entropy, 1, 8)) + letters(entropy, 7, DIGITS)
    account = bank + letters(entropy, 10, DIGITS)
    check = 98 - int(f"{account}131400") % 97  # D and E count as 13 and 14
    return f"DE{check:02}{account}"


def ssn(entropy: Entropy) -> str:
    """A US social security number from the ranges that are issued."""
    area = between(entropy, 1, 898)
    area += area >= 666  # that one is never issued
    return f"{area:03}-{between(entropy, 1, 99):02}-{between(entropy, 1, 9999):04}"


def _person(scene: Scene) -> tuple[str, ...]:
    """Names, e-mail, phone, date of birth and social security number."""
    entropy = scene.entropy
    first, last = pick(entropy, FIRST_NAMES), pick(entropy, LAST_NAMES)
    area, exchange = between(entropy, 201, 989), between(entropy, 220, 989)
    born = datetime.fromtimestamp(scene.past(22 * 365, 70 * 365), UTC)
    return (
        first,
        last,
        f"{first}.{last}@{invent_name(entropy)}.net".lower(),
        f"+1-{area}-{exchange}-{between(entropy, 0, 9999):04}",
        born.strftime("%Y-%m-%d"),
        ssn(entropy),
    )


def _expiry(scene: Scene) -> str:
    year = datetime.fromtimestamp(scene.now, UTC).year + between(scene.entropy, 1, 4)
    return f"{between(scene.entropy, 1, 12):02}/{year % 100:02}"
