"""Identical records of the bulk ring made one, with a count.

Owns which records say nothing that another has not said: opens that differ in nothing but their
time. What they mean is `decode`'s. Whatever is done for each record is done by a loop in C.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Final

from pytest_ato.capture import abi, syscalls

_HEAD: Final = struct.Struct("<8xI4xH50xH")  # tgid, kind, and nr of a path record
_AFTER_TIME: Final = 8


def runs(
    found: Sequence[bytes], apart: Container[int] = ()
) -> Iterator[tuple[Sequence[bytes], Sequence[bytes]]]:
    """Split records, in their order, into opens that may be joined and what stands between them:
    one record of another kind, or an open of a process in `apart`.

    An open, an unlink and an open of the same path so stay three. And what is apart executed
    another program meanwhile, which may have opened what the one before it did.
    """
    is_open = [
        kind == abi.PATH and nr in syscalls.OPENS and tgid not in apart
        for tgid, kind, nr in map(_HEAD.unpack_from, found)
    ]
    is_open.append(False)
    begin = 0
    for _ in range(is_open.count(False)):
        end = is_open.index(False, begin)
        yield found[begin:end], found[end : end + 1]
        begin = end + 1


def joined(opens: Sequence[bytes]) -> Iterable[tuple[bytes, int]]:
    """The first of each kind of identical opens, with how many there are: a flood of them is so
    told as one event."""
    keys = [record[_AFTER_TIME:] for record in opens]
    counts = Counter(keys)
    if len(counts) == len(opens):
        return zip(opens, repeat(1))
    first = dict(zip(reversed(keys), reversed(opens), strict=True))
    return ((first[key], count) for key, count in counts.items())
