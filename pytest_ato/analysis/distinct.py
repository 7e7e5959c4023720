"""Counting of different values in bounded memory.

Owns the bound: what lies beyond it is not counted, and `full` says so. A target that writes a
million file names must cost neither the memory for them nor an answer that looks exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import ClassVar, Final, Generic, TypeVar

from pytest_ato.model.octets import B64

T = TypeVar("T")

_LONG: Final = 96
"""From this many characters on, a value is remembered by its hash."""


@dataclass(frozen=True, slots=True)
class Counted(Generic[T]):
    """What a `Distinct` knew at one time."""

    count: int
    """How many different values there were, at most `Distinct.COUNTED`."""
    first: tuple[T, ...]
    """The first different values, in the order of their coming."""
    full: bool
    """More different values came than are counted."""


class Distinct(Generic[T]):
    """Counts different values, and keeps the first of them."""

    COUNTED: ClassVar[int] = 100_000
    """`count` is exact up to here and stays here."""
    KEPT: ClassVar[int] = 100
    """So many values are kept in full."""

    def __init__(self) -> None:
        self._first: list[T] = []
        self._full = False
        self._seen: set[object] = set()

    def __contains__(self, value: T) -> bool:
        return _key(value) in self._seen

    def add(self, value: T) -> bool:
        """Count `value` unless it was counted before; returns whether it is now among the kept."""
        key = _key(value)
        if key in self._seen:
            return False
        if len(self._seen) >= self.COUNTED:
            self._full = True
            return False
        self._seen.add(key)
        if len(self._first) >= self.KEPT:
            return False
        self._first.append(value)
        return True

    def counted(self) -> Counted[T]:
        """Return what is known after the values added so far."""
        return Counted(len(self._seen), tuple(self._first), self._full)


def _key(value: object) -> object:
    """Return what stands for `value` in the set: itself, or a hash of 128 bits if it is long."""
    if isinstance(value, str):
        if len(value) <= _LONG:
            return value
        return blake2b(value.encode(errors="surrogatepass"), digest_size=16).digest()
    if isinstance(value, B64) and len(value.b64) > _LONG:
        return blake2b(value.b64, digest_size=16, person=b"octets").digest()
    return value
