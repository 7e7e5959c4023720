"""One mint and its matcher for all tests that only read them."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from pytest_ato.honeytokens.match import Matcher
from pytest_ato.honeytokens.mint import Minted, mint


@pytest.fixture(scope="session")
def planted() -> Minted:
    return mint(random.Random(3).randbytes, now=datetime(2026, 3, 4, tzinfo=UTC))


@pytest.fixture(scope="session")
def matcher(planted: Minted) -> Matcher:
    return Matcher(planted.honeytokens)
