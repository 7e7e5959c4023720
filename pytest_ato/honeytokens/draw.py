"""Unbiased draws from a source of random bytes: the only way minting gets its randomness.

Owns no state and knows no credential format.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, TypeAlias, TypeVar

Entropy: TypeAlias = Callable[[int], bytes]
"""Returns that many random bytes, as `secrets.token_bytes` does."""

T = TypeVar("T")

DIGITS: Final = string.digits
BASE62: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
LOWER36: Final = string.ascii_lowercase + string.digits


def below(entropy: Entropy, limit: int) -> int:
    """Return a number from 0 to `limit` - 1; its bias is under 2^-64."""
    return int.from_bytes(entropy(limit.bit_length() // 8 + 9)) % limit


def between(entropy: Entropy, low: int, high: int) -> int:
    """Return a number from `low` to `high`, both included."""
    return low + below(entropy, high - low + 1)


def pick(entropy: Entropy, choices: Sequence[T]) -> T:
    """Return one of `choices`."""
    return choices[below(entropy, len(choices))]


def letters(entropy: Entropy, count: int, alphabet: str = BASE62) -> str:
    """Return `count` characters, each of `alphabet` equally likely."""
    table, refused = _sieve(alphabet)
    drawn = b""
    while len(drawn) < count:
        drawn += entropy(count + count // 2 + 8).translate(table, refused)
    return drawn[:count].decode()


def uuid4(entropy: Entropy) -> str:
    """Return a random UUID (RFC 9562, version 4) in text form."""
    bits = int.from_bytes(entropy(16))
    bits = bits & ~(0xF << 76) | 4 << 76
    bits = bits & ~(3 << 62) | 2 << 62
    digits = f"{bits:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


@lru_cache(maxsize=16)
def _sieve(alphabet: str) -> tuple[bytes, bytes]:
    """Map each byte to a letter, and name the bytes that would favour the first letters."""
    size = len(alphabet)
    fair = 256 - 256 % size
    return bytes(ord(alphabet[byte % size]) for byte in range(256)), bytes(range(fair, 256))
