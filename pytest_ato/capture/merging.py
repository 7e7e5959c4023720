"""Identical records of the bulk ring made one, with a count.

Owns which records say nothing that another has not said: opens that differ in nothing but their
time. What they mean is `decode`'s.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterable, Iterator
from typing import Final

from pytest_ato.capture import abi, syscalls

_HEAD: Final = struct.Struct("<8xI4xH50xH")  # tgid, kind, and nr of a path record
_AFTER_TIME: Final = 8


def merge(found: Iterable[bytes], apart: Container[int] = ()) -> Iterator[tuple[bytes, int]]:
    """Join identical opens of one drain; any other record keeps its place between them.

    A flood of opens is so told as one event with a count, while an open, an unlink and an open of
    the same path stay three. So do opens of the processes in `apart`: those that executed another
    program meanwhile, which may have opened what the one before it did.
    """
    firsts: dict[bytes, bytes] = {}
    counts: dict[bytes, int] = {}
    for record in found:
        tgid, kind, nr = _HEAD.unpack_from(record)
        if kind == abi.PATH and nr in syscalls.OPENS and tgid not in apart:
            key = record[_AFTER_TIME:]
            if key in counts:
                counts[key] += 1
            else:
                firsts[key], counts[key] = record, 1
            continue
        yield from zip(firsts.values(), counts.values(), strict=True)
        firsts.clear()
        counts.clear()
        yield record, 1
    yield from zip(firsts.values(), counts.values(), strict=True)
